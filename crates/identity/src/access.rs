//! What a client gets when a session opens or is renewed.

use crate::{Error, Identity, entity::user, refresh_token::RefreshToken};
use segue_domain::Timestamp;
use segue_mesh::{Claims, to_proto};
use segue_proto::identity::v1 as pb;
use std::time::Duration;

/// How long an access token is good.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

impl Identity {
    pub(crate) fn tokens(
        &self,
        user: &user::Model,
        refresh: &RefreshToken,
        refresh_expires: Timestamp,
        now: Timestamp,
    ) -> Result<pb::Tokens, Error> {
        let issued = now.seconds();
        let expires = Timestamp::from_seconds(issued).plus(ACCESS_TOKEN_LIFE);
        let claims = Claims {
            iss: self.inner.token.issuer.clone(),
            aud: self.inner.token.audience.clone(),
            sub: user.user_id.clone(),
            sid: refresh.session().to_string(),
            adm: user.admin,
            iat: issued,
            exp: expires.seconds(),
        };
        Ok(pb::Tokens {
            access_token: self.inner.keys.sign(&claims, now)?,
            access_expire_time: Some(to_proto(expires)),
            refresh_token: refresh.text(),
            refresh_expire_time: Some(to_proto(refresh_expires)),
            session_id: refresh.session().to_string(),
        })
    }
}
