//! What an account owned goes with it.

use super::parse;
use crate::{Error, role::Role};
use segue_proto::event::v1::{Event, event::Data};

impl Role {
    pub(super) async fn on_user(&self, event: &Event) -> Result<(), Error> {
        match &event.data {
            Some(Data::UserDeleted(user)) => self.delete_of(parse(&user.user_id)?).await,
            _ => Err(Error::Malformed(format!("{} does not say that an account is gone", event.r#type))),
        }
    }
}
