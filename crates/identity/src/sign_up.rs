//! Making an account.

use crate::{Error, Identity, SignUpMode, accounts, entity::user, event, field, sessions};
use segue_domain::{Timestamp, UserId};
use segue_proto::identity::v1::{SignUpRequest, SignUpResponse};
use segue_store::{Outbox, StoreError};

impl Identity {
    /// Makes an account and its first session. With a `request_id`, a repeat finds the account and opens
    /// another session.
    pub(crate) async fn make_account(&self, request: SignUpRequest) -> Result<SignUpResponse, Error> {
        self.may_sign_up(&request.invitation_code)?;
        let wanted: Option<UserId> = match request.request_id.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| Error::field("request_id", "must be a UUIDv7, or empty"))?),
        };
        let email = field::email("email", &request.email)?;
        field::new_password("password", &request.password)?;
        let display_name = field::display_name("display_name", &request.display_name, &email)?;
        let device = field::device("device", &request.device)?;

        if let Some(id) = wanted
            && let Some(user) = accounts::find(&self.primary(), id).await?
        {
            return self.repeat(user, &email, &request.password, device).await;
        }
        // Asked again by the constraint; this spares the hash.
        if accounts::find_by_email(&self.primary(), &email).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let now = self.now();
        let id = wanted.unwrap_or_else(UserId::new);
        let user = self.row(id, &email, display_name, &request.password, false, now).await?;
        match self.insert(id, &user, device.clone(), now).await {
            Ok(response) => Ok(response),
            // Someone was faster: the same request over another connection, or another person.
            Err(Error::Store(StoreError::Duplicate)) => match accounts::find(&self.primary(), id).await? {
                Some(user) => self.repeat(user, &email, &request.password, device).await,
                None => Err(Error::EmailTaken),
            },
            Err(error) => Err(error),
        }
    }

    /// The row of a new account.
    pub(crate) async fn row(
        &self,
        id: UserId,
        email: &str,
        display_name: String,
        password: &str,
        admin: bool,
        now: Timestamp,
    ) -> Result<user::Model, Error> {
        Ok(user::Model {
            user_id: id.to_string(),
            email: Some(email.to_owned()),
            display_name,
            password_hash: self.inner.passwords.hash(password).await?,
            admin,
            version: 1,
            created_at: now.millis(),
            deleted_at: None,
            disabled_at: None,
        })
    }

    async fn insert(
        &self,
        id: UserId,
        user: &user::Model,
        device: String,
        now: Timestamp,
    ) -> Result<SignUpResponse, Error> {
        let mut tx = self.begin(id).await?;
        accounts::insert(tx.connection(), user).await?;
        tx.emit(Outbox::Identity, event::user_created(user, now)).await?;
        let life = self.inner.config.session_life();
        let (_, refresh) = sessions::open(&mut tx, user, device, now, life, &mut Vec::new()).await?;
        tx.commit().await?;
        tracing::info!(user.id = user.user_id, "account made");
        let (user, tokens) = self.opened(user, &refresh, now)?;
        Ok(SignUpResponse { user: Some(user), tokens: Some(tokens) })
    }

    async fn repeat(
        &self,
        user: user::Model,
        email: &str,
        password: &str,
        device: String,
    ) -> Result<SignUpResponse, Error> {
        if user.deleted_at.is_some() || user.email.as_deref() != Some(email) {
            return Err(Error::RequestIdTaken);
        }
        if !self.inner.passwords.verify(password, Some(&user.password_hash)).await? {
            return Err(Error::RequestIdTaken);
        }
        let (user, tokens) = self.open_session(&user, device).await?;
        Ok(SignUpResponse { user: Some(user), tokens: Some(tokens) })
    }

    fn may_sign_up(&self, code: &str) -> Result<(), Error> {
        let codes = &self.inner.config.invitation_codes;
        match self.inner.config.sign_up {
            SignUpMode::Open => Ok(()),
            SignUpMode::Closed => Err(Error::SignUpClosed),
            // A code longer than any sane one is not hashed.
            SignUpMode::Invite if code.len() <= 1024 && codes.iter().any(|c| c.opens(code)) => Ok(()),
            SignUpMode::Invite => Err(Error::InvitationNeeded),
        }
    }
}
