//! Facts from the log, by logical replication.
//!
//! The slot is the lock: the server lets one connection read it. A holder that was cut off without a word is
//! ended by `wal_sender_timeout`, which the connection sets for itself, so nothing is provisioned for a role.

use super::{gap::Gap, identity::Identity, pgoutput::Decoder, published, snapshot};
use crate::{
    CdcConfig,
    endpoint::Endpoint,
    fact::Fact,
    progress::Progress,
    source::{BATCH, ChangeSource, SourceError},
};
use async_trait::async_trait;
use futures::FutureExt;
use pgwire_replication::{Lsn, PgWireError, ReplicationClient, ReplicationConfig, ReplicationEvent};
use sea_orm::sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long opening the stream may take.
const OPEN: Duration = Duration::from_secs(5);
/// A confirmed position is sent at most this much later; what dies before gives that much again.
const ACKNOWLEDGE: Duration = Duration::from_millis(100);
/// How long [`ChangeSource::next`] waits for a fact.
const MOMENT: Duration = Duration::from_secs(1);
/// Messages that wait in memory while the bus is slow; the server waits behind them.
const WAITING: usize = 512;
/// Largest message: a fact is a few kilobytes.
const LARGEST: usize = 16 << 20;

/// A held slot.
pub(crate) struct Replication {
    stream: ReplicationClient,
    decoder: Decoder,
    /// For the walk over a gap, and to ask what others see.
    sql: PgConnection,
    gap: Option<Gap>,
    slot: String,
    timeline: i64,
    silence: Duration,
    heard: Instant,
    /// Facts that were read and not handed over.
    facts: Vec<Fact>,
    /// Transactions that they are of; of the last one more may follow.
    transactions: Vec<u32>,
    /// The stream is inside of a transaction.
    inside: bool,
    /// Facts that were handed over and not confirmed.
    given: bool,
    /// Every transaction that was committed before is handed over, or in `facts`.
    read: u64,
    progress: Arc<Progress>,
}

impl Replication {
    /// Takes the slot, which must be there.
    ///
    /// # Errors
    /// [`SourceError::Standby`] when another process holds it.
    pub(crate) async fn open(
        server: &Endpoint,
        mut sql: PgConnection,
        config: &CdcConfig,
        identity: &Identity,
        progress: Arc<Progress>,
    ) -> Result<Self, SourceError> {
        let mut stream = ReplicationClient::connect_gated(connection(server, config)).await?;
        let started = timeout(OPEN, async {
            let found = stream.identify_system().await?;
            stream.start().await?;
            stream.wait_started().await?;
            Ok(Identity { system: found.system_id, timeline: i64::from(found.timeline) })
        });
        let found = match started.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(refused(error)),
            Err(_) => {
                // It may hang where it does not hear a request to stop.
                stream.abort();
                return Err(SourceError::Silent);
            }
        };
        if found != *identity {
            return Err(SourceError::NoPrimary(format!("{server:?} was exchanged for another server")));
        }
        let Identity { system, timeline } = found;
        let slot = config.slot.clone();
        let mut known = published::load(&mut sql, &slot, &system).await?;
        if known.as_ref().is_none_or(|known| known.timeline != timeline) {
            // The slot is new to us, or was carried over to a promoted server by someone else, who may have made
            // it anew there.
            published::suspect(&mut sql, &slot, &system).await?;
            known = published::load(&mut sql, &slot, &system).await?;
        }
        let gap = known.filter(|known| known.gap).map(|known| Gap::new(known.horizon));
        Ok(Self {
            stream,
            decoder: Decoder::default(),
            sql,
            gap,
            slot,
            timeline,
            silence: config.silence(),
            heard: Instant::now(),
            facts: Vec::new(),
            transactions: Vec::new(),
            inside: false,
            given: false,
            read: 0,
            progress,
        })
    }

    async fn close_gap(&mut self) -> Result<Vec<Fact>, SourceError> {
        let Some(gap) = &mut self.gap else { return Ok(Vec::new()) };
        let facts = gap.next(&mut self.sql).await?;
        if facts.is_empty() {
            published::closed(&mut self.sql, &self.slot, self.timeline).await?;
            let found = gap.found();
            self.gap = None;
            // The first slot of an empty database is no news.
            if found > 0 {
                tracing::warn!(
                    slot = self.slot,
                    facts = found,
                    "slot was new, facts were read from the tables"
                );
                metrics::counter!("segue_cdc_gaps_total").increment(1);
                metrics::counter!("segue_cdc_gap_facts_total").increment(found);
            }
            self.heard = Instant::now();
        }
        Ok(facts)
    }

    fn take(&mut self, event: ReplicationEvent) -> Result<(), SourceError> {
        self.heard = Instant::now();
        match event {
            ReplicationEvent::Begin { xid, .. } => {
                self.inside = true;
                self.transactions.push(xid);
            }
            ReplicationEvent::XLogData { data, .. } => self.facts.extend(self.decoder.decode(data)?),
            ReplicationEvent::Commit { end_lsn, .. } => {
                self.inside = false;
                if self.facts.is_empty() {
                    self.transactions.clear();
                }
                self.reach(end_lsn.as_u64());
            }
            // The server has sent everything before, and it was read: the stream is in order.
            ReplicationEvent::KeepAlive { wal_end, .. } if !self.inside => self.reach(wal_end.as_u64()),
            ReplicationEvent::KeepAlive { .. }
            | ReplicationEvent::Message { .. }
            | ReplicationEvent::StoppedAt { .. } => {}
        }
        Ok(())
    }

    fn reach(&mut self, position: u64) {
        self.read = self.read.max(position);
        // Log that carries no fact of ours is confirmed too, or the server would keep it.
        if self.facts.is_empty() && !self.given {
            self.acknowledge();
        }
    }

    fn acknowledge(&self) {
        // While a gap is open, the position must not run away from what is remembered.
        if self.gap.is_none() && self.read > 0 {
            self.stream.update_applied_lsn(Lsn::from_u64(self.read));
            self.progress.confirm(self.read);
        }
    }
}

