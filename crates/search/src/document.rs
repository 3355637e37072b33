//! What facts and rows become in the index.

use segue_domain::{SongId, SongState, UserId, Visibility};
use segue_mesh::from_proto;
use segue_ports::{
    bus::Message,
    index::{Document, Kind, Write},
};
use segue_proto::{
    event::v1::{Event, SongChanged, event::Data},
    song::v1::{self as pb, ScannedSong},
};
use std::fmt::Display;

/// Why a message cannot be applied. It is the message's fault: another try gives the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event cannot be understood: {0}")]
pub(crate) struct Malformed(String);

impl Malformed {
    fn because(cause: impl Display) -> Self {
        Self(cause.to_string())
    }
}

/// The change of the index that a message makes: a song that plays is found, any other is not.
pub(crate) fn change(message: &Message) -> Result<(Write, Event), Malformed> {
    let event = <Event as prost::Message>::decode(message.payload.clone()).map_err(Malformed::because)?;
    let header = match (event.r#type.as_str(), &event.data) {
        ("song.created.v1", Some(Data::SongCreated(song)))
        | ("song.processing.v1", Some(Data::SongProcessing(song)))
        | ("song.ready.v1", Some(Data::SongReady(song)))
        | ("song.failed.v1", Some(Data::SongFailed(song)))
        | ("song.updated.v1", Some(Data::SongUpdated(song)))
        | ("song.deleted.v1", Some(Data::SongDeleted(song))) => Some(song),
        ("song.uploaded.v1", Some(Data::SongUploaded(uploaded))) => uploaded.song.as_ref(),
        _ => None,
    };
    let Some(header) = header else {
        return Err(Malformed(format!("this version does not know {} with this content", event.r#type)));
    };
    if event.sequence == 0 {
        return Err(Malformed("it has no sequence".into()));
    }
    let deleted = matches!(event.data, Some(Data::SongDeleted(_)));
    Ok((write(header, event.sequence, deleted)?, event))
}

fn write(song: &SongChanged, version: u64, deleted: bool) -> Result<Write, Malformed> {
    let id: SongId = song.song_id.parse().map_err(Malformed::because)?;
    let state: SongState = song.state.parse().map_err(Malformed::because)?;
    if deleted || state != SongState::Ready {
        return Ok(Write::Delete { kind: Kind::Song, id: id.to_string(), version });
    }
    Ok(Write::Put(Box::new(Document {
        kind: Kind::Song,
        id: id.to_string(),
        version,
        owner: song.owner_id.parse::<UserId>().map_err(Malformed::because)?,
        visibility: song.visibility.parse().map_err(Malformed::because)?,
        title: song.title.clone(),
        artists: song.artists.clone(),
        album: song.album.clone(),
        album_artist: song.album_artist.clone(),
        genre: song.genre.clone(),
        year: song.year,
        duration_ms: song.duration_ms,
        created: song.create_time.as_ref().map(from_proto).unwrap_or_default(),
    })))
}

/// A row as the index should have it. The row must be of a song that plays.
pub(crate) fn scanned(song: ScannedSong) -> Result<Document, Malformed> {
    let visibility = match song.visibility() {
        pb::Visibility::Public => Visibility::Public,
        pb::Visibility::Unlisted => Visibility::Unlisted,
        pb::Visibility::Private | pb::Visibility::Unspecified => Visibility::Private,
    };
    Ok(Document {
        kind: Kind::Song,
        id: song.song_id.parse::<SongId>().map_err(Malformed::because)?.to_string(),
        version: song.version,
        owner: song.owner_id.parse().map_err(Malformed::because)?,
        visibility,
        title: song.title,
        artists: song.artists,
        album: song.album,
        album_artist: song.album_artist,
        genre: song.genre,
        year: song.year,
        duration_ms: song.duration_ms,
        created: song.create_time.as_ref().map(from_proto).unwrap_or_default(),
    })
}

/// What a write is about, and its version.
pub(crate) fn subject(write: &Write) -> ((Kind, &str), u64) {
    match write {
        Write::Put(document) => ((document.kind, document.id.as_str()), document.version),
        Write::Delete { kind, id, version } => ((*kind, id.as_str()), *version),
    }
}
