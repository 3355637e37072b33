//! Likes and listening history, each account's own, and how often songs were heard and liked by everybody.
//!
//! What an account likes and hears is written to its library, keyed by account: `likes`, `plays`, and `user_song_plays`, which
//! is the sum of `plays`. Changes of one library come one after the other, since each begins by taking the library's next
//! version (`libraries`).
//!
//! What everybody hears is counted per song, keyed by song, and exactly:
//!
//! 1. A change writes what it adds to the counts of songs into `tallies`, beside it and under its version, and the fact
//!    LibraryChanged, which says no more than that there is something to count.
//! 2. Whoever takes the fact from the queue reads all tallies of the account, oldest first, adds them to each song's
//!    `song_stats`, and only then deletes them. With the counts it writes down, in `song_tallies`, how far the tallies of this
//!    library have been added to this song, and skips those that were. Tallies wait until they are deleted and versions are
//!    taken in order, so whoever reads a tally also reads all before it that may not have been added: a single number is enough to
//!    know what is in, and it does not matter how often or in which order facts come, or whether one is lost. A sweep takes on
//!    tallies that were left behind.
//! 3. `song_tallies` lead from a song to a library, so they are deleted when no tally waits that is as old as they are.
//!    After DeleteHistory the library has another id and none of them leads to the account.
//!
//! `song_likes` says who likes a song, for when it is deleted; then `song_stats` keeps a tombstone, and a like that was on
//! its way is taken back by who finds the tombstone. Songs whose counts have changed are told in batches (SongsPlayed).

mod config;
mod consume;
mod entity;
mod export;
mod fact;
mod field;
mod history;
mod likes;
mod migration;
mod popular;
mod repository;
mod service;
mod stats;
mod upkeep;

#[cfg(test)]
mod tests;

pub use config::LibraryConfig;
pub(crate) use consume::queues;
pub(crate) use migration::migrations;
pub use service::LibraryApi;

use crate::role::{Role, every};
use repository::{Libraries, Likes, Plays, Popularity, Stats};
use segue_domain::Clock;
use segue_store::{Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The tables of the library.
#[derive(Debug)]
pub(crate) struct Library {
    libraries: Libraries,
    likes: Likes,
    plays: Plays,
    stats: Stats,
    popularity: Popularity,
}

impl Library {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let libraries = Libraries::new(store.clone(), clock.clone());
        let stats = Stats::new(store, clock.clone());
        Ok(Self {
            likes: Likes::new(libraries.clone()),
            plays: Plays::new(libraries.clone()),
            popularity: Popularity::new(&stats, clock)?,
            libraries,
            stats,
        })
    }
}

/// Consumes facts, publishes popularity and sweeps, until `shutdown`.
pub(crate) async fn run(role: Arc<Role>, shutdown: CancellationToken) {
    let consumers = consume::Inbox::ALL.map(|inbox| consume::run(&role, inbox, shutdown.clone()));
    let popular = Duration::from_secs(role.config.library.popularity_seconds);
    let sweep = Duration::from_secs(role.config.library.sweep_seconds);
    tokio::join!(
        futures::future::join_all(consumers),
        every(popular, &shutdown, || role.publish_popularity()),
        every(sweep, &shutdown, || role.sweep_library()),
    );
}
