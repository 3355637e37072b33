//! Opening a session, and ending it.

use crate::{Error, Identity, accounts, entity::user, field, sessions};
use segue_domain::SessionId;
use segue_mesh::User;
use segue_proto::identity::v1::{self as pb, SignInRequest, SignInResponse};

impl Identity {
    /// Opens a session. An unknown address costs the same time and gets the same answer as a wrong password.
    pub(crate) async fn enter(&self, request: SignInRequest) -> Result<SignInResponse, Error> {
        field::offered_password("password", &request.password)?;
        let device = field::device("device", &request.device)?;
        let email = field::email("email", &request.email)?;
        let user = accounts::find_by_email(&self.primary(), &email).await?;
        let hash = user.as_ref().map(|u| u.password_hash.as_str());
        let good = self.inner.passwords.verify(&request.password, hash).await?;
        let outcome = if good { "accepted" } else { "refused" };
        metrics::counter!("segue_identity_sign_ins_total", "outcome" => outcome).increment(1);
        let user = user.filter(|_| good).ok_or(Error::WrongCredentials)?;
        let (user, tokens) = self.open_session(&user, device).await?;
        Ok(SignInResponse { user: Some(user), tokens: Some(tokens) })
    }

    /// A session for an account whose password was proved.
    pub(crate) async fn open_session(
        &self,
        user: &user::Model,
        device: String,
    ) -> Result<(pb::User, pb::Tokens), Error> {
        // Said only to who knows the password.
        if user.disabled_at.is_some() {
            return Err(Error::Disabled);
        }
        let id = user.user_id.parse().map_err(Error::internal)?;
        let now = self.now();
        let mut tx = self.begin(id).await?;
        // The password may have been changed, or the account disabled, while it was hashed; its other sessions have
        // ended then.
        if !accounts::hold(tx.connection(), user).await? {
            tx.rollback().await?;
            return Err(Error::WrongCredentials);
        }
        let mut ended = Vec::new();
        let life = self.inner.config.session_life();
        let (_, refresh) = sessions::open(&mut tx, user, device, now, life, &mut ended).await?;
        tx.commit().await?;
        self.refuse(&ended);
        self.opened(user, &refresh, now)
    }

    /// Ends one of the caller's sessions. Repeating it changes nothing.
    pub(crate) async fn end_session(&self, caller: &User, session: SessionId) -> Result<(), Error> {
        let row = sessions::find(&self.primary(), session).await?;
        let row = row.filter(|s| s.user_id == caller.id.to_string()).ok_or(Error::SessionNotFound)?;
        if row.revoked_at.is_none() {
            let mut tx = self.begin(caller.id).await?;
            sessions::end(&mut tx, &row, self.now()).await?;
            tx.commit().await?;
        }
        self.refuse(&[session]);
        Ok(())
    }
}
