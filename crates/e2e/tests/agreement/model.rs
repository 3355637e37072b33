//! What should be there.

use segue_client::proto::playlist::v1::Play;
use std::collections::BTreeMap;

/// A song of the user.
#[derive(Debug, Clone)]
pub(crate) struct Song {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) public: bool,
    pub(crate) gone: bool,
}

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
