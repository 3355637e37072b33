//! Times on the wire.

use segue_domain::Timestamp;

/// Unix milliseconds as a protobuf timestamp.
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(time.millis().rem_euclid(1000) * 1_000_000).unwrap_or(0);
    prost_types::Timestamp { seconds: time.seconds(), nanos }
}

/// A protobuf timestamp as Unix milliseconds; saturates.
pub fn from_proto(time: &prost_types::Timestamp) -> Timestamp {
    Timestamp(time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos) / 1_000_000))
}
