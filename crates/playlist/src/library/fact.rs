//! The facts that the library writes.

use segue_domain::{EventId, LibraryId, SeriesId, Timestamp, UserId};
use segue_mesh::to_proto;
use segue_proto::event::v1::{Event, LibraryChanged, SongCount, SongsPlayed, event::Data};
use segue_store::StoreError;

/// Tallies of an account wait.
pub(crate) const CHANGED: &str = "library.changed.v1";
/// Counts of songs, for those who rank by them.
pub(crate) const PLAYED: &str = "songs.played.v1";

/// The library of `user` has `version` now, and something to be counted.
pub(crate) fn changed(
    user: UserId,
    library: LibraryId,
    version: i64,
    now: Timestamp,
) -> Result<Event, StoreError> {
    let data = Data::LibraryChanged(LibraryChanged { user_id: user.to_string() });
    event(CHANGED, library.to_string(), version, now, data)
}

/// The `sequence`th batch of counts.
pub(crate) fn played(
    series: SeriesId,
    sequence: i64,
    counts: Vec<SongCount>,
    now: Timestamp,
) -> Result<Event, StoreError> {
    event(PLAYED, series.to_string(), sequence, now, Data::SongsPlayed(SongsPlayed { counts }))
}

fn event(
    r#type: &str,
    subject: String,
    sequence: i64,
    now: Timestamp,
    data: Data,
) -> Result<Event, StoreError> {
    Ok(Event {
        id: EventId::new().to_string(),
        r#type: r#type.to_owned(),
        subject,
        sequence: u64::try_from(sequence).map_err(StoreError::corrupt)?,
        time: Some(to_proto(now)),
        // The transaction sets it.
        shard_key: String::new(),
        data: Some(data),
    })
}
