//! Rows of the owners of the data as the index should have them. They say what facts say, and become the same.

use crate::document::{Malformed, album_document, artist_document, playlist_document};
use segue_domain::{SongId, Visibility};
use segue_mesh::from_proto;
use segue_ports::index::{Document, Kind};
use segue_proto::{
    event::v1::{AlbumChanged, ArtistChanged, PlaylistChanged},
    playlist::v1::ScannedPlaylist,
    song::v1::{self as pb, ScannedAlbum, ScannedArtist, ScannedSong},
};

pub(crate) fn visibility(visibility: pb::Visibility) -> Visibility {
    match visibility {
        pb::Visibility::Public => Visibility::Public,
        pb::Visibility::Unlisted => Visibility::Unlisted,
        pb::Visibility::Private | pb::Visibility::Unspecified => Visibility::Private,
    }
}

/// A song. The row must be of one that plays.
pub(super) fn song(song: ScannedSong) -> Result<Document, Malformed> {
    let id: SongId = song.song_id.parse().map_err(Malformed::because)?;
    let owner = song.owner_id.parse().map_err(Malformed::because)?;
    let visibility = visibility(song.visibility());
    Ok(Document {
        title: song.title,
        artists: song.artists,
        album: song.album,
        album_artist: song.album_artist,
        genre: song.genre,
        year: song.year,
        duration_ms: song.duration_ms,
        created: song.create_time.as_ref().map(from_proto).unwrap_or_default(),
        ..Document::new(Kind::Song, id.to_string(), song.version, owner, visibility)
    })
}

pub(super) fn album(album: ScannedAlbum) -> Result<Document, Malformed> {
    let visibility = visibility(album.visibility()).to_string();
    let ScannedAlbum {
        album_id,
        version,
        owner_id,
        visibility: _,
        title,
        album_artist,
        genre,
        year,
        song_count,
        duration_ms,
        create_time,
    } = album;
    let changed = AlbumChanged {
        album_id,
        owner_id,
        visibility,
        title,
        album_artist,
        genre,
        year,
        song_count,
        duration_ms,
        create_time,
    };
    album_document(&changed, version)
}

pub(super) fn artist(artist: ScannedArtist) -> Result<Document, Malformed> {
    let visibility = visibility(artist.visibility()).to_string();
    let ScannedArtist { artist_id, version, owner_id, visibility: _, name, song_count, create_time } = artist;
    let changed = ArtistChanged { artist_id, owner_id, visibility, name, song_count, create_time };
    artist_document(&changed, version)
}

pub(super) fn playlist(playlist: ScannedPlaylist) -> Result<Document, Malformed> {
    let visibility = visibility(playlist.visibility()).to_string();
    let ScannedPlaylist {
        playlist_id,
        version,
        owner_id,
        visibility: _,
        title,
        description,
        item_count,
        duration_ms,
        create_time,
        collaborator_ids,
    } = playlist;
    let changed = PlaylistChanged {
        playlist_id,
        owner_id,
        visibility,
        title,
        description,
        item_count,
        duration_ms,
        create_time,
        collaborator_ids,
        former_collaborator_id: String::new(),
    };
    playlist_document(&changed, version)
}
