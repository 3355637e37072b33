//! Who may see and who may change a song.

use crate::{Error, record::SongRecord};
use segue_domain::{SongId, Visibility};
use segue_mesh::Caller;

/// True when the caller may know that the song is there.
pub(crate) fn sees(caller: &Caller, song: &SongRecord) -> bool {
    song.deleted.is_none() && (song.visibility != Visibility::Private || owns(caller, song))
}

/// True for the owner, admins and roles: they see all fields and may change them.
pub(crate) fn owns(caller: &Caller, song: &SongRecord) -> bool {
    caller.user_id() == Some(song.owner) || caller.sees_all()
}

/// The song if the caller may see it, else NOT_FOUND, so that ids cannot be probed.
pub(crate) fn visible(caller: &Caller, id: SongId, song: Option<SongRecord>) -> Result<SongRecord, Error> {
    song.filter(|song| sees(caller, song)).ok_or(Error::NotFound(id))
}

/// The song if the caller may change it. PERMISSION_DENIED only for what everyone can see.
pub(crate) fn own<'a>(caller: &Caller, song: &'a SongRecord) -> Result<&'a SongRecord, Error> {
    match (sees(caller, song), owns(caller, song)) {
        (false, _) => Err(Error::NotFound(song.id)),
        (true, false) => Err(Error::NotOwner),
        (true, true) => Ok(song),
    }
}
