//! UpdateSong: the owner's words, which tags never overwrite.

use crate::{
    Error, access,
    fact::Fact,
    field::{Checks, MOST_ARTISTS, MOST_TEXT, id},
    record::{Field, SongRecord},
    role::Role,
    service::Call,
    transition::Step,
};
use segue_domain::Visibility;
use segue_proto::song::v1::{self as pb, UpdateSongRequest, UpdateSongResponse};
use std::collections::BTreeSet;

const PATHS: &str = "title, artists, album, album_artist, genre, year, track_number, disc_number, visibility";

/// One new value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    Text(Field, String),
    Artists(Vec<String>),
    Number(Field, u32),
    Visibility(Visibility),
}

impl Role {
    pub(crate) async fn update(
        &self,
        call: &Call,
        request: UpdateSongRequest,
    ) -> Result<UpdateSongResponse, Error> {
        let song = request.song.ok_or_else(|| Error::field("song", "song_id and the new values"))?;
        let id = id("song.song_id", &song.song_id)?;
        let edits = edits(&song, &request.update_mask.unwrap_or_default().paths)?;
        let changed = self
            .songs
            .change(id, |before| {
                access::own(&call.caller, before)?;
                check_etag(before, &song.etag)?;
                let mut next = before.clone();
                edits.iter().for_each(|edit| edit.apply(&mut next));
                Ok(if next == *before { Step::keep() } else { Step::to(next, Fact::Updated) })
            })
            .await?;
        Ok(UpdateSongResponse { song: Some(self.answer(changed, &call.caller, &call.origin)) })
    }
}

/// An etag that is given must be that of the song as it is.
pub(crate) fn check_etag(song: &SongRecord, etag: &str) -> Result<(), Error> {
    if etag.is_empty() || etag == song.etag() { Ok(()) } else { Err(Error::StaleEtag) }
}

impl Edit {
    fn apply(&self, song: &mut SongRecord) {
        let metadata = &mut song.metadata;
        match self {
            Self::Visibility(visibility) => song.visibility = *visibility,
            Self::Artists(artists) => {
                metadata.artists.clone_from(artists);
                song.edited.insert(Field::Artists);
            }
            Self::Text(field, text) => {
                match field {
                    Field::Title => metadata.title.clone_from(text),
                    Field::Album => metadata.album.clone_from(text),
                    Field::AlbumArtist => metadata.album_artist.clone_from(text),
                    _ => metadata.genre.clone_from(text),
                }
                song.edited.insert(*field);
            }
            Self::Number(field, number) => {
                match field {
                    Field::Year => metadata.year = *number,
                    Field::TrackNumber => metadata.track_number = *number,
                    _ => metadata.disc_number = *number,
                }
                song.edited.insert(*field);
            }
        }
    }
}

fn edits(song: &pb::Song, paths: &[String]) -> Result<Vec<Edit>, Error> {
    let mut checks = Checks::default();
    if paths.is_empty() {
        checks.refuse("update_mask", format!("name the fields to change: {PATHS}"));
    }
    let mut edits = Vec::new();
    let text = |checks: &mut Checks, name: &str, field, text: &str| {
        checks.text(name, text, MOST_TEXT);
        Edit::Text(field, text.trim().to_owned())
    };
    let number = |checks: &mut Checks, name: &str, field, number| {
        checks.number(name, number);
        Edit::Number(field, number)
    };
    // Each once: a mask may name one field a hundred thousand times.
    for path in paths.iter().map(String::as_str).collect::<BTreeSet<_>>() {
        edits.push(match path {
            "title" => {
                if song.title.trim().is_empty() {
                    checks.refuse("song.title", "a song needs a title");
                }
                text(&mut checks, "song.title", Field::Title, &song.title)
            }
            "album" => text(&mut checks, "song.album", Field::Album, &song.album),
            "album_artist" => text(&mut checks, "song.album_artist", Field::AlbumArtist, &song.album_artist),
            "genre" => text(&mut checks, "song.genre", Field::Genre, &song.genre),
            "artists" => Edit::Artists(artists(&mut checks, &song.artists)),
            "year" => number(&mut checks, "song.year", Field::Year, song.year),
            "track_number" => number(&mut checks, "song.track_number", Field::TrackNumber, song.track_number),
            "disc_number" => number(&mut checks, "song.disc_number", Field::DiscNumber, song.disc_number),
            "visibility" => Edit::Visibility(checks.visibility("song.visibility", song.visibility)),
            _ => {
                let shown: String = path.chars().take(100).collect();
                checks.refuse("update_mask", format!("{shown:?} cannot be changed; these can: {PATHS}"));
                break;
            }
        });
    }
    checks.done()?;
    Ok(edits)
}

fn artists(checks: &mut Checks, artists: &[String]) -> Vec<String> {
    if artists.len() > MOST_ARTISTS {
        checks.refuse("song.artists", format!("at most {MOST_ARTISTS}"));
        return Vec::new();
    }
    for (i, artist) in artists.iter().enumerate() {
        let name = format!("song.artists[{i}]");
        checks.text(&name, artist, MOST_TEXT);
        if artist.trim().is_empty() {
            checks.refuse(&name, "not empty");
        }
    }
    artists.iter().map(|a| a.trim().to_owned()).collect()
}
