//! Accounts that somebody else names: by id, or by the address that they sign in with.

use crate::{Error, Identity, accounts, entity::user, field};
use segue_domain::UserId;
use segue_mesh::User;
use segue_proto::identity::v1::ResolveUserResponse;

impl Identity {
    /// The account of an id or an address, for roles. A disabled one takes part in nothing.
    pub(crate) async fn resolve(&self, text: &str) -> Result<ResolveUserResponse, Error> {
        let found = match text.trim().parse::<UserId>() {
            Ok(id) => accounts::find(&self.primary(), id).await?,
            Err(_) => accounts::find_by_email(&self.primary(), &field::email("user", text)?).await?,
        };
        let user = found.filter(takes_part).ok_or(Error::Nobody)?;
        Ok(ResolveUserResponse { user_id: user.user_id, display_name: user.display_name })
    }

    /// The account that is to get what the caller's owned; none when nobody is named.
    pub(crate) async fn heir(&self, caller: &User, email: &str) -> Result<Option<user::Model>, Error> {
        const FIELD: &str = "heir_email";
        if email.trim().is_empty() {
            return Ok(None);
        }
        let found = accounts::find_by_email(&self.primary(), &field::email(FIELD, email)?).await?;
        let heir = found.filter(takes_part).ok_or_else(no_heir)?;
        match heir.user_id == caller.id.to_string() {
            true => Err(Error::field(FIELD, "must be another account than the one that is deleted")),
            false => Ok(Some(heir)),
        }
    }
}

/// The heir is nobody, or not any more.
pub(crate) fn no_heir() -> Error {
    Error::field("heir_email", "must be the address of an account on this server, or empty")
}

fn takes_part(user: &user::Model) -> bool {
    user.deleted_at.is_none() && user.disabled_at.is_none()
}
