//! Sessions and accounts that ended: told to the verifier of this process, wherever they were ended.

use crate::{ACCESS_TOKEN_LIFE, Identity, accounts, event, sessions};
use prost::Message as _;
use segue_domain::{Timestamp, UserId};
use segue_mesh::from_proto;
use segue_ports::bus::{BusError, Heard, Listener, Message};
use segue_proto::event::v1::{Event, event::Data};
use segue_store::StoreError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// For clocks of other processes that differ from ours.
const MARGIN: Duration = Duration::from_secs(60);
/// How often the database is asked while the broadcast is cut: revocations are honoured within 5 s.
const RETRY: Duration = Duration::from_secs(2);
/// More than the verifier remembers is of no use to it.
const MOST: u64 = 100_000;

impl Identity {
    /// Tells the verifier of everything that ended within the life of an access token; what ended earlier has no
    /// token left that could be used.
    pub(crate) async fn load_revocations(&self) -> Result<(), StoreError> {
        let since = self.now().minus(ACCESS_TOKEN_LIFE + MARGIN);
        let verifier = &self.inner.deps.verifier;
        for session in sessions::ended_since(self.primary(), since, MOST).await? {
            verifier.revoke_session(session.parse().map_err(StoreError::corrupt)?);
        }
        for user in accounts::deleted_since(self.primary(), since, MOST).await? {
            verifier.revoke_user(user.parse().map_err(StoreError::corrupt)?, Timestamp(i64::MAX));
        }
        Ok(())
    }

    /// Listens until shutdown. While the broadcast is cut it asks the database instead.
    pub(crate) async fn hear_revocations(&self, shutdown: &CancellationToken) {
        loop {
            match self.inner.deps.bus.listen(&[event::SESSION_REVOKED, event::USER_DELETED]).await {
                Ok(mut listener) => {
                    self.reload().await;
                    match self.hear(listener.as_mut(), shutdown).await {
                        Ok(()) | Err(BusError::Closed) => return,
                        Err(error) => tracing::warn!(%error, "not hearing of ended sessions"),
                    }
                }
                // Shutdown closes the bus, perhaps before this task.
                Err(BusError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "cannot listen for ended sessions; asking the database");
                    self.reload().await;
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    async fn hear(&self, listener: &mut dyn Listener, shutdown: &CancellationToken) -> Result<(), BusError> {
        loop {
            let heard = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                heard = listener.next() => heard?,
            };
            match heard {
                Heard::Message(message) => self.apply(&message),
                // Some may have been missed; the database knows them all.
                Heard::Gap => self.reload().await,
            }
        }
    }

    async fn reload(&self) {
        if let Err(error) = self.load_revocations().await {
            tracing::warn!(%error, "cannot load ended sessions");
        }
    }

    fn apply(&self, message: &Message) {
        let verifier = &self.inner.deps.verifier;
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
}
