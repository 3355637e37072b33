//! The account that a new installation begins with, and one that has lost its last administrator goes on with.

use crate::{Error, Identity, accounts, event, identity::home};
use rand::seq::IndexedRandom;
use segue_domain::UserId;
use segue_store::{Outbox, StoreError};
use std::fmt;

const EMAIL: &str = "admin@segue.local";
/// 32 characters that are hard to confuse: 5 bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS: usize = 4;
const GROUP: usize = 6;

/// Address and password of the first account, to be shown once. Debug does not print the password.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstAccount {
    /// Sign-in address.
    pub email: String,
    /// 120 bits, in groups that can be read out.
    pub password: String,
}

impl fmt::Debug for FirstAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FirstAccount({})", self.email)
    }
}

impl Identity {
    /// Makes an administrator when there is none, and returns how to sign in: only now, since only a hash is kept.
    /// `None` when there is one, or when somebody else has the address. Several processes may do this at once; one
    /// makes it.
    pub async fn ensure_first_account(&self) -> Result<Option<FirstAccount>, Error> {
        if accounts::any_administrator(&self.inner.deps.store.primary(&home())).await? {
            return Ok(None);
        }
        let (id, now) = (UserId::new(), self.now());
        let account = FirstAccount { email: EMAIL.to_owned(), password: password() };
        let user = self.row(id, &account.email, "Admin".to_owned(), &account.password, true, now).await?;
        let mut tx = self.begin(id).await?;
        match accounts::insert(tx.connection(), &user).await {
            Err(StoreError::Duplicate) => return Ok(None),
            inserted => inserted?,
        }
        tx.emit(Outbox::Identity, event::user_created(&user, now)).await?;
        tx.commit().await?;
        tracing::info!(user.id = %id, "first account made");
        Ok(Some(account))
    }
}

/// A password that nobody chose, to be read out or typed once.
pub(crate) fn password() -> String {
    let mut rng = rand::rng();
    let mut group = || -> String {
        (0..GROUP).filter_map(|_| ALPHABET.choose(&mut rng)).map(|c| char::from(*c)).collect()
    };
    let groups: Vec<String> = (0..GROUPS).map(|_| group()).collect();
    groups.join("-")
}
