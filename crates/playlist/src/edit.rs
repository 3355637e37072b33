//! UpdatePlaylist and DeletePlaylist.

use crate::{
    Error,
    access::{Access, require},
    fact::Fact,
    field::{Checks, id},
    record::PlaylistRecord,
    repository::{Change, Draft, Outcome},
    role::Role,
    service::Call,
};
use async_trait::async_trait;
use segue_domain::{PlaylistId, Visibility};
use segue_mesh::Caller;
use segue_proto::playlist::v1::{
    self as pb, DeletePlaylistRequest, DeletePlaylistResponse, UpdatePlaylistRequest, UpdatePlaylistResponse,
};
use std::collections::BTreeSet;

const PATHS: &str = "title, description, visibility, refuse_duplicates";

/// One new value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    Title(String),
    Description(String),
    Visibility(Visibility),
    RefuseDuplicates(bool),
}

impl Edit {
    /// Who sees a playlist, and what may be in it, its owner decides.
    fn access(&self) -> Access {
        match self {
            Self::Title(_) | Self::Description(_) => Access::Edit,
            Self::Visibility(_) | Self::RefuseDuplicates(_) => Access::Own,
        }
    }

    fn apply(&self, playlist: &mut PlaylistRecord) {
        match self {
            Self::Title(title) => playlist.title.clone_from(title),
            Self::Description(text) => playlist.description.clone_from(text),
            Self::Visibility(visibility) => playlist.visibility = *visibility,
            Self::RefuseDuplicates(refuse) => playlist.refuse_duplicates = *refuse,
        }
    }
}

impl Role {
    pub(crate) async fn update(
        &self,
        call: &Call,
        request: UpdatePlaylistRequest,
    ) -> Result<UpdatePlaylistResponse, Error> {
        let playlist =
            request.playlist.ok_or_else(|| Error::field("playlist", "playlist_id and the new values"))?;
        let id: PlaylistId = id("playlist.playlist_id", &playlist.playlist_id)?;
        let edits = edits(&playlist, &request.update_mask.unwrap_or_default().paths)?;
        let mut update = Update { caller: &call.caller, etag: &playlist.etag, edits };
        let (changed, ()) = self.playlists.change(id, &mut update).await?;
        Ok(UpdatePlaylistResponse { playlist: Some(self.answer(call, &changed).await) })
    }

    /// Answers with the tombstone.
    pub(crate) async fn delete(
        &self,
        call: &Call,
        request: &DeletePlaylistRequest,
    ) -> Result<(DeletePlaylistResponse, Option<PlaylistRecord>), Error> {
        let id: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let mut delete = Delete { caller: &call.caller, etag: &request.etag };
        let (tombstone, ()) = self.playlists.change(id, &mut delete).await?;
        Ok((DeletePlaylistResponse {}, Some(tombstone)))
    }
}

struct Update<'a> {
    caller: &'a Caller,
    etag: &'a str,
    edits: Vec<Edit>,
}

#[async_trait]
impl Change for Update<'_> {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let wanted = self.edits.iter().map(Edit::access).max().unwrap_or(Access::Edit);
        require(self.caller, &draft.before, wanted)?;
        draft.check_etag(self.etag)?;
        self.edits.iter().for_each(|edit| edit.apply(&mut draft.next));
        if draft.next != draft.before {
            draft.outcome = Outcome::Tell(Fact::Updated);
        }
        Ok(())
    }
}

struct Delete<'a> {
    caller: &'a Caller,
    etag: &'a str,
}

#[async_trait]
impl Change for Delete<'_> {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        // A tombstone is invisible, so a second deletion is NOT_FOUND.
        require(self.caller, &draft.before, Access::Own)?;
        draft.check_etag(self.etag)?;
        draft.bury().await
    }
}

impl Draft<'_> {
    /// The playlist goes with all that belongs to it. What remains is a tombstone that says nothing about its content. The
    /// fact names its people once more, so that it leaves their lists.
    pub(crate) async fn bury(&mut self) -> Result<(), Error> {
        self.clear().await?;
        let now = self.now;
        let next = &mut self.next;
        next.deleted = Some(now);
        next.title.clear();
        next.description.clear();
        next.item_count = 0;
        next.duration_ms = 0;
        next.lead.clear();
        next.people.clear();
        self.outcome = Outcome::Tell(Fact::Deleted);
        Ok(())
    }
}

fn edits(playlist: &pb::Playlist, paths: &[String]) -> Result<Vec<Edit>, Error> {
    let mut checks = Checks::default();
    if paths.is_empty() {
        checks.refuse("update_mask", format!("name the fields to change: {PATHS}"));
    }
    let mut edits = Vec::new();
    // Each once: a mask may name one field a hundred thousand times.
    for path in paths.iter().map(String::as_str).collect::<BTreeSet<_>>() {
        edits.push(match path {
            "title" => Edit::Title(checks.title("playlist.title", &playlist.title)),
            "description" => {
                Edit::Description(checks.description("playlist.description", &playlist.description))
            }
            "visibility" => Edit::Visibility(checks.visibility("playlist.visibility", playlist.visibility)),
            "refuse_duplicates" => Edit::RefuseDuplicates(playlist.refuse_duplicates),
            _ => {
                let shown: String = path.chars().take(100).collect();
                checks.refuse("update_mask", format!("{shown:?} cannot be changed; these can: {PATHS}"));
                break;
            }
        });
    }
    checks.done()?;
    Ok(edits)
}
