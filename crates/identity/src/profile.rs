//! The caller's account: read and changed.

use crate::{Error, Identity, accounts, entity::user, event, field};
use segue_domain::Timestamp;
use segue_mesh::{User, to_proto};
use segue_proto::identity::v1::{self as pb, UpdateMeRequest};
use segue_store::{Outbox, StoreError};

impl Identity {
    pub(crate) async fn me(&self, caller: &User) -> Result<pb::User, Error> {
        // From the primary, so that who has just changed the account gets the etag of that change.
        Ok(answer(&accounts::living(&self.primary(), caller.id).await?))
    }

    /// Changes display name and address by mask. No mask means: what is not empty (AIP-134). Without an etag the
    /// newest version is changed; a stale one is refused. A change that changes nothing makes no new version.
    pub(crate) async fn change_me(&self, caller: &User, request: UpdateMeRequest) -> Result<pb::User, Error> {
        let wish = request.user.ok_or_else(|| Error::field("user", "must be set"))?;
        if !wish.user_id.is_empty() && wish.user_id != caller.id.to_string() {
            return Err(Error::field("user.user_id", "must be your own, or empty"));
        }
        let mask = mask(request.update_mask.map(|m| m.paths).unwrap_or_default(), &wish)?;
        let old = accounts::living(&self.primary(), caller.id).await?;
        if !wish.etag.is_empty() && wish.etag != etag(&old) {
            return Err(Error::Stale);
        }
        let mut new = user::Model { version: old.version + 1, ..old.clone() };
        if mask.email {
            new.email = Some(field::email("user.email", &wish.email)?);
        }
        if mask.display_name {
            let email = new.email.as_deref().unwrap_or_default();
            new.display_name = field::display_name("user.display_name", &wish.display_name, email)?;
        }
        if new.email == old.email && new.display_name == old.display_name {
            return Ok(answer(&old));
        }
        let now = self.now();
        let mut tx = self.begin(caller.id).await?;
        let replaced = match accounts::replace(tx.connection(), &new).await {
            Err(StoreError::Duplicate) => return Err(Error::EmailTaken),
            replaced => replaced?,
        };
        if !replaced {
            return Err(Error::Stale);
        }
        tx.emit(Outbox::Identity, event::user_updated(&new, now)).await?;
        tx.commit().await?;
        Ok(answer(&new))
    }
}

/// The account as its owner sees it.
pub(crate) fn answer(user: &user::Model) -> pb::User {
    pb::User {
        user_id: user.user_id.clone(),
        email: user.email.clone().unwrap_or_default(),
        display_name: user.display_name.clone(),
        admin: user.admin,
        create_time: Some(to_proto(Timestamp(user.created_at))),
        etag: etag(user),
        disable_time: user.disabled_at.map(|at| to_proto(Timestamp(at))),
    }
}

fn etag(user: &user::Model) -> String {
    user.version.to_string()
}

#[derive(Default)]
struct Mask {
    email: bool,
    display_name: bool,
}

fn mask(paths: Vec<String>, wish: &pb::User) -> Result<Mask, Error> {
    if paths.is_empty() {
        return Ok(Mask { email: !wish.email.is_empty(), display_name: !wish.display_name.is_empty() });
    }
    let mut mask = Mask::default();
    for path in paths {
        match path.as_str() {
            "email" => mask.email = true,
            "display_name" => mask.display_name = true,
            _ => return Err(Error::field("update_mask", "may name display_name and email only")),
        }
    }
    Ok(mask)
}
