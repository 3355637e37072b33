//! What an account owned goes with it, or to its heir; what it took part in goes on without it.

use super::parse;
use crate::{
    Error,
    fact::Fact,
    people::Leave,
    repository::{Change, Draft, Outcome},
    role::Role,
};
use async_trait::async_trait;
use segue_domain::UserId;
use segue_proto::event::v1::{Event, event::Data};

/// Playlists of an account that are looked up at a time.
const BATCH: u32 = 100;

impl Role {
    pub(crate) async fn on_user(&self, event: Event) -> Result<(), Error> {
        let Some(Data::UserDeleted(user)) = &event.data else {
            return Err(Error::Malformed(format!("{} does not say that an account is gone", event.r#type)));
        };
        let gone = parse(&user.user_id)?;
        let heir = Some(user.heir_id.as_str()).filter(|heir| !heir.is_empty()).map(parse).transpose()?;
        // Before its playlists are looked up: whoever hands some to this account meanwhile looks here afterwards.
        self.gone.put(gone, heir).await?;
        let mut succession = self.gone.succession(gone);
        while let Some((owner, heir)) = succession.next().await? {
            self.bequeath(owner, heir).await?;
        }
        loop {
            let shared = self.playlists.shared_with(gone, BATCH).await?;
            if shared.is_empty() {
                break;
            }
            for playlist in shared {
                self.playlists.change(playlist, &mut Leave { user: gone }).await?;
            }
        }
        Ok(self.lists.forget(gone).await?)
    }

    async fn bequeath(&self, of: UserId, heir: Option<UserId>) -> Result<(), Error> {
        loop {
            let owned = self.playlists.of_owner(of, BATCH).await?;
            if owned.is_empty() {
                return Ok(());
            }
            for playlist in owned {
                self.playlists.change(playlist, &mut Bequeath { of, heir }).await?;
            }
        }
    }
}

/// Gives a playlist to the heir of its owner; deletes it when there is none.
struct Bequeath {
    of: UserId,
    heir: Option<UserId>,
}

#[async_trait]
impl Change for Bequeath {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        if draft.before.deleted.is_some() || draft.before.owner != self.of {
            return Ok(());
        }
        let Some(heir) = self.heir else { return draft.bury().await };
        draft.next.owner = heir;
        draft.next.people.retain(|person| person.user != heir);
        draft.left = Some(self.of);
        draft.outcome = Outcome::Tell(Fact::Updated);
        Ok(())
    }
}
