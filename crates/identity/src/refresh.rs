//! Renewing a session.

use crate::{Error, Identity, accounts, refresh_token::RefreshToken, sessions};
use segue_proto::identity::v1::{RefreshSessionRequest, RefreshSessionResponse};
use segue_store::StoreError;

impl Identity {
    /// Trades a refresh token for a new pair. A token that was used before ends the session, at once and without
    /// grace: a client whose answer got lost must sign in again, because its repeat cannot be told from a thief's
    /// (RFC 9700, 4.14.2). Clients must therefore renew from one place at a time and keep the new token before use.
    pub(crate) async fn renew(
        &self,
        request: RefreshSessionRequest,
    ) -> Result<RefreshSessionResponse, Error> {
        let token = RefreshToken::parse(&request.refresh_token).ok_or(Error::RefreshInvalid)?;
        let session = sessions::find(&self.primary(), token.session()).await?.ok_or(Error::RefreshInvalid)?;
        let now = self.now();
        if !token.is_of(&session.family_hash)
            || session.revoked_at.is_some()
            || session.expires_at <= now.millis()
        {
            return Err(Error::RefreshInvalid);
        }
        let user_id = session.user_id.parse().map_err(Error::internal)?;
        let user = match accounts::living(&self.primary(), user_id).await {
            Err(Error::AccountGone) => return Err(Error::RefreshInvalid),
            user => user?,
        };
        let next = token.next();
        let expires = now.plus(self.inner.config.session_life());
        let mut tx = self.begin(user_id).await?;
        if sessions::renew(tx.connection(), &token, &next, now, expires).await? {
            match tx.commit().await {
                // Asking the caller to try again would end the session.
                Err(StoreError::Unknown(_)) if self.holds(&next).await? => {}
                done => done?,
            }
            let tokens = self.tokens(&user, &next, expires, now)?;
            return Ok(RefreshSessionResponse { tokens: Some(tokens) });
        }
        // The row as it is now: another renewal may have been between.
        let Some(session) = sessions::find(tx.connection(), token.session()).await? else {
            return Err(Error::RefreshInvalid);
        };
        let ended = sessions::end(&mut tx, &session, now).await?;
        tx.commit().await?;
        self.refuse(&[token.session()]);
        if ended.is_some() {
            tracing::warn!(user.id = %user_id, session.id = %token.session(), "refresh token reused; session ended");
            metrics::counter!("segue_identity_refresh_reuse_total").increment(1);
        }
        Err(Error::RefreshReused)
    }

    /// Whether this is the good token of its session.
    async fn holds(&self, token: &RefreshToken) -> Result<bool, StoreError> {
        let read = || async { sessions::find(&self.primary(), token.session()).await };
        let session = self.inner.deps.store.read(read).await?;
        Ok(session.is_some_and(|session| session.refresh_hash == token.secret_hash()))
    }
}
