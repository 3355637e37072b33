//! What is read, beside what should be.

use crate::{deeds::Deeds, model::List};
use segue_client::{
    Client,
    proto::{
        playlist::v1::{PlayedOrder, Relation},
        search::v1::{Kind, SearchRequest, search_result::Item},
        song::v1::{ListAlbumsRequest, ListArtistsRequest, SongState},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

fn compare<T: PartialEq + Debug>(wrong: &mut Vec<String>, what: &str, read: T, expected: T) {
    if read != expected {
        wrong.push(format!("{what}: {read:?} and not {expected:?}"));
    }
}

impl Deeds {
    /// What a client has written it reads, whichever cache or replica answers.
    ///
    /// # Panics
    /// When it does not.
    pub(crate) async fn own_writes_are_read(&self, when: &str) {
        for list in self.model.lists.iter().rev().take(2) {
            let read = self.client.playlist(&list.id).await.unwrap();
            let count = list.items.len() as u32;
            if (read.title.as_str(), read.item_count) != (list.title.as_str(), count) {
                let (seen, again) = (self.client.seen(), self.client.playlist(&list.id).await);
                panic!(
                    "{when}: {:?} with {count} is read as {read:?}; seen {seen}; read again: {again:?}",
                    list.title
                );
            }
            assert_eq!(items(&self.client, list).await, Some(places(list)), "{when}");
        }
    }

    /// Everything that differs from the model.
    pub(crate) async fn differences(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.songs(&mut wrong).await;
        self.shelves(&mut wrong).await;
        self.lists(&mut wrong).await;
        self.library(&mut wrong).await;
        wrong
    }

    async fn songs(&self, wrong: &mut Vec<String>) {
        let model = &self.model;
        let titles = self.client.my_songs(&[SongState::Ready], usize::MAX).await.unwrap();
        let titles: BTreeMap<_, _> = titles.into_iter().map(|s| (s.song_id, s.title)).collect();
        let expected =
            model.alive().into_iter().map(|at| (model.songs[at].id.clone(), model.songs[at].title.clone()));
        compare(wrong, "songs", titles, expected.collect());
        for song in &model.songs {
            let seen = self.other.song(&song.id).await.is_ok();
            compare(wrong, &format!("{} by somebody else", song.title), seen, song.public && !song.gone);
            let found = found(&self.client, &song.title, Kind::Song).await.contains(&song.id);
            compare(wrong, &format!("finding {}", song.title), found, !song.gone);
            let found = self::found(&self.other, &song.title, Kind::Song).await.contains(&song.id);
            compare(
                wrong,
                &format!("somebody else finding {}", song.title),
                found,
                song.public && !song.gone,
            );
        }
    }

    async fn shelves(&self, wrong: &mut Vec<String>) {
        for (who, client, public) in
            [("the owner", &self.client, false), ("somebody else", &self.other, true)]
        {
            let (albums, artists) = self.model.shelves(public);
            let (owner_id, page_size) = (self.owner.clone(), 200);
            let request = ListAlbumsRequest { owner_id, page_size, ..Default::default() };
            let request = client.request(request).await.unwrap();
            let read = client.songs().list_albums(request).await.unwrap().into_inner().albums;
            let mut read: Vec<_> = read.into_iter().map(|album| (album.title, album.song_count)).collect();
            read.sort();
            compare(wrong, &format!("albums as {who} sees them"), read, albums);
            let request =
                ListArtistsRequest { owner_id: self.owner.clone(), page_size, ..Default::default() };
            let request = client.request(request).await.unwrap();
            let read = client.songs().list_artists(request).await.unwrap().into_inner().artists;
            let read = read.into_iter().map(|artist| (artist.name, artist.song_count)).collect();
            compare(wrong, &format!("artists as {who} sees them"), read, artists);
        }
    }

    async fn lists(&self, wrong: &mut Vec<String>) {
        let listed = self.client.playlists(Relation::Owned).await.unwrap();
        let listed: BTreeMap<_, _> =
            listed.into_iter().map(|p| (p.playlist_id, (p.title, p.item_count))).collect();
        let expected =
            self.model.lists.iter().map(|l| (l.id.clone(), (l.title.clone(), l.items.len() as u32)));
        compare(wrong, "playlists", listed, expected.collect());
        for list in &self.model.lists {
            let read = self.client.playlist_items(&list.id).await.unwrap().items;
            let read = read.into_iter().map(|i| (i.item_id, i.song_id, i.available)).collect();
            compare(wrong, &list.title, read, self.model.shown(list));
            let seen = items(&self.other, list).await;
            compare(
                wrong,
                &format!("{} by somebody else", list.title),
                seen,
                list.public.then(|| places(list)),
            );
            let found = found(&self.client, &list.title, Kind::Playlist).await.contains(&list.id);
            compare(wrong, &format!("finding {}", list.title), found, true);
            let found = self::found(&self.other, &list.title, Kind::Playlist).await.contains(&list.id);
            compare(wrong, &format!("somebody else finding {}", list.title), found, list.public);
        }
    }

    async fn library(&self, wrong: &mut Vec<String>) {
        let model = &self.model;
        let likes = self.client.likes(usize::MAX).await.unwrap();
        let likes: Vec<String> = likes.into_iter().map(|l| l.song_id).collect();
        let expected = model.likes.iter().rev().map(|at| model.songs[*at].id.clone()).collect();
        compare(wrong, "likes", likes, expected);
        let history = self.client.history(usize::MAX).await.unwrap();
        let history = history.into_iter().map(|h| h.play.unwrap_or_default().event_id).collect();
        compare(wrong, "history", history, model.history());
        let played = self.client.played(PlayedOrder::Most, usize::MAX).await.unwrap();
        let played = played.into_iter().map(|p| (p.song_id, (p.plays, p.skips))).collect();
        compare(wrong, "counts", played, model.counts());
    }
}

/// Item and song in order; nothing when the playlist is not there for the one who looks.
async fn items(client: &Client, list: &List) -> Option<Vec<String>> {
    match client.playlist_items(&list.id).await {
        Ok(read) => Some(read.items.into_iter().map(|item| item.item_id).collect()),
        Err(error) if error.code() == Some(tonic::Code::NotFound) => None,
        Err(error) => panic!("{}: {error}", list.title),
    }
}

fn places(list: &List) -> Vec<String> {
    list.items.iter().map(|(item, _)| item.clone()).collect()
}

/// Ids of what answers a title.
async fn found(client: &Client, title: &str, kind: Kind) -> BTreeSet<String> {
    let query = format!("\"{title}\"");
    let request = SearchRequest { query, page_size: 200, kinds: vec![kind.into()], ..Default::default() };
    let request = client.request(request).await.unwrap();
    let results = client.searches().search(request).await.unwrap().into_inner().results;
    let id = |item| match item {
        Item::Song(song) => song.song_id,
        Item::Playlist(playlist) => playlist.playlist_id,
        Item::Album(album) => album.album_id,
        Item::Artist(artist) => artist.artist_id,
    };
    results.into_iter().filter_map(|r| r.item.map(id)).collect()
}
