//! What needs the password although the caller is signed in: a stolen token must not be enough.

use crate::{Error, Identity, accounts, entity::user, event, field, resolve::no_heir, sessions};
use segue_domain::Timestamp;
use segue_mesh::User;
use segue_proto::identity::v1::{ChangePasswordRequest, DeleteMeRequest};
use segue_store::Outbox;

impl Identity {
    /// Changes the password and ends every other session.
    pub(crate) async fn change_password(
        &self,
        caller: &User,
        request: ChangePasswordRequest,
    ) -> Result<(), Error> {
        field::new_password("new_password", &request.new_password)?;
        let old = self.prove(caller, "current_password", &request.current_password).await?;
        let password_hash = self.inner.passwords.hash(&request.new_password).await?;
        let new = user::Model { password_hash, version: old.version + 1, ..old };
        let now = self.now();
        let mut tx = self.begin(caller.id).await?;
        // First the account, then its sessions: a sign-in that holds the old account is either listed here or
        // waits and finds the password changed.
        if !accounts::replace(tx.connection(), &new).await? {
            return Err(Error::Stale);
        }
        let ended = sessions::end_others(&mut tx, &new, caller.session, now).await?;
        tx.commit().await?;
        self.refuse(&ended);
        tracing::info!(user.id = %caller.id, sessions.ended = ended.len(), "password changed");
        Ok(())
    }

    /// Deletes the account and its sessions. What it owns elsewhere goes, or goes to the heir, when others hear of it.
    pub(crate) async fn delete_account(&self, caller: &User, request: DeleteMeRequest) -> Result<(), Error> {
        let old = self.prove(caller, "password", &request.password).await?;
        let heir = self.heir(caller, &request.heir_email).await?;
        let now = self.now();
        // Nothing personal stays; the id does, for late repeats.
        let gone = user::Model {
            email: None,
            display_name: String::new(),
            password_hash: String::new(),
            version: old.version + 1,
            deleted_at: Some(now.millis()),
            ..old
        };
        let mut tx = self.begin(caller.id).await?;
        if !accounts::replace(tx.connection(), &gone).await? {
            return Err(Error::Stale);
        }
        // An heir who goes at the same moment would leave it all to nobody.
        if let Some(heir) = &heir
            && !accounts::hold(tx.connection(), heir).await?
        {
            return Err(no_heir());
        }
        sessions::delete_all(tx.connection(), &gone).await?;
        tx.emit(Outbox::Identity, event::user_deleted(&gone, heir.as_ref(), now)).await?;
        tx.commit().await?;
        self.inner.deps.verifier.revoke_user(caller.id, Timestamp(i64::MAX));
        tracing::info!(user.id = %caller.id, "account deleted");
        Ok(())
    }

    async fn prove(&self, caller: &User, field: &'static str, password: &str) -> Result<user::Model, Error> {
        field::offered_password(field, password)?;
        let user = accounts::living(&self.primary(), caller.id).await?;
        match self.inner.passwords.verify(password, Some(&user.password_hash)).await? {
            true => Ok(user),
            false => Err(Error::WrongPassword(field)),
        }
    }
}
