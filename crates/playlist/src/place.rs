//! MoveItem and RemoveItems.

use crate::{
    Error,
    access::{Access, require},
    fact::Fact,
    field::{id, ids},
    repository::{Change, Draft, Outcome, items::Spot},
    role::Role,
    service::Call,
};
use async_trait::async_trait;
use segue_domain::{ItemId, PlaylistId};
use segue_mesh::Caller;
use segue_proto::playlist::v1::{
    MoveItemRequest, MoveItemResponse, Place, RemoveItemsRequest, RemoveItemsResponse, place::At,
};
use std::collections::HashSet;

impl Role {
    pub(crate) async fn move_item(
        &self,
        call: &Call,
        request: MoveItemRequest,
    ) -> Result<MoveItemResponse, Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let item = id("item_id", &request.item_id)?;
        let spot = spot(request.place)?;
        let mut change = Move { caller: &call.caller, etag: &request.etag, item, spot };
        let (changed, ()) = self.playlists.change(playlist, &mut change).await?;
        Ok(MoveItemResponse { playlist: Some(self.answer(call, &changed).await) })
    }

    pub(crate) async fn remove(
        &self,
        call: &Call,
        request: RemoveItemsRequest,
    ) -> Result<RemoveItemsResponse, Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let items = ids("item_ids", &request.item_ids)?;
        let mut change = Remove { caller: &call.caller, etag: &request.etag, items };
        let (changed, gone) = self.playlists.change(playlist, &mut change).await?;
        let item_ids = gone.into_iter().map(String::from).collect();
        Ok(RemoveItemsResponse { item_ids, playlist: Some(self.answer(call, &changed).await) })
    }
}

/// Where a request wants items.
pub(crate) fn spot(place: Option<Place>) -> Result<Spot, Error> {
    match place.and_then(|place| place.at) {
        None => Ok(Spot::Last),
        Some(At::First(true)) => Ok(Spot::First),
        Some(At::First(false)) => Err(Error::field("place.first", "true; leave place out for the end")),
        Some(At::BeforeItemId(item)) => Ok(Spot::Before(id("place.before_item_id", &item)?)),
        Some(At::AfterItemId(item)) => Ok(Spot::After(id("place.after_item_id", &item)?)),
    }
}

struct Move<'a> {
    caller: &'a Caller,
    etag: &'a str,
    item: ItemId,
    spot: Spot,
}

#[async_trait]
impl Change for Move<'_> {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        require(self.caller, &draft.before, Access::Edit)?;
        draft.check_etag(self.etag)?;
        let mut next = draft.next.clone();
        if draft.items().place(&mut next, self.item, self.spot).await? {
            draft.next = next;
            draft.count(&[], &[]).await?;
            draft.outcome = Outcome::Tell(Fact::Updated);
        }
        Ok(())
    }
}

struct Remove<'a> {
    caller: &'a Caller,
    etag: &'a str,
    items: Vec<ItemId>,
}

#[async_trait]
impl Change for Remove<'_> {
    type Answer = Vec<ItemId>;

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<Vec<ItemId>, Error> {
        require(self.caller, &draft.before, Access::Edit)?;
        draft.check_etag(self.etag)?;
        let gone = draft.items().remove(&self.items).await?;
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        draft.count(&[], &gone).await?;
        draft.outcome = Outcome::Tell(Fact::Updated);
        let mut gone: HashSet<ItemId> = gone.into_iter().map(|item| item.id).collect();
        Ok(self.items.iter().copied().filter(|id| gone.remove(id)).collect())
    }
}
