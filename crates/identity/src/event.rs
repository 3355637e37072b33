//! Facts that identity tells the others.

use crate::entity::{session, user};
use segue_domain::{EventId, Timestamp};
use segue_mesh::to_proto;
use segue_proto::event::v1::{Event, SessionRevoked, UserChanged, event::Data};

pub(crate) const SESSION_REVOKED: &str = "session.revoked.v1";
pub(crate) const USER_DELETED: &str = "user.deleted.v1";
const USER_CREATED: &str = "user.created.v1";
const USER_UPDATED: &str = "user.updated.v1";

pub(crate) fn user_created(user: &user::Model, now: Timestamp) -> Event {
    about_user(USER_CREATED, user, now, Data::UserCreated)
}

pub(crate) fn user_updated(user: &user::Model, now: Timestamp) -> Event {
    about_user(USER_UPDATED, user, now, Data::UserUpdated)
}

/// `heir` gets what the account owned; without one that is deleted too.
pub(crate) fn user_deleted(user: &user::Model, heir: Option<&user::Model>, now: Timestamp) -> Event {
    let heir_id = heir.map(|heir| heir.user_id.clone()).unwrap_or_default();
    about_user(USER_DELETED, user, now, |user| Data::UserDeleted(UserChanged { heir_id, ..user }))
}

/// A session ends once, and only after its last renewal: its next generation is the sequence.
pub(crate) fn session_revoked(session: &session::Model, now: Timestamp) -> Event {
    let data = SessionRevoked {
        user_id: session.user_id.clone(),
        session_id: session.session_id.clone(),
        not_before: Some(to_proto(now)),
    };
    event(SESSION_REVOKED, &session.session_id, session.generation + 1, now, Data::SessionRevoked(data))
}

fn about_user(
    kind: &str,
    user: &user::Model,
    now: Timestamp,
    data: impl FnOnce(UserChanged) -> Data,
) -> Event {
    let changed = UserChanged {
        user_id: user.user_id.clone(),
        display_name: user.display_name.clone(),
        ..Default::default()
    };
    event(kind, &user.user_id, user.version, now, data(changed))
}

fn event(kind: &str, subject: &str, sequence: i64, now: Timestamp, data: Data) -> Event {
    Event {
        id: EventId::new().to_string(),
        r#type: kind.to_owned(),
        subject: subject.to_owned(),
        sequence: u64::try_from(sequence).unwrap_or(0),
        time: Some(to_proto(now)),
        shard_key: String::new(),
        data: Some(data),
    }
}
