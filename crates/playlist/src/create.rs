//! CreatePlaylist.

use crate::{
    Error,
    field::{Checks, id},
    order::between,
    record::{ItemRecord, PlaylistRecord, lead},
    role::Role,
    service::Call,
};
use segue_domain::{PlaylistId, UserId, Visibility};
use segue_proto::playlist::v1::{CreatePlaylistRequest, CreatePlaylistResponse};
use segue_store::StoreError;
use sha2::{Digest, Sha256};

pub(crate) const REQUEST_ID: &str =
    "a UUIDv7 made by the client, such as 01890a5d-ac96-774b-bcce-b302099a8057";

/// What a new playlist is told apart by.
pub(crate) struct Declared {
    pub title: String,
    pub description: String,
    pub visibility: Visibility,
    pub refuse_duplicates: bool,
    /// Of all that was asked for.
    pub digest: String,
}

impl Role {
    pub(crate) async fn create(
        &self,
        owner: UserId,
        call: &Call,
        request: CreatePlaylistRequest,
    ) -> Result<CreatePlaylistResponse, Error> {
        let mut checks = Checks::default();
        let title = checks.title("title", &request.title);
        let description = checks.description("description", &request.description);
        let visibility = checks.visibility("visibility", request.visibility);
        let requested = requested(&mut checks, &request.request_id);
        checks.done()?;
        let declared = Declared {
            digest: digest(&[
                "create",
                &title,
                &description,
                visibility.as_str(),
                if request.refuse_duplicates { "refuse" } else { "" },
            ]),
            title,
            description,
            visibility,
            refuse_duplicates: request.refuse_duplicates,
        };
        if let Some(id) = requested
            && let Some(first) = self.repeated(id, owner, &declared.digest).await?
        {
            return Ok(CreatePlaylistResponse { playlist: Some(self.answer(call, &first).await) });
        }
        let playlist = self.found(requested, owner, declared, Vec::new()).await?;
        Ok(CreatePlaylistResponse { playlist: Some(self.answer(call, &playlist).await) })
    }

    /// What a request with this id made before; an error when it was another request.
    pub(crate) async fn repeated(
        &self,
        id: PlaylistId,
        owner: UserId,
        digest: &str,
    ) -> Result<Option<PlaylistRecord>, Error> {
        let Some(first) = self.playlists.latest(id).await? else { return Ok(None) };
        match first {
            // Its owner may be another by now; who asks made it, or has it now, or learns nothing.
            first if first.owner != owner => Err(Error::AlreadyExists),
            first if first.deleted.is_some() => Err(Error::WasDeleted),
            first if first.request_digest != digest => Err(Error::AlreadyExists),
            first => Ok(Some(first)),
        }
    }

    /// Makes a playlist with these items, in order.
    pub(crate) async fn found(
        &self,
        requested: Option<PlaylistId>,
        owner: UserId,
        declared: Declared,
        mut items: Vec<ItemRecord>,
    ) -> Result<PlaylistRecord, Error> {
        self.check_quota(owner).await?;
        let keys = between(None, None, items.len());
        for (item, key) in items.iter_mut().zip(keys) {
            item.position = key;
        }
        let now = self.now();
        let playlist = PlaylistRecord {
            id: requested.unwrap_or_else(PlaylistId::new),
            owner,
            version: 1,
            title: declared.title,
            description: declared.description,
            visibility: declared.visibility,
            refuse_duplicates: declared.refuse_duplicates,
            item_count: u32::try_from(items.len()).unwrap_or(u32::MAX),
            duration_ms: items.iter().map(|item| item.duration_ms).sum(),
            lead: lead(items.iter().map(|item| item.song)),
            respread: 0,
            request_digest: declared.digest,
            created: now,
            updated: now,
            deleted: None,
            people: Vec::new(),
        };
        match self.playlists.insert(&playlist, &items).await {
            Ok(()) => Ok(playlist),
            // A repeat that ran at the same time was faster.
            Err(Error::Store(StoreError::Duplicate)) => {
                let first = self.repeated(playlist.id, owner, &playlist.request_digest).await?;
                first.ok_or(Error::Contended)
            }
            Err(error) => Err(error),
        }
    }

    /// Two creations at once may both pass; the next one does not.
    async fn check_quota(&self, owner: UserId) -> Result<(), Error> {
        let most = self.config.max_playlists_per_user;
        if most != 0 && self.playlists.owned(owner).await? >= most {
            return Err(Error::Full(format!("you have {most} playlists, which is all you may have")));
        }
        Ok(())
    }
}

/// The id that the client gave to what it asks for.
pub(crate) fn requested(checks: &mut Checks, request_id: &str) -> Option<PlaylistId> {
    if request_id.is_empty() {
        return None;
    }
    let parsed = id("request_id", request_id).ok();
    if parsed.is_none() {
        checks.refuse("request_id", REQUEST_ID);
    }
    parsed
}

/// Tells one request from another.
pub(crate) fn digest(parts: &[impl AsRef<[u8]>]) -> String {
    let mut digest = Sha256::new();
    for part in parts.iter().map(AsRef::as_ref) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}
