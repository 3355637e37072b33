//! What an account owned goes with it, or to its heir.

use super::parse;
use crate::{Error, role::Role};
use segue_proto::event::v1::{Event, event::Data};

impl Role {
    pub(super) async fn on_user(&self, event: &Event) -> Result<(), Error> {
        match &event.data {
            Some(Data::UserDeleted(user)) => {
                let heir = Some(user.heir_id.as_str()).filter(|heir| !heir.is_empty());
                self.user_gone(parse(&user.user_id)?, heir.map(parse).transpose()?).await
            }
            _ => Err(Error::Malformed(format!("{} does not say that an account is gone", event.r#type))),
        }
    }
}
