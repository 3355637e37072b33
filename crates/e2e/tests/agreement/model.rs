//! What should be there.

use segue_client::proto::playlist::v1::Play;
use std::collections::BTreeMap;

/// A song of the user.
#[derive(Debug, Clone)]
pub(crate) struct Song {
    pub(crate) id: String,
    pub(crate) title: String,
    /// Title and artist of its album, once it was put on one.
    pub(crate) album: Option<(String, String)>,
    pub(crate) public: bool,
    pub(crate) gone: bool,
}

/// What an album or artist is called, and how many songs it has.
pub(crate) type Shelf = (String, u32);

/// A playlist of the user.
#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) public: bool,
    /// Item and song, in order.
    pub(crate) items: Vec<(String, usize)>,
}

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) songs: Vec<Song>,
    pub(crate) lists: Vec<List>,
    /// Songs, liked first comes first.
    pub(crate) likes: Vec<usize>,
    /// By event id.
    pub(crate) plays: BTreeMap<String, Play>,
}

impl Model {
    /// Songs that are there.
    pub(crate) fn alive(&self) -> Vec<usize> {
        (0..self.songs.len()).filter(|at| !self.songs[*at].gone).collect()
    }

    /// Albums by title and artists by name, each with how many songs; those of public songs only, or of all.
    pub(crate) fn shelves(&self, public: bool) -> (Vec<Shelf>, Vec<Shelf>) {
        let shown = |song: &&Song| !song.gone && (song.public || !public);
        let named = || self.songs.iter().filter(shown).filter_map(|song| song.album.as_ref());
        let (mut albums, mut artists) = (BTreeMap::new(), BTreeMap::new());
        for album in named() {
            *albums.entry(album).or_insert(0) += 1;
            *artists.entry(&album.1).or_insert(0) += 1;
        }
        let mut albums: Vec<_> =
            albums.into_iter().map(|((title, _), songs)| (title.clone(), songs)).collect();
        albums.sort();
        (albums, artists.into_iter().map(|(name, songs)| (name.clone(), songs)).collect())
    }

    /// Song, whether it plays for its owner, for each item in order.
    pub(crate) fn shown(&self, list: &List) -> Vec<(String, String, bool)> {
        let one = |(item, song): &(String, usize)| {
            let song = &self.songs[*song];
            (item.clone(), song.id.clone(), !song.gone)
        };
        list.items.iter().map(one).collect()
    }

    /// Plays and skips by song.
    pub(crate) fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        let mut counts = BTreeMap::new();
        for play in self.plays.values() {
            let (plays, skips) = counts.entry(play.song_id.clone()).or_insert((0, 0));
            if play.skipped { *skips += 1 } else { *plays += 1 }
        }
        counts
    }

    /// Events, newest first.
    pub(crate) fn history(&self) -> Vec<String> {
        let mut plays: Vec<&Play> = self.plays.values().collect();
        let key = |p: &&Play| (p.start_time.map(|t| (t.seconds, t.nanos)), p.event_id.clone());
        plays.sort_by_key(key);
        plays.iter().rev().map(|p| p.event_id.clone()).collect()
    }
}
