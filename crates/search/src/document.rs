//! What facts and rows become in the index.

use segue_domain::{PlaylistId, SongId, SongState, UserId, Visibility};
use segue_mesh::from_proto;
use segue_ports::{
    bus::Message,
    index::{Document, Kind, Rating, Write, popularity},
};
use segue_proto::event::v1::{
    AlbumChanged, ArtistChanged, Event, PlaylistChanged, SongChanged, SongsPlayed, event::Data,
};
use std::fmt::Display;

/// Longest id of an album or an artist, bytes.
const LONGEST_ID: usize = 128;

/// What a fact does to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Something is as it says, or gone.
    Write(Write),
    /// Songs are so popular.
    Rate(Vec<Rating>),
}

/// Why a message cannot be applied. It is the message's fault: another try gives the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event cannot be understood: {0}")]
pub(crate) struct Malformed(String);

impl Malformed {
    pub(crate) fn because(cause: impl Display) -> Self {
        Self(cause.to_string())
    }
}

/// The change of the index that a message makes: a song that plays is found, any other is not.
pub(crate) fn change(message: &Message) -> Result<(Change, Event), Malformed> {
    let event = <Event as prost::Message>::decode(message.payload.clone()).map_err(Malformed::because)?;
    if event.sequence == 0 {
        return Err(Malformed("it has no sequence".into()));
    }
    let version = event.sequence;
    let write = match (event.r#type.as_str(), &event.data) {
        ("song.created.v1", Some(Data::SongCreated(song)))
        | ("song.processing.v1", Some(Data::SongProcessing(song)))
        | ("song.ready.v1", Some(Data::SongReady(song)))
        | ("song.failed.v1", Some(Data::SongFailed(song)))
        | ("song.updated.v1", Some(Data::SongUpdated(song))) => song_write(song, version, false)?,
        ("song.deleted.v1", Some(Data::SongDeleted(song))) => song_write(song, version, true)?,
        ("song.uploaded.v1", Some(Data::SongUploaded(uploaded))) => match &uploaded.song {
            Some(song) => song_write(song, version, false)?,
            None => return Err(Malformed("it says nothing of its song".into())),
        },
        ("album.updated.v1", Some(Data::AlbumUpdated(album))) => put(album_document(album, version)?),
        ("album.deleted.v1", Some(Data::AlbumDeleted(album))) => {
            delete(Kind::Album, named(&album.album_id)?, version)
        }
        ("artist.updated.v1", Some(Data::ArtistUpdated(artist))) => put(artist_document(artist, version)?),
        ("artist.deleted.v1", Some(Data::ArtistDeleted(artist))) => {
            delete(Kind::Artist, named(&artist.artist_id)?, version)
        }
        ("playlist.created.v1", Some(Data::PlaylistCreated(playlist)))
        | ("playlist.updated.v1", Some(Data::PlaylistUpdated(playlist))) => {
            put(playlist_document(playlist, version)?)
        }
        ("playlist.deleted.v1", Some(Data::PlaylistDeleted(playlist))) => {
            let id: PlaylistId = playlist.playlist_id.parse().map_err(Malformed::because)?;
            delete(Kind::Playlist, id.to_string(), version)
        }
        ("songs.played.v1", Some(Data::SongsPlayed(played))) => {
            return Ok((Change::Rate(ratings(played)?), event));
        }
        _ => return Err(Malformed(format!("this version does not know {} with this content", event.r#type))),
    };
    Ok((Change::Write(write), event))
}

fn put(document: Document) -> Write {
    Write::Put(Box::new(document))
}

fn delete(kind: Kind, id: String, version: u64) -> Write {
    Write::Delete { kind, id, version }
}

/// The id of an album or an artist, which its owner makes of what tags say.
pub(crate) fn named(id: &str) -> Result<String, Malformed> {
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(Malformed(format!("an id of {} bytes", id.len())));
    }
    Ok(id.to_owned())
}

fn user(id: &str) -> Result<UserId, Malformed> {
    id.parse().map_err(Malformed::because)
}

fn visibility(name: &str) -> Result<Visibility, Malformed> {
    name.parse().map_err(Malformed::because)
}

fn song_write(song: &SongChanged, version: u64, deleted: bool) -> Result<Write, Malformed> {
    let id: SongId = song.song_id.parse().map_err(Malformed::because)?;
    let state: SongState = song.state.parse().map_err(Malformed::because)?;
    if deleted || state != SongState::Ready {
        return Ok(delete(Kind::Song, id.to_string(), version));
    }
    let (owner, visibility) = (user(&song.owner_id)?, visibility(&song.visibility)?);
    Ok(put(Document {
        title: song.title.clone(),
        artists: song.artists.clone(),
        album: song.album.clone(),
        album_artist: song.album_artist.clone(),
        genre: song.genre.clone(),
        year: song.year,
        duration_ms: song.duration_ms,
        created: song.create_time.as_ref().map(from_proto).unwrap_or_default(),
        ..Document::new(Kind::Song, id.to_string(), version, owner, visibility)
    }))
}

/// As popular as it has songs.
pub(crate) fn album_document(album: &AlbumChanged, version: u64) -> Result<Document, Malformed> {
    let (owner, visibility) = (user(&album.owner_id)?, visibility(&album.visibility)?);
    Ok(Document {
        title: album.title.clone(),
        album_artist: album.album_artist.clone(),
        genre: album.genre.clone(),
        year: album.year,
        items: album.song_count,
        duration_ms: album.duration_ms,
        created: album.create_time.as_ref().map(from_proto).unwrap_or_default(),
        popularity: popularity(album.song_count.into()),
        ..Document::new(Kind::Album, named(&album.album_id)?, version, owner, visibility)
    })
}

/// As popular as they have songs.
pub(crate) fn artist_document(artist: &ArtistChanged, version: u64) -> Result<Document, Malformed> {
    let (owner, visibility) = (user(&artist.owner_id)?, visibility(&artist.visibility)?);
    Ok(Document {
        title: artist.name.clone(),
        items: artist.song_count,
        created: artist.create_time.as_ref().map(from_proto).unwrap_or_default(),
        popularity: popularity(artist.song_count.into()),
        ..Document::new(Kind::Artist, named(&artist.artist_id)?, version, owner, visibility)
    })
}

/// As popular as it has items.
pub(crate) fn playlist_document(playlist: &PlaylistChanged, version: u64) -> Result<Document, Malformed> {
    let id: PlaylistId = playlist.playlist_id.parse().map_err(Malformed::because)?;
    let (owner, visibility) = (user(&playlist.owner_id)?, visibility(&playlist.visibility)?);
    let mut collaborators: Vec<UserId> =
        playlist.collaborator_ids.iter().map(|id| user(id)).collect::<Result<_, _>>()?;
    // The same people in another order are the same.
    collaborators.sort_unstable();
    Ok(Document {
        title: playlist.title.clone(),
        description: playlist.description.clone(),
        items: playlist.item_count,
        duration_ms: playlist.duration_ms,
        created: playlist.create_time.as_ref().map(from_proto).unwrap_or_default(),
        collaborators,
        popularity: popularity(playlist.item_count.into()),
        ..Document::new(Kind::Playlist, id.to_string(), version, owner, visibility)
    })
}

fn ratings(played: &SongsPlayed) -> Result<Vec<Rating>, Malformed> {
    let rating = |count: &segue_proto::event::v1::SongCount| {
        let id: SongId = count.song_id.parse().map_err(Malformed::because)?;
        Ok(Rating { kind: Kind::Song, id: id.to_string(), popularity: popularity(count.plays) })
    };
    played.counts.iter().map(rating).collect()
}

/// What a write is about, and its version.
pub(crate) fn subject(write: &Write) -> ((Kind, &str), u64) {
    match write {
        Write::Put(document) => ((document.kind, document.id.as_str()), document.version),
        Write::Delete { kind, id, version } => ((*kind, id.as_str()), *version),
    }
}
