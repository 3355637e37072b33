//! Who may see and who may change a playlist.

use crate::{Error, record::PlaylistRecord};
use segue_domain::{PlaylistId, Visibility};
use segue_mesh::Caller;
use std::sync::Arc;

/// What a caller may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// Not even know that it is there.
    Nothing,
    /// See it, as everyone does.
    See,
    /// See it, whatever its visibility.
    View,
    /// Change its items, title and description.
    Edit,
    /// Everything. Admins and roles too.
    Own,
}

pub(crate) fn access(caller: &Caller, playlist: &PlaylistRecord) -> Access {
    if playlist.deleted.is_some() {
        return Access::Nothing;
    }
    let user = caller.user_id();
    if user == Some(playlist.owner) || caller.sees_all() {
        return Access::Own;
    }
    match (user.and_then(|user| playlist.person(user)), playlist.visibility) {
        (Some(person), _) if person.editor => Access::Edit,
        (Some(_), _) => Access::View,
        (None, Visibility::Private) => Access::Nothing,
        (None, _) => Access::See,
    }
}

/// The playlist if the caller may see it, else NOT_FOUND, so that ids cannot be probed.
pub(crate) fn visible(
    caller: &Caller,
    id: PlaylistId,
    playlist: Option<Arc<PlaylistRecord>>,
) -> Result<Arc<PlaylistRecord>, Error> {
    playlist.filter(|playlist| access(caller, playlist) > Access::Nothing).ok_or(Error::NotFound(id))
}

/// Refuses who may do less than `wanted`. PERMISSION_DENIED only for what they see.
pub(crate) fn require(caller: &Caller, playlist: &PlaylistRecord, wanted: Access) -> Result<(), Error> {
    match access(caller, playlist) {
        Access::Nothing => Err(Error::NotFound(playlist.id)),
        may if may >= wanted => Ok(()),
        _ if wanted == Access::Edit => Err(Error::NotEditor),
        _ if wanted == Access::View => Err(Error::NotFound(playlist.id)),
        _ => Err(Error::NotOwner),
    }
}
