//! What a change is called on the bus, and the event that carries it.

use crate::record::SongRecord;
use segue_domain::EventId;
use segue_mesh::to_proto;
use segue_proto::event::v1::{Event, SongChanged, SongUploaded, event::Data};

/// A change of a song.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Created,
    /// Its bytes are complete and it is its turn: an encoder takes it from here.
    Uploaded,
    Processing,
    Ready,
    Failed,
    Updated,
    Deleted,
}

impl Fact {
    /// Type of the event and its topic on the bus.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Created => "song.created.v1",
            Self::Uploaded => "song.uploaded.v1",
            Self::Processing => "song.processing.v1",
            Self::Ready => "song.ready.v1",
            Self::Failed => "song.failed.v1",
            Self::Updated => "song.updated.v1",
            Self::Deleted => "song.deleted.v1",
        }
    }

    /// The event that says that `song` has become what it is.
    pub(crate) fn event(self, song: &SongRecord) -> Event {
        let header = header(song);
        let data = match self {
            Self::Created => Data::SongCreated(header),
            Self::Uploaded => Data::SongUploaded(SongUploaded {
                encoding_id: song.encoding.map(String::from).unwrap_or_default(),
                object: song.object().into(),
                etag: song.upload.etag.clone().unwrap_or_default(),
                size_bytes: song.original.size,
                filename: song.original.filename.clone(),
                song: Some(header),
            }),
            Self::Processing => Data::SongProcessing(header),
            Self::Ready => Data::SongReady(header),
            Self::Failed => Data::SongFailed(header),
            Self::Updated => Data::SongUpdated(header),
            Self::Deleted => Data::SongDeleted(header),
        };
        Event {
            id: EventId::new().to_string(),
            r#type: self.topic().to_owned(),
            subject: song.id.to_string(),
            sequence: song.version,
            time: Some(to_proto(song.updated)),
            shard_key: song.id.to_string(),
            data: Some(data),
        }
    }
}

/// The header of a song in `event`, when the event is about a song.
pub(crate) fn header_of(event: &Event) -> Option<&SongChanged> {
    match event.data.as_ref()? {
        Data::SongUploaded(uploaded) => uploaded.song.as_ref(),
        Data::SongCreated(song)
        | Data::SongProcessing(song)
        | Data::SongReady(song)
        | Data::SongFailed(song)
        | Data::SongUpdated(song)
        | Data::SongDeleted(song) => Some(song),
        _ => None,
    }
}

fn header(song: &SongRecord) -> SongChanged {
    let (metadata, output) = (&song.metadata, song.output.as_ref());
    SongChanged {
        song_id: song.id.to_string(),
        owner_id: song.owner.to_string(),
        state: song.state.to_string(),
        visibility: song.visibility.to_string(),
        title: metadata.title.clone(),
        artists: metadata.artists.clone(),
        album: metadata.album.clone(),
        album_artist: metadata.album_artist.clone(),
        genre: metadata.genre.clone(),
        year: metadata.year,
        duration_ms: output.map_or(0, |o| o.duration_ms),
        sha256: song.original.sha256.clone(),
        failure_reason: song.failure.as_ref().map(|f| f.reason.clone()).unwrap_or_default(),
        create_time: Some(to_proto(song.created)),
        output_id: output.map(|o| o.id.to_string()).unwrap_or_default(),
        track_number: metadata.track_number,
        disc_number: metadata.disc_number,
        album_id: song.album_id().map(String::from).unwrap_or_default(),
        artist_ids: song.artist_ids().map(String::from).collect(),
        loudness_lufs: output.and_then(|o| o.loudness_lufs),
        true_peak_db: output.and_then(|o| o.true_peak_db),
        cover_sizes: output.map(|o| o.covers.clone()).unwrap_or_default(),
        isrc: metadata.isrc.clone(),
        musicbrainz_id: metadata.musicbrainz_id.clone(),
    }
}
