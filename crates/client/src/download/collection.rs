//! What is to be downloaded: a song, or an album's or a playlist's songs in order.

use crate::{Client, ClientError, Patience};
use segue_proto::{
    playlist::v1::{Item, Playlist},
    song::v1::{Album, Song},
};
use tonic::Code;

/// What can be downloaded.
#[derive(Debug, Clone)]
pub enum Target {
    /// One song.
    Song(Box<Song>),
    /// An album.
    Album(Box<Album>),
    /// A playlist.
    Playlist(Box<Playlist>),
}

/// One place in a collection.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The song.
    pub song_id: String,
    /// The song as the caller sees it; none when it does not play for them.
    pub song: Option<Song>,
}

/// Songs in order.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Title of the album or playlist; empty for a song.
    pub title: String,
    /// The album, when it is one.
    pub album: Option<Album>,
    /// In order; a song may be there twice.
    pub entries: Vec<Entry>,
    /// Nothing is missing. A playlist that is being changed may hide what moves while it is read.
    pub whole: bool,
}

impl Client {
    /// The song, album or playlist of this id; none when it is no id, or of nothing that the caller may see.
    pub async fn target(&self, id: &str, patience: Patience) -> Result<Option<Target>, ClientError> {
        if !is_id(id) {
            return Ok(None);
        }
        patience.retry(|| self.by_id(id)).await
    }

    /// The songs of a target in order, asked for once, by pages.
    pub async fn collection(&self, target: Target, patience: Patience) -> Result<Collection, ClientError> {
        let mut whole = true;
        let (title, album, entries) = match target {
            Target::Song(song) => (String::new(), None, vec![entry(*song)]),
            Target::Album(album) => {
                let songs = patience.retry(|| self.album_songs(&album.album_id)).await?;
                (album.title.clone(), Some(*album), songs.into_iter().map(entry).collect())
            }
            Target::Playlist(list) => {
                let read = patience.retry(|| self.playlist_items(&list.playlist_id)).await?;
                whole = read.whole;
                let item = |item: Item| {
                    let song = item.song.filter(|_| item.available);
                    Entry { song_id: item.song_id, song }
                };
                (list.title, None, read.items.into_iter().map(item).collect())
            }
        };
        Ok(Collection { title, album, entries, whole })
    }

    async fn by_id(&self, id: &str) -> Result<Option<Target>, ClientError> {
        if let Some(song) = if_any(self.song(id).await)? {
            return Ok(Some(Target::Song(Box::new(song))));
        }
        if let Some(list) = if_any(self.playlist(id).await)? {
            return Ok(Some(Target::Playlist(Box::new(list))));
        }
        Ok(if_any(self.album(id).await)?.map(|album| Target::Album(Box::new(album))))
    }
}

fn entry(song: Song) -> Entry {
    Entry { song_id: song.song_id.clone(), song: Some(song) }
}

/// Ids are hexadecimal digits and hyphens, and longer than a word.
fn is_id(text: &str) -> bool {
    text.len() >= 24 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// None for what is not there, or cannot be an id of this kind.
fn if_any<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error)
            if matches!(error.code(), Some(Code::NotFound | Code::InvalidArgument | Code::Unimplemented)) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
