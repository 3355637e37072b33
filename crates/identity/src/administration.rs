//! What administrators do with other people's accounts.

use crate::{Error, Identity, accounts, entity::user, field, first_account, profile::answer, sessions};
use segue_domain::{IdError, PageSize, PageToken, UserId};
use segue_mesh::Caller;
use segue_proto::identity::v1::{
    self as pb, ListUsersRequest, ListUsersResponse, ResetPasswordRequest, ResetPasswordResponse,
};

/// Times that a change is tried against others before the caller is told to come back.
const ATTEMPTS: u32 = 5;

impl Identity {
    /// Accounts by id, which is the order in which they were made.
    pub(crate) async fn users(&self, request: ListUsersRequest) -> Result<ListUsersResponse, Error> {
        let size = PageSize::new(request.page_size)?.get() as usize;
        let prefix = field::email_prefix("email_prefix", &request.email_prefix)?;
        let query = ["ListUsers", prefix.as_str()];
        let after = PageToken::decode(&query, &request.page_token)?;
        // One more than asked for tells whether there is another page.
        let mut rows = accounts::list(&self.primary(), &prefix, after.as_deref(), size as u64 + 1).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page_token = match rows.last() {
            Some(last) if more => PageToken::encode(&query, &last.user_id),
            _ => String::new(),
        };
        Ok(ListUsersResponse { users: rows.iter().map(answer).collect(), next_page_token })
    }

    /// Lets nobody sign in to an account and ends its sessions. Repeating it changes nothing.
    pub(crate) async fn disable(&self, caller: &Caller, user_id: &str) -> Result<pb::User, Error> {
        let id = account_id(user_id)?;
        if caller.user_id() == Some(id) {
            return Err(Error::OwnAccount);
        }
        let now = self.now().millis();
        let off = |old: &user::Model| {
            old.disabled_at.is_none().then(|| user::Model { disabled_at: Some(now), ..old.clone() })
        };
        let user = self.administer(id, true, off).await?;
        tracing::info!(user.id = %id, by = by(caller), "account disabled");
        Ok(answer(&user))
    }

    /// Lets a disabled account sign in again. Repeating it changes nothing.
    pub(crate) async fn enable(&self, caller: &Caller, user_id: &str) -> Result<pb::User, Error> {
        let id = account_id(user_id)?;
        let on = |old: &user::Model| {
            old.disabled_at.is_some().then(|| user::Model { disabled_at: None, ..old.clone() })
        };
        let user = self.administer(id, false, on).await?;
        tracing::info!(user.id = %id, by = by(caller), "account enabled");
        Ok(answer(&user))
    }

    /// Sets the password that was sent, or one that is made here, and ends all sessions.
    pub(crate) async fn set_password(
        &self,
        caller: &Caller,
        request: ResetPasswordRequest,
    ) -> Result<ResetPasswordResponse, Error> {
        let id = account_id(&request.user_id)?;
        let made = request.new_password.is_empty().then(first_account::password).unwrap_or_default();
        let password = if made.is_empty() { &request.new_password } else { &made };
        field::new_password("new_password", password)?;
        // An id that was mistyped costs no hash.
        self.account(id).await?;
        let hash = self.inner.passwords.hash(password).await?;
        let set = |old: &user::Model| Some(user::Model { password_hash: hash.clone(), ..old.clone() });
        let user = self.administer(id, true, set).await?;
        tracing::info!(user.id = %id, by = by(caller), "password reset");
        Ok(ResetPasswordResponse { user: Some(answer(&user)), password: made })
    }

    async fn account(&self, id: UserId) -> Result<user::Model, Error> {
        let user = accounts::find(&self.primary(), id).await?.filter(|user| user.deleted_at.is_none());
        user.ok_or(Error::UserNotFound(id))
    }

    /// Makes of an account what `change` says, whatever its version, and ends its sessions with it; `None` leaves it
    /// as it is.
    async fn administer(
        &self,
        id: UserId,
        end_sessions: bool,
        change: impl Fn(&user::Model) -> Option<user::Model>,
    ) -> Result<user::Model, Error> {
        for _ in 0..ATTEMPTS {
            let old = self.account(id).await?;
            let Some(changed) = change(&old) else { return Ok(old) };
            let new = user::Model { version: old.version + 1, ..changed };
            let mut tx = self.begin(id).await?;
            // First the account, then its sessions: a sign-in that holds the old account is either listed here or
            // waits and finds it changed.
            if !accounts::replace(tx.connection(), &new).await? {
                tx.rollback().await?;
                continue;
            }
            let ended = match end_sessions {
                true => sessions::end_all(&mut tx, &new, self.now()).await?,
                false => Vec::new(),
            };
            tx.commit().await?;
            self.refuse(&ended);
            return Ok(new);
        }
        Err(Error::Stale)
    }
}

fn account_id(text: &str) -> Result<UserId, Error> {
    text.parse().map_err(|e: IdError| Error::field("user_id", e.to_string()))
}

/// Who did it, for the log.
fn by(caller: &Caller) -> String {
    match caller {
        Caller::User(user) => user.id.to_string(),
        Caller::Role(role) => role.to_string(),
        Caller::Anonymous => String::new(),
    }
}
