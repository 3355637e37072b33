//! Random histories of editors in two processes, with repeats, stale etags and facts in any order, against a model that does the
//! same in the plainest way.

use super::world::{World, by, reason, worlds};
use crate::{PlaylistApi, consume::Inbox};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use segue_domain::{EventId, ItemId, SongId, UserId};
use segue_proto::{
    playlist::v1::{place::At, playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use tonic::{Code, Status};

const STEPS: u32 = 250;

struct History<'a> {
    world: &'a World,
    random: StdRng,
    apis: [PlaylistApi; 2],
    editors: Vec<UserId>,
    songs: Vec<SongId>,
    playlist: String,
    /// Items in order, with their songs.
    model: Vec<(String, String)>,
    version: u64,
}

impl History<'_> {
    /// A process and somebody who edits there.
    fn editor(&mut self) -> (PlaylistApi, UserId) {
        let api = self.apis[self.random.random_range(0..2)].clone();
        (api, self.editors[self.random.random_range(0..self.editors.len())])
    }

    /// A place among the items but `moving`, and what it is called.
    fn place(&mut self, without: Option<usize>) -> (usize, Option<Place>) {
        let mut others: Vec<&String> = self.model.iter().map(|(id, _)| id).collect();
        if let Some(without) = without {
            others.remove(without);
        }
        let at = self.random.random_range(0..=others.len());
        let named = match (at, self.random.random_range(0..3)) {
            (0, 0) => Some(At::First(true)),
            (at, 0) if at == others.len() => None,
            (at, 1) if at > 0 => Some(At::AfterItemId(others[at - 1].clone())),
            (at, _) if at < others.len() => Some(At::BeforeItemId(others[at].clone())),
            _ => None,
        };
        // The words for the end fit no other place.
        match named {
            None => (others.len(), None),
            named => (at, Some(Place { at: named })),
        }
    }

    /// The right etag, none, or a stale one.
    fn etag(&mut self) -> (String, bool) {
        match self.random.random_range(0..10) {
            0 => ((self.version - 1).to_string(), true),
            1..4 => (self.version.to_string(), false),
            _ => (String::new(), false),
        }
    }

    fn refused<T>(stale: bool, result: Result<T, Status>) -> Option<T> {
        match (stale, result) {
            (false, result) => Some(result.unwrap()),
            (true, Err(status)) => {
                assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_STALE"));
                None
            }
            (true, Ok(_)) => panic!("a stale etag was taken"),
        }
    }

    async fn add(&mut self) {
        let (at, place) = self.place(None);
        let (etag, stale) = self.etag();
        let songs: Vec<String> = (0..self.random.random_range(1..6))
            .map(|_| self.songs[self.random.random_range(0..self.songs.len())].to_string())
            .collect();
        let wish = AddItemsRequest {
            playlist_id: self.playlist.clone(),
            song_ids: songs.clone(),
            place,
            request_id: EventId::new().to_string(),
            etag,
        };
        let (api, user) = self.editor();
        let added = api.add_items(by(user, wish.clone())).await.map(|answer| answer.into_inner());
        let Some(added) = Self::refused(stale, added) else { return };
        if self.random.random_bool(0.3) {
            let other = self.apis[self.random.random_range(0..2)].clone();
            let again = other.add_items(by(user, wish)).await.unwrap().into_inner();
            assert_eq!((&again.items, again.playlist), (&added.items, added.playlist.clone()));
        }
        let items = added.items.into_iter().map(|item| item.item_id).zip(songs);
        self.model.splice(at..at, items);
        self.written(added.playlist.unwrap(), true);
    }

    async fn move_one(&mut self) {
        if self.model.is_empty() {
            return;
        }
        let from = self.random.random_range(0..self.model.len());
        let (to, place) = self.place(Some(from));
        let (etag, stale) = self.etag();
        let (api, user) = self.editor();
        let item_id = self.model[from].0.clone();
        let wish = MoveItemRequest { playlist_id: self.playlist.clone(), item_id, place, etag };
        let moved = api.move_item(by(user, wish)).await.map(|answer| answer.into_inner());
        let Some(moved) = Self::refused(stale, moved) else { return };
        let item = self.model.remove(from);
        self.model.insert(to, item);
        self.written(moved.playlist.unwrap(), from != to);
    }

    async fn remove(&mut self) {
        let mut gone = vec![ItemId::new().to_string()];
        for _ in 0..self.random.random_range(0..4) {
            if !self.model.is_empty() {
                gone.push(self.model[self.random.random_range(0..self.model.len())].0.clone());
            }
        }
        let (etag, stale) = self.etag();
        let (api, user) = self.editor();
        let wish = RemoveItemsRequest { playlist_id: self.playlist.clone(), item_ids: gone.clone(), etag };
        let removed = api.remove_items(by(user, wish)).await.map(|answer| answer.into_inner());
        let Some(removed) = Self::refused(stale, removed) else { return };
        let before = self.model.len();
        self.model.retain(|(id, _)| !gone.contains(id));
        assert_eq!(removed.item_ids.len(), before - self.model.len());
        let changed = before != self.model.len();
        self.written(removed.playlist.unwrap(), changed);
    }

    /// What a writer was answered with.
    fn written(&mut self, header: Playlist, changed: bool) {
        self.version += u64::from(changed);
        assert_eq!(header.etag, self.version.to_string());
        assert_eq!(header.item_count as usize, self.model.len());
        assert_eq!(header.duration_ms, self.model.len() as u64 * 180_000);
    }

    /// What a reader finds who has seen what was written last.
    async fn check(&mut self) {
        let (api, user) = self.editor();
        let (mut found, mut page_token) = (Vec::new(), String::new());
        let page_size = self.random.random_range(1..60);
        loop {
            let (playlist_id, token) = (self.playlist.clone(), std::mem::take(&mut page_token));
            let mut call = by(user, ListItemsRequest { playlist_id, page_size, page_token: token });
            let mark = format!("{}@{}", self.playlist, self.version).parse().unwrap();
            call.metadata_mut().insert("segue-consistency", mark);
            let page = api.list_items(call).await.unwrap().into_inner();
            assert_eq!(page.etag, self.version.to_string());
            found.extend(page.items.into_iter().map(|item| (item.item_id, item.song_id)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, self.model);
    }
}

#[tokio::test]
async fn whatever_editors_do_all_agree_on_what_came_of_it() {
    for seed in 1..=2 {
        for world in worlds().await {
            let owner = UserId::new();
            let playlist = world.create(owner, Visibility::Private).await;
            let mut editors = vec![owner];
            for name in ["a@x", "b@x"] {
                editors.push(world.account(name));
                let (playlist_id, user) = (playlist.clone(), name.to_owned());
                let share = SetCollaboratorRequest { playlist_id, user, role: Role::Editor.into() };
                world.api.set_collaborator(by(owner, share)).await.unwrap();
            }
            let mut history = History {
                world: &world,
                random: StdRng::seed_from_u64(seed),
                apis: [world.api.clone(), PlaylistApi::new(world.neighbour().role().clone())],
                editors,
                songs: (0..10).map(|_| world.public()).collect(),
                playlist,
                model: Vec::new(),
                version: 3,
            };
            for step in 0..STEPS {
                match history.random.random_range(0..10) {
                    0..4 => history.add().await,
                    4..8 => history.move_one().await,
                    _ => history.remove().await,
                }
                if step % 5 == 0 {
                    history.check().await;
                }
            }
            // Facts come twice and in any order, and lists are right at the end.
            let mut facts = history.world.facts().await;
            assert_eq!(facts.len() as u64, history.version);
            facts.extend(facts.clone());
            facts.shuffle(&mut history.random);
            for some in facts.chunks(3) {
                world.role.handle(Inbox::Lists, some.to_vec()).await.unwrap();
            }
            for (user, relation) in history.editors.iter().zip([1, 2, 2]) {
                let relation = Relation::try_from(relation).unwrap();
                assert_eq!(world.list(*user, relation).await, [history.playlist.clone()], "seed {seed}");
            }
        }
    }
}
