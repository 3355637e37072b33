//! AddItems: many songs at one place, once.

use crate::{
    Error,
    access::{Access, require},
    answer,
    create::{REQUEST_ID, digest},
    fact::Fact,
    field::{id, ids},
    place::spot,
    record::{ItemRecord, MOST_ITEMS, PlaylistRecord},
    repository::{Answered, Change, Draft, Outcome, items::Spot},
    role::Role,
    service::Call,
};
use async_trait::async_trait;
use segue_domain::{EventId, ItemId, PlaylistId, SongId, Timestamp, UserId};
use segue_mesh::Caller;
use segue_proto::playlist::v1::{AddItemsRequest, AddItemsResponse};
use std::collections::HashSet;

impl Role {
    pub(crate) async fn add(
        &self,
        user: UserId,
        call: &Call,
        request: AddItemsRequest,
    ) -> Result<AddItemsResponse, Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let songs: Vec<SongId> = ids("song_ids", &request.song_ids)?;
        let spot = spot(request.place)?;
        let requested = match request.request_id.as_str() {
            "" => None,
            text => {
                Some(id::<EventId>("request_id", text).map_err(|_| Error::field("request_id", REQUEST_ID))?)
            }
        };
        // Nobody learns by adding which songs there are in a playlist that is not theirs.
        require(&call.caller, self.seen(call, playlist).await?.as_ref(), Access::Edit)?;
        let mut add = Add {
            caller: &call.caller,
            etag: &request.etag,
            spot,
            request: requested.map(|request| Answered {
                request: request.uuid(),
                digest: digest(&[&user.to_string(), &format!("{spot:?}"), &format!("{songs:?}")]),
                items: Vec::new(),
            }),
            items: self.new_items(user, call, &songs).await,
        };
        let (changed, items) = self.playlists.change(playlist, &mut add).await?;
        let items = items.iter().map(answer::item).collect();
        Ok(AddItemsResponse { items, playlist: Some(self.answer(call, &changed).await) })
    }

    /// Items of songs that the caller sees. An error waits until it is known that the request was not answered before.
    async fn new_items(
        &self,
        user: UserId,
        call: &Call,
        songs: &[SongId],
    ) -> Result<Vec<ItemRecord>, Option<Error>> {
        let found = self.songs.find(&call.passport, songs.iter().copied()).await.map_err(Some)?;
        let now = self.now();
        let item = |song: &SongId| {
            let there = found.get(song).ok_or(Some(Error::SongNotFound(*song)))?;
            Ok(new_item(*song, there.duration_ms, user, now))
        };
        songs.iter().map(item).collect()
    }
}

/// An item that has no place yet.
pub(crate) fn new_item(song: SongId, duration_ms: u64, added_by: UserId, added: Timestamp) -> ItemRecord {
    ItemRecord { id: ItemId::new(), position: Vec::new(), song, added_by, added, duration_ms }
}

struct Add<'a> {
    caller: &'a Caller,
    etag: &'a str,
    spot: Spot,
    request: Option<Answered>,
    items: Result<Vec<ItemRecord>, Option<Error>>,
}

#[async_trait]
impl Change for Add<'_> {
    type Answer = Vec<ItemRecord>;

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<Vec<ItemRecord>, Error> {
        require(self.caller, &draft.before, Access::Edit)?;
        if let Some(request) = &self.request
            && let Some(first) = draft.answered(request.request).await?
        {
            return again(draft, request, &first).await;
        }
        draft.check_etag(self.etag)?;
        let items = match &mut self.items {
            Ok(items) => items,
            Err(error) => return Err(error.take().unwrap_or(Error::Contended)),
        };
        refuse(draft, items).await?;
        let mut next = draft.next.clone();
        draft.items().insert(&mut next, items, self.spot).await?;
        draft.next = next;
        draft.count(items, &[]).await?;
        if let Some(request) = &self.request {
            let items = items.iter().map(|item| item.id).collect();
            draft.remember(&Answered { items, ..request.clone() }).await?;
        }
        draft.outcome = Outcome::Tell(Fact::Updated);
        Ok(items.clone())
    }
}

/// What the request was answered with before, as far as it is still there.
async fn again(draft: &Draft<'_>, request: &Answered, first: &Answered) -> Result<Vec<ItemRecord>, Error> {
    if request.digest != first.digest {
        return Err(Error::AlreadyExists);
    }
    let there = draft.items().some(&first.items).await?;
    Ok(first.items.iter().filter_map(|id| there.iter().find(|item| item.id == *id).cloned()).collect())
}

async fn refuse(draft: &Draft<'_>, items: &[ItemRecord]) -> Result<(), Error> {
    let PlaylistRecord { item_count, refuse_duplicates, .. } = draft.before;
    if item_count as usize + items.len() > MOST_ITEMS as usize {
        return Err(Error::Full(format!(
            "a playlist holds at most {MOST_ITEMS} items; this one has {item_count}"
        )));
    }
    if !refuse_duplicates {
        return Ok(());
    }
    let mut seen = HashSet::new();
    let twice = items.iter().map(|item| item.song).find(|song| !seen.insert(*song));
    let songs: Vec<SongId> = items.iter().map(|item| item.song).collect();
    match twice.or(draft.items().any_of(&songs).await?) {
        Some(song) => Err(Error::DuplicateSong(song)),
        None => Ok(()),
    }
}
