//! Songs kept for offline: every file of one rung, fetched from an edge, each checked against its hash.
//!
//! What is on disk is judged by its bytes and by nothing else: a file that is there with the size and hash that the server
//! announced is never fetched again, and one that is not is fetched, whoever lost or damaged it. So a download may be
//! killed anywhere and go on, and a folder that was half deleted is made whole.

mod collection;
mod cover;
mod disk;
mod fetch;
mod folder;
mod name;
mod plan;
mod quality;
mod queue;
mod record;
mod song;
mod sync;
#[cfg(test)]
mod tests;

pub use collection::{Collection, Entry, Target};
pub use cover::identity as cover_identity;
pub use disk::write_whole;
pub use folder::{Folder, Removed};
pub use plan::Plan;
pub use quality::Quality;
pub use queue::{QueueEntry, queue};
pub use record::{Form, KeptFile, Record};
pub use song::{Downloading, Fetched, Pieces};
pub use sync::{Step, SyncState};

/// The name of the queue beside the songs of an album or a playlist.
pub const QUEUE_NAME: &str = "playlist.m3u8";
/// The name of the master playlist of a song's folder.
pub const MASTER_NAME: &str = "master.m3u8";
/// The name of the cover in a song's folder.
pub const COVER_NAME: &str = "cover.jpg";