#[async_trait]
impl ChangeSource for Replication {
    async fn next(&mut self) -> Result<Vec<Fact>, SourceError> {
        if self.gap.is_some() {
            let facts = self.close_gap().await?;
            if !facts.is_empty() {
                return Ok(facts);
            }
        }
        loop {
            // A large transaction is handed over in parts; only its end moves the position.
            if self.facts.len() >= BATCH {
                break;
            }
            let event = if self.facts.is_empty() || self.inside {
                match timeout(MOMENT, self.stream.recv()).await {
                    Ok(event) => event,
                    // The server asks for a sign of life after half of the silence that it bears.
                    Err(_) if self.heard.elapsed() > self.silence => return Err(SourceError::Silent),
                    Err(_) if self.facts.is_empty() => break,
                    Err(_) => continue,
                }
            } else {
                match self.stream.recv().now_or_never() {
                    Some(event) => event,
                    None => break,
                }
            };
            let ended = || PgWireError::Protocol("the server ended the stream".into());
            self.take(event?.ok_or_else(ended)?)?;
        }
        if !self.facts.is_empty() {
            snapshot::wait_until_seen(&mut self.sql, &self.transactions).await?;
        }
        self.given = !self.facts.is_empty();
        let ended = self.transactions.len() - usize::from(self.inside);
        self.transactions.drain(..ended);
        Ok(std::mem::take(&mut self.facts))
    }

    async fn confirm(&mut self) -> Result<(), SourceError> {
        self.given = false;
        if self.facts.is_empty() {
            self.acknowledge();
        }
        Ok(())
    }

    async fn close(&mut self) {
        let confirmed = self.progress.confirmed();
        let told = async {
            while self.stream.is_running() && self.stream.metrics().last_applied_lsn().as_u64() < confirmed {
                sleep(ACKNOWLEDGE / 10).await;
            }
            self.stream.shutdown().await
        };
        // Whatever it did not hear comes again.
        let _ = timeout(Duration::from_secs(2), told).await;
    }
}

fn connection(server: &Endpoint, config: &CdcConfig) -> ReplicationConfig {
    ReplicationConfig::new(
        &server.host,
        &server.user,
        &server.password,
        &server.database,
        &config.slot,
        config.publication.as_str(),
    )
    .with_port(server.port)
    .with_application_name("segue-cdc")
    .with_options(format!("-c wal_sender_timeout={}", config.silence_timeout_ms))
    .with_binary(true)
    .with_status_interval(ACKNOWLEDGE)
    // The server shall be the one that breaks a silence, or this end would not know that it is there.
    .with_wakeup_interval(config.silence() * 2)
    .with_buffer_size(WAITING)
    .with_max_message_size(LARGEST)
}

/// "replication slot … is active for PID …" (object_in_use) means that another relay is at work.
fn refused(error: PgWireError) -> SourceError {
    match error {
        PgWireError::Server(message) if message.contains("SQLSTATE 55006") => SourceError::Standby,
        error => error.into(),
    }
}
