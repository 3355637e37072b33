//! Which transactions everybody sees.
//!
//! A commit is in the log, and can be read from there, before others see it: in between, the server waits for synchronous
//! standbys (`RecordTransactionCommit` in PostgreSQL's `xact.c`). Who heard of a fact in that time would not find it, and a
//! failover might undo it.

use super::primary::within;
use crate::source::SourceError;
use sea_orm::sqlx::{self, PgConnection};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// First and longest pause between looks.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));
/// A wait that is longer is told.
const LONG: Duration = Duration::from_secs(2);

/// A snapshot of the server, as `pg_snapshot` writes it: `10:20:10,14`.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    /// Every transaction before has ended.
    oldest: u64,
    /// No transaction from this one on had ended.
    next: u64,
    /// Those in between that had not.
    running: Vec<u64>,
}

impl Snapshot {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let mut number = || parts.next()?.parse().ok();
        let (oldest, next) = (number()?, number()?);
        let running = parts.next()?.split(',').filter(|id| !id.is_empty()).map(str::parse);
        Some(Self { oldest, next, running: running.collect::<Result<_, _>>().ok()? })
    }

    /// Whether a transaction that was committed is seen. The log names it by the lower half of its number; the whole one is
    /// never two billion away from the newest.
    fn sees(&self, id: u32) -> bool {
        let distance = id.wrapping_sub(self.next as u32).cast_signed();
        let id = self.next.saturating_add_signed(distance.into());
        id < self.oldest || (id < self.next && !self.running.contains(&id))
    }
}

/// Waits until everybody on this server, the primary, sees these committed transactions, for as long as that takes.
pub(super) async fn wait_until_seen(sql: &mut PgConnection, transactions: &[u32]) -> Result<(), SourceError> {
    let begun = Instant::now();
    let (mut pause, mut told) = (LOOK.0, false);
    while !transactions.is_empty() {
        let text: String =
            within(sqlx::query_scalar("SELECT pg_current_snapshot()::text").fetch_one(&mut *sql)).await?;
        let snapshot = Snapshot::read(&text).ok_or(SourceError::Snapshot(text))?;
        if transactions.iter().all(|id| snapshot.sees(*id)) {
            break;
        }
        if !told && begun.elapsed() > LONG {
            tracing::warn!("facts wait for a commit that waits for a synchronous standby");
            told = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LOOK.1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Snapshot {
        Snapshot::read(text).expect("a snapshot")
    }

    #[test]
    fn what_runs_and_what_comes_later_is_not_seen() {
        let snapshot = read("10:20:10,14");
        let seen: Vec<u32> = (8..23).filter(|id| snapshot.sees(*id)).collect();
        assert_eq!(seen, [8, 9, 11, 12, 13, 15, 16, 17, 18, 19]);
        assert!(read("20:20:").sees(19));
        for text in ["", "10", "10:20", "a:20:", "10:20:x"] {
            assert_eq!(Snapshot::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_go_on_where_their_lower_half_begins_anew() {
        let round = 1_u64 << 32;
        let text = format!("{}:{}:{},{}", round - 3, round + 4, round - 3, round + 1);
        let snapshot = read(&text);
        assert!(snapshot.sees(u32::MAX - 3) && snapshot.sees(u32::MAX), "of the round before");
        assert!(snapshot.sees(0) && snapshot.sees(2) && snapshot.sees(3), "of this one");
        assert!(!snapshot.sees(u32::MAX - 2) && !snapshot.sees(1), "they run");
        assert!(!snapshot.sees(4), "later");
    }
}
