//! Collaborators: SetCollaborator, RemoveCollaborator, ListCollaborators.

use crate::{
    Error,
    access::{Access, require},
    answer,
    fact::Fact,
    field::{editor, id},
    record::{MOST_PEOPLE, Person, PlaylistRecord},
    repository::{Change, Draft, Outcome},
    role::Role,
    service::Call,
};
use async_trait::async_trait;
use segue_domain::{PlaylistId, UserId};
use segue_mesh::Caller;
use segue_proto::playlist::v1::{
    ListCollaboratorsResponse, RemoveCollaboratorRequest, RemoveCollaboratorResponse, SetCollaboratorRequest,
    SetCollaboratorResponse,
};

/// Bytes of an e-mail address or an id.
const MOST_USER: usize = 320;

impl Role {
    /// Answers with the playlist too.
    pub(crate) async fn set_collaborator(
        &self,
        call: &Call,
        request: SetCollaboratorRequest,
    ) -> Result<(SetCollaboratorResponse, Option<PlaylistRecord>), Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let editor = editor("role", request.role)?;
        if request.user.is_empty() || request.user.len() > MOST_USER {
            return Err(Error::field("user", "the account: its id, or its e-mail address"));
        }
        // Only an owner finds out here who has an account.
        require(&call.caller, self.seen(call, playlist).await?.as_ref(), Access::Own)?;
        let (user, display_name) = self.accounts.resolve(&request.user).await?;
        let (playlist, person) =
            self.playlists.change(playlist, &mut Join { caller: &call.caller, user, editor }).await?;
        let collaborator = Some(answer::person(&person, display_name));
        Ok((SetCollaboratorResponse { collaborator }, Some(playlist)))
    }

    /// Answers with the playlist too, when there was something to change.
    pub(crate) async fn remove_collaborator(
        &self,
        call: &Call,
        request: RemoveCollaboratorRequest,
    ) -> Result<(RemoveCollaboratorResponse, Option<PlaylistRecord>), Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let user: UserId = match request.user_id.contains('@') && request.user_id.len() <= MOST_USER {
            true => {
                // Only an owner finds out here who has an account.
                require(&call.caller, self.seen(call, playlist).await?.as_ref(), Access::Own)?;
                self.accounts.resolve(&request.user_id).await?.0
            }
            false => id("user_id", &request.user_id)?,
        };
        if call.caller.user_id() == Some(user) {
            // Who is not in it is told the same as who has just left: nobody finds out which playlists there are.
            match self.playlists.latest(playlist).await? {
                Some(known) if known.person(user).is_some() => {}
                Some(known) if known.owner == user && known.deleted.is_none() => {
                    return Err(Error::field("user_id", "a collaborator; an owner cannot leave a playlist"));
                }
                _ => return Ok((RemoveCollaboratorResponse {}, None)),
            }
        } else {
            require(&call.caller, self.seen(call, playlist).await?.as_ref(), Access::Own)?;
        }
        let (playlist, ()) = self.playlists.change(playlist, &mut Leave { user }).await?;
        Ok((RemoveCollaboratorResponse {}, Some(playlist)))
    }

    pub(crate) async fn list_collaborators(
        &self,
        call: &Call,
        playlist_id: &str,
    ) -> Result<ListCollaboratorsResponse, Error> {
        let playlist = self.seen(call, id("playlist_id", playlist_id)?).await?;
        require(&call.caller, &playlist, Access::View)?;
        let users = playlist.people.iter().map(|person| person.user).collect();
        let mut names = self.accounts.names(users).await;
        let named = |person: &Person| answer::person(person, names.remove(&person.user).unwrap_or_default());
        Ok(ListCollaboratorsResponse { collaborators: playlist.people.iter().map(named).collect() })
    }
}

struct Join<'a> {
    caller: &'a Caller,
    user: UserId,
    editor: bool,
}

#[async_trait]
impl Change for Join<'_> {
    type Answer = Person;

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<Person, Error> {
        require(self.caller, &draft.before, Access::Own)?;
        if self.user == draft.before.owner {
            return Err(Error::field("user", "somebody else; the playlist is theirs already"));
        }
        draft.join(self.user, self.editor)
    }
}

/// Somebody leaves, or is taken away.
pub(crate) struct Leave {
    pub user: UserId,
}

#[async_trait]
impl Change for Leave {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        draft.next.people.retain(|person| person.user != self.user);
        if draft.next.people.len() < draft.before.people.len() {
            draft.left = Some(self.user);
            draft.outcome = Outcome::Tell(Fact::Updated);
        }
        Ok(())
    }
}

impl Draft<'_> {
    /// Makes somebody an editor or a viewer.
    pub(crate) fn join(&mut self, user: UserId, editor: bool) -> Result<Person, Error> {
        if let Some(person) = self.next.people.iter_mut().find(|person| person.user == user) {
            if person.editor != editor {
                person.editor = editor;
                self.outcome = Outcome::Tell(Fact::Updated);
            }
            return Ok(person.clone());
        }
        if self.next.people.len() >= MOST_PEOPLE {
            return Err(Error::Full(format!("a playlist has at most {MOST_PEOPLE} collaborators")));
        }
        let person = Person { user, editor, since: self.now };
        self.next.people.push(person.clone());
        self.outcome = Outcome::Tell(Fact::Updated);
        Ok(person)
    }
}
