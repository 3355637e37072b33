//! CreateInvitation and AcceptInvitation. The secret names its playlist, so that it is looked for on one shard; of the rest only
//! a hash is kept.

use crate::{
    Error,
    access::{Access, require},
    field::{editor, id},
    repository::{Change, Draft, Invitation, Outcome},
    role::Role,
    service::Call,
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_domain::{PlaylistId, UserId};
use segue_mesh::{Caller, to_proto};
use segue_proto::playlist::v1::{
    AcceptInvitationResponse, CreateInvitationRequest, CreateInvitationResponse,
};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Seconds that an invitation lives when nothing is said, and at most.
const LIFE: u32 = 7 * 24 * 3600;
const LONGEST_LIFE: u32 = 30 * 24 * 3600;
/// Invitations of a playlist that have not expired.
const MOST_INVITATIONS: u64 = 200;
/// An id and 24 random bytes.
const ID: usize = 16;
const TOKEN: usize = ID + 24;

impl Role {
    pub(crate) async fn invite(
        &self,
        call: &Call,
        request: CreateInvitationRequest,
    ) -> Result<CreateInvitationResponse, Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let editor = editor("role", request.role)?;
        let life = match request.ttl_seconds {
            0 => LIFE,
            seconds if seconds <= LONGEST_LIFE => seconds,
            _ => return Err(Error::field("ttl_seconds", format!("at most {LONGEST_LIFE}"))),
        };
        let mut token = [0; TOKEN];
        rand::fill(&mut token[..]);
        token[..ID].copy_from_slice(playlist.bytes());
        let now = self.now();
        let invitation = Invitation {
            playlist,
            hash: hash(&token),
            editor,
            created: now,
            expires: now.plus(Duration::from_secs(life.into())),
            used_by: None,
        };
        let expires = invitation.expires;
        self.playlists.change(playlist, &mut Invite { caller: &call.caller, invitation }).await?;
        Ok(CreateInvitationResponse {
            token: URL_SAFE_NO_PAD.encode(token),
            expire_time: Some(to_proto(expires)),
        })
    }

    pub(crate) async fn accept(
        &self,
        user: UserId,
        call: &Call,
        token: &str,
    ) -> Result<AcceptInvitationResponse, Error> {
        let (playlist, hash) = read(token).ok_or(Error::InvitationNotFound)?;
        let joined = self.playlists.change(playlist, &mut Accept { user, hash }).await;
        let (playlist, ()) = joined.map_err(|error| match error {
            Error::NotFound(_) => Error::InvitationNotFound,
            error => error,
        })?;
        Ok(AcceptInvitationResponse { playlist: Some(self.answer(call, &playlist).await) })
    }
}

/// The playlist of a secret, and what is kept of it.
fn read(token: &str) -> Option<(PlaylistId, Vec<u8>)> {
    // Longer ones are not worth decoding.
    let bytes = URL_SAFE_NO_PAD.decode(Some(token).filter(|token| token.len() < 2 * TOKEN)?).ok()?;
    let id: [u8; ID] = bytes.get(..ID)?.try_into().ok()?;
    let id = PlaylistId::from_uuid(sea_orm::prelude::Uuid::from_bytes(id)).ok()?;
    (bytes.len() == TOKEN).then(|| (id, hash(&bytes)))
}

/// The secret is random and long, so that its hash needs neither salt nor time.
fn hash(token: &[u8]) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

struct Invite<'a> {
    caller: &'a Caller,
    invitation: Invitation,
}

#[async_trait]
impl Change for Invite<'_> {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        require(self.caller, &draft.before, Access::Own)?;
        if Invitation::prune(draft.db, draft.before.id, draft.now).await? >= MOST_INVITATIONS {
            return Err(Error::Full(format!("a playlist has at most {MOST_INVITATIONS} invitations")));
        }
        self.invitation.insert(draft.db).await?;
        draft.outcome = Outcome::Aside;
        Ok(())
    }
}

struct Accept {
    user: UserId,
    hash: Vec<u8>,
}

#[async_trait]
impl Change for Accept {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        if draft.before.deleted.is_some() {
            return Err(Error::InvitationNotFound);
        }
        let found = Invitation::find(draft.db, draft.before.id, &self.hash).await?;
        let invitation = found.ok_or(Error::InvitationNotFound)?;
        let person = draft.before.person(self.user);
        match invitation.used_by {
            Some(user) if user != self.user => return Err(Error::InvitationUsed),
            // A repeat. Who was taken away since does not come in again.
            Some(_) => return if person.is_some() { Ok(()) } else { Err(Error::InvitationUsed) },
            None if invitation.expires <= draft.now => return Err(Error::InvitationExpired),
            None => {}
        }
        // An owner tries their own link; an editor opens one for viewers: neither of them loses anything.
        if draft.before.owner == self.user || person.is_some_and(|person| person.editor) {
            return Ok(());
        }
        draft.join(self.user, invitation.editor)?;
        invitation.used(draft.db, self.user).await?;
        if draft.outcome == Outcome::Keep {
            draft.outcome = Outcome::Aside;
        }
        Ok(())
    }
}
