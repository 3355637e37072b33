//! The facts that the encoder tells.

use crate::encoding::{Encoding, Failure};
use segue_domain::{EncodingId, EventId, OutputId, SongId, Timestamp};
use segue_media::{Manifest, ManifestRung};
use segue_mesh::to_proto;
use segue_proto::event::v1::{
    EncodingFailed, EncodingStarted, EncodingSucceeded, Event, Rung, Tags, event::Data,
};
use segue_store::StoreError;

/// A worker has begun.
pub(crate) fn started(encoding: &Encoding, now: Timestamp) -> Event {
    let data = EncodingStarted {
        encoding_id: encoding.id.to_string(),
        song_id: encoding.song.to_string(),
        owner_id: encoding.owner.to_string(),
    };
    event(encoding, now, "encoding.started.v1", Data::EncodingStarted(data))
}

/// It will not be tried again.
pub(crate) fn failed(encoding: &Encoding, failure: &Failure, now: Timestamp) -> Event {
    let data = EncodingFailed {
        encoding_id: encoding.id.to_string(),
        song_id: encoding.song.to_string(),
        owner_id: encoding.owner.to_string(),
        reason: failure.reason.to_string(),
        message: failure.message.clone(),
    };
    event(encoding, now, "encoding.failed.v1", Data::EncodingFailed(data))
}

/// The output is complete.
pub(crate) fn succeeded(encoding: &Encoding, mut data: EncodingSucceeded, now: Timestamp) -> Event {
    data.owner_id = encoding.owner.to_string();
    event(encoding, now, "encoding.succeeded.v1", Data::EncodingSucceeded(data))
}

/// What a manifest says of an output, for [`succeeded`]. `total_bytes` are all of its objects.
pub(crate) fn summary(
    song: SongId,
    encoding: EncodingId,
    output: OutputId,
    manifest: &Manifest,
    total_bytes: u64,
) -> EncodingSucceeded {
    let tags = &manifest.tags;
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let lyrics = match &manifest.lyrics {
        None => "",
        Some(lyrics) if lyrics.synced => "SYNCED",
        Some(_) => "PLAIN",
    };
    EncodingSucceeded {
        encoding_id: encoding.to_string(),
        song_id: song.to_string(),
        owner_id: String::new(),
        output_id: output.to_string(),
        duration_ms: manifest.duration_ms,
        loudness_lufs: manifest.loudness_lufs.filter(|l| l.is_finite()),
        true_peak_db: manifest.true_peak_db.filter(|p| p.is_finite()),
        tags: Some(Tags {
            title: text(&tags.title),
            artists: tags.artists.clone(),
            album: text(&tags.album),
            album_artist: text(&tags.album_artist),
            genre: text(&tags.genre),
            year: tags.year.unwrap_or(0),
            track_number: tags.track.unwrap_or(0),
            disc_number: tags.disc.unwrap_or(0),
            isrc: text(&tags.isrc),
            musicbrainz_id: text(&tags.musicbrainz_id),
            lyrics: lyrics.to_owned(),
        }),
        cover_sizes: manifest.covers.iter().map(|c| c.px).collect(),
        rungs: manifest.rungs.iter().map(rung).collect(),
        total_bytes,
        source_codec: manifest.source.codec.clone(),
        sample_rate: manifest.source.sample_rate,
        channels: u32::from(manifest.source.channels),
    }
}

fn rung(rung: &ManifestRung) -> Rung {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Rung {
        name: rung.name.clone(),
        codec: rung.codec.clone(),
        lossless: rung.lossless,
        average_bandwidth: narrow(rung.average_bandwidth),
        bandwidth: narrow(rung.bandwidth),
        sample_rate: rung.sample_rate,
        bytes: rung.segments.iter().map(|s| s.object.bytes).fold(rung.init.bytes, u64::saturating_add),
    }
}

fn event(encoding: &Encoding, now: Timestamp, kind: &str, data: Data) -> Event {
    Event {
        id: EventId::new().to_string(),
        r#type: kind.into(),
        subject: encoding.id.to_string(),
        sequence: encoding.version,
        time: Some(to_proto(now)),
        shard_key: encoding.song.to_string(),
        data: Some(data),
    }
}

/// The version that a row has after one more event.
pub(crate) fn next_version(version: i64) -> Result<i64, StoreError> {
    version.checked_add(1).ok_or_else(|| StoreError::corrupt("encoding version"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_fact_says_what_the_tags_name_and_what_words_there_are_but_not_the_words() {
        let of = |tags: serde_json::Value, lyrics: serde_json::Value| {
            let source = json!({"codec": "flac", "container": "flac", "lossless": true, "sample_rate": 44_100,
                "channels": 2, "bits_per_sample": 16, "bitrate": 1});
            let manifest = json!({"version": 1, "song": "x", "duration_ms": 1, "samples": 1, "sample_rate": 44_100,
                "channels": 2, "source": source, "waveform": "", "tags": tags, "covers": [], "playlist": "m", "rungs": [],
                "lyrics": lyrics});
            let manifest: Manifest = serde_json::from_value(manifest).expect("it is one");
            summary(SongId::new(), EncodingId::new(), OutputId::new(), &manifest, 0)
                .tags
                .expect("there are tags")
        };
        let tags = of(json!({"isrc": "USRC17607839", "musicbrainz_id": "b1a9"}), json!(null));
        assert_eq!((tags.isrc.as_str(), tags.musicbrainz_id.as_str()), ("USRC17607839", "b1a9"));
        assert_eq!(tags.lyrics, "");
        let words = |synced: bool| json!({"synced": synced, "lines": [{"start_ms": 0, "text": "la"}]});
        assert_eq!(of(json!({}), words(false)).lyrics, "PLAIN");
        assert_eq!(of(json!({}), words(true)).lyrics, "SYNCED");
    }
}
