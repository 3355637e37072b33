//! Plays as clients send them: from devices that were offline for months, whose clocks are wrong.

use crate::{Error, library::repository::Heard};
use sea_orm::prelude::Uuid;
use segue_domain::{AlbumId, ArtistId, FieldViolation, PlaylistId, Timestamp};
use segue_mesh::from_proto;
use segue_proto::playlist::v1::{Play, RecordPlaysRequest};
use std::collections::HashSet;

/// Plays in one call.
const MOST_PLAYS: usize = 200;
/// Longest hearing, milliseconds: a day. The longest song lasts half of that.
const MOST_PLAYED: u64 = 24 * 3_600_000;
/// Wrong fields that are named; who sends more has one fault many times.
const MOST_NAMED: usize = 20;
/// What a time has to be.
pub(super) const MOMENT: &str = "a time from 1970 to 9999";
/// The end of the year 9999, as protobuf has it, seconds.
const LAST_SECOND: i64 = 253_402_300_799;

/// The plays of a request, each event once: the first counts. A time in the future is now.
pub(super) fn plays(request: &RecordPlaysRequest, now: Timestamp) -> Result<Vec<Heard>, Error> {
    if !(1..=MOST_PLAYS).contains(&request.plays.len()) {
        return Err(Error::field("plays", format!("1 to {MOST_PLAYS} of them")));
    }
    let mut wrong = Vec::new();
    let mut seen = HashSet::new();
    let mut plays = Vec::with_capacity(request.plays.len());
    for (i, play) in request.plays.iter().enumerate() {
        match heard(play, now) {
            Ok(heard) => {
                if seen.insert(heard.id) {
                    plays.push(heard);
                }
            }
            Err((field, text)) => wrong.push(FieldViolation::new(format!("plays[{i}].{field}"), text)),
        }
    }
    wrong.truncate(MOST_NAMED);
    if wrong.is_empty() { Ok(plays) } else { Err(Error::Invalid(wrong)) }
}

fn heard(play: &Play, now: Timestamp) -> Result<Heard, (&'static str, String)> {
    let id = play.event_id.parse().map_err(|e| ("event_id", format!("{e}")))?;
    let song = play.song_id.parse().map_err(|e| ("song_id", format!("{e}")))?;
    let started = play.start_time.as_ref().and_then(moment).ok_or(("start_time", MOMENT.to_owned()))?;
    if play.played_ms > MOST_PLAYED {
        return Err(("played_ms", format!("at most {MOST_PLAYED}, which is a day")));
    }
    let context = match play.context_id.as_str() {
        "" => None,
        text => Some(context(text).ok_or(("context_id", "a playlist, album or artist id".to_owned()))?),
    };
    let started = started.min(now);
    Ok(Heard { id, song, started, played_ms: play.played_ms, skipped: play.skipped, context })
}

/// A time that can be one.
pub(super) fn moment(time: &prost_types::Timestamp) -> Option<Timestamp> {
    let whole = (0..=LAST_SECOND).contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos);
    whole.then(|| from_proto(time))
}

fn context(text: &str) -> Option<Uuid> {
    let playlist = text.parse().map(PlaylistId::uuid);
    let album = || text.parse().map(AlbumId::uuid);
    playlist.or_else(|_| album()).or_else(|_| text.parse().map(ArtistId::uuid)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_domain::{PlayId, SongId};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn good() -> Play {
        Play {
            event_id: PlayId::new().to_string(),
            song_id: SongId::new().to_string(),
            start_time: Some(prost_types::Timestamp { seconds: 500, nanos: 0 }),
            played_ms: 1000,
            ..Default::default()
        }
    }

    fn at(seconds: i64, nanos: i32) -> Play {
        Play { start_time: Some(prost_types::Timestamp { seconds, nanos }), ..good() }
    }

    #[test]
    fn the_future_is_now() {
        let request = RecordPlaysRequest { plays: vec![at(2_000, 0), at(LAST_SECOND, 999_999_999)] };
        let plays = plays(&request, NOW).expect("good");
        assert!(plays.iter().all(|play| play.started == NOW), "{plays:?}");
    }

    #[test]
    fn the_first_of_an_event_counts() {
        let (first, other) = (good(), good());
        let again = Play { played_ms: 7, song_id: other.song_id.clone(), ..first.clone() };
        let request = RecordPlaysRequest { plays: vec![first.clone(), again, other] };
        let plays = plays(&request, NOW).expect("good");
        assert_eq!(plays.len(), 2);
        assert_eq!(plays[0].song.to_string(), first.song_id);
    }

    #[test]
    fn every_wrong_field_is_named_with_its_place() {
        let bad = [
            ("event_id", Play { event_id: "1".into(), ..good() }),
            ("song_id", Play { song_id: String::new(), ..good() }),
            ("start_time", Play { start_time: None, ..good() }),
            ("start_time", at(-1, 0)),
            ("start_time", at(i64::MAX, 0)),
            ("start_time", at(1, -1)),
            ("played_ms", Play { played_ms: MOST_PLAYED + 1, ..good() }),
            ("context_id", Play { context_id: "my album".into(), ..good() }),
        ];
        let names: Vec<_> = (0..bad.len()).map(|i| format!("plays[{i}].{}", bad[i].0)).collect();
        let request = RecordPlaysRequest { plays: bad.into_iter().map(|(_, play)| play).collect() };
        let Err(Error::Invalid(fields)) = plays(&request, NOW) else { panic!("refused") };
        assert_eq!(fields.into_iter().map(|f| f.field).collect::<Vec<_>>(), names);
    }

    #[test]
    fn none_and_too_many_are_refused() {
        for n in [0, MOST_PLAYS + 1] {
            let request = RecordPlaysRequest { plays: (0..n).map(|_| good()).collect() };
            assert!(plays(&request, NOW).is_err(), "{n}");
        }
        let request = RecordPlaysRequest { plays: (0..MOST_PLAYS).map(|_| good()).collect() };
        assert!(plays(&request, NOW).is_ok());
        let request = RecordPlaysRequest { plays: (0..MOST_PLAYS).map(|_| Play::default()).collect() };
        let Err(Error::Invalid(fields)) = plays(&request, NOW) else { panic!("refused") };
        assert_eq!(fields.len(), MOST_NAMED);
    }
}
