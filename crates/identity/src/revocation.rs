//! Sessions and accounts that ended: told to the verifier of this process, wherever they were ended.

use crate::{ACCESS_TOKEN_LIFE, Identity, accounts, event, sessions};
use prost::Message as _;
use segue_domain::{SessionId, Timestamp, UserId};
use segue_mesh::{Verifier, from_proto};
use segue_ports::bus::{Bus, BusError, Heard, Listener, Message};
use segue_proto::event::v1::{Event, event::Data};
use segue_store::StoreError;
use std::{fmt::Display, future::Future, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// For clocks of other processes that differ from ours.
const MARGIN: Duration = Duration::from_secs(60);
/// How often the source is asked while the broadcast is cut: revocations are honoured within 5 s.
const RETRY: Duration = Duration::from_secs(2);
/// More than the verifier remembers is of no use to it, and an answer must fit into a message.
const MOST: u64 = 50_000;

/// What ended within the life of an access token; what ended earlier has no token left that could be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Sessions.
    pub sessions: Vec<SessionId>,
    /// Accounts.
    pub users: Vec<UserId>,
}

impl Ended {
    /// Lets the verifier refuse them all.
    pub fn tell(&self, verifier: &Verifier) {
        self.sessions.iter().for_each(|session| verifier.revoke_session(*session));
        self.users.iter().for_each(|user| verifier.revoke_user(*user, Timestamp(i64::MAX)));
    }
}

/// Keeps a verifier in step with sessions that end, in any process: it listens to the broadcast, and asks `source`
/// for everything that ended lately when it begins to listen, when it may have missed something, and every 2 s while
/// the broadcast is cut. Until shutdown.
pub async fn hear_revocations<F, E>(
    bus: Arc<dyn Bus>,
    verifier: Verifier,
    source: impl Fn() -> F,
    shutdown: CancellationToken,
) where
    F: Future<Output = Result<Ended, E>>,
    E: Display,
{
    let reload = async || match source().await {
        Ok(ended) => ended.tell(&verifier),
        Err(error) => tracing::warn!(%error, "cannot load ended sessions"),
    };
    let hear = async |listener: &mut dyn Listener| -> Result<(), BusError> {
        loop {
            let heard = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                heard = listener.next() => heard?,
            };
            match heard {
                Heard::Message(message) => apply(&verifier, &message),
                // Some may have been missed; the source knows them all.
                Heard::Gap => reload().await,
            }
        }
    };
    loop {
        match bus.listen(&[event::SESSION_REVOKED, event::USER_DELETED]).await {
            Ok(mut listener) => {
                reload().await;
                match hear(listener.as_mut()).await {
                    Ok(()) | Err(BusError::Closed) => return,
                    Err(error) => tracing::warn!(%error, "not hearing of ended sessions"),
                }
            }
            // Shutdown closes the bus, perhaps before this task.
            Err(BusError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "cannot listen for ended sessions; asking for them");
                reload().await;
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

fn apply(verifier: &Verifier, message: &Message) {
    let event = match Event::decode(message.payload.clone()) {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, message.id, "unreadable event skipped");
            return;
        }
    };
    match event.data {
        Some(Data::SessionRevoked(data)) if data.session_id.is_empty() => {
            let before = data.not_before.as_ref().map_or(Timestamp(i64::MAX), from_proto);
            if let Ok(user) = data.user_id.parse::<UserId>() {
                verifier.revoke_user(user, before);
            }
        }
        Some(Data::SessionRevoked(data)) => {
            if let Ok(session) = data.session_id.parse() {
                verifier.revoke_session(session);
            }
        }
        Some(Data::UserDeleted(data)) => {
            if let Ok(user) = data.user_id.parse::<UserId>() {
                verifier.revoke_user(user, Timestamp(i64::MAX));
            }
        }
        _ => {}
    }
}

impl Identity {
    /// What ended lately, as the database knows it.
    pub(crate) async fn ended(&self) -> Result<Ended, StoreError> {
        let since = self.now().minus(ACCESS_TOKEN_LIFE + MARGIN);
        let sessions = sessions::ended_since(&self.primary(), since, MOST).await?;
        let users = accounts::deleted_since(&self.primary(), since, MOST).await?;
        Ok(Ended {
            sessions: sessions
                .iter()
                .map(|s| s.parse().map_err(StoreError::corrupt))
                .collect::<Result<_, _>>()?,
            users: users.iter().map(|u| u.parse().map_err(StoreError::corrupt)).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) async fn load_revocations(&self) -> Result<(), StoreError> {
        self.ended().await?.tell(&self.inner.deps.verifier);
        Ok(())
    }
}
