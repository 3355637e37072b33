//! What an engine keeps of a document: the tokens by which it is found, who may find it, and the document.

use crate::{
    analyse::{name, tokens},
    rank::Field,
};
use segue_domain::{Timestamp, Visibility};
use segue_ports::index::{Document, Kind, Viewer, Write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The number of this schema. Raise it when what is indexed of the same document changes; an index with
/// another number wants a rebuild.
pub(crate) const SCHEMA: u32 = 1;

/// What a tombstone has in the place of its kind.
pub(crate) const GRAVE: &str = "-";

/// Who everybody is, among those who may find a document. No user id looks like it.
const EVERYBODY: &str = "everybody";

/// The one name of a document among all kinds. Keys sort by kind, then id.
pub(crate) fn key(kind: Kind, id: &str) -> String {
    format!("{}:{id}", kind.name())
}

/// The key that a write is about.
pub(crate) fn key_of(write: &Write) -> String {
    match write {
        Write::Put(document) => key(document.kind, &document.id),
        Write::Delete { kind, id, .. } => key(*kind, id),
    }
}

/// The version that a write brings.
pub(crate) fn version_of(write: &Write) -> u64 {
    match write {
        Write::Put(document) => document.version,
        Write::Delete { version, .. } => *version,
    }
}

/// The tokens of each field.
pub(crate) fn fields(document: &Document) -> [(Field, BTreeSet<String>); 4] {
    Field::ALL.map(|field| (field, tokens(field.texts(document).iter().map(String::as_str))))
}

/// The title as one name.
pub(crate) fn title_name(document: &Document) -> Option<String> {
    name(&document.title)
}

/// The artists as one name each.
pub(crate) fn artist_names(document: &Document) -> Vec<String> {
    document.artists.iter().filter_map(|artist| name(artist)).collect()
}

/// Who may find the document.
pub(crate) fn viewers(document: &Document) -> Vec<String> {
    let owner = document.owner.to_string();
    match document.visibility {
        Visibility::Public => vec![EVERYBODY.to_owned(), owner],
        Visibility::Unlisted | Visibility::Private => vec![owner],
    }
}

/// Of whose documents `viewer` finds any; `None` when of all.
pub(crate) fn viewer(viewer: Viewer) -> Option<Vec<String>> {
    match viewer {
        Viewer::Anonymous => Some(vec![EVERYBODY.to_owned()]),
        Viewer::User(user) => Some(vec![EVERYBODY.to_owned(), user.to_string()]),
        Viewer::Everything => None,
    }
}

/// A document as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    kind: String,
    id: String,
    version: u64,
    owner: String,
    visibility: Visibility,
    title: String,
    artists: Vec<String>,
    album: String,
    album_artist: String,
    genre: String,
    year: u32,
    duration_ms: u64,
    created: Timestamp,
}

/// A stored document that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("a stored document is not readable: {0}")]
pub(crate) struct Unreadable(String);

impl From<&Document> for Stored {
    fn from(document: &Document) -> Self {
        let document = document.clone();
        Self {
            kind: document.kind.name().to_owned(),
            id: document.id,
            version: document.version,
            owner: document.owner.to_string(),
            visibility: document.visibility,
            title: document.title,
            artists: document.artists,
            album: document.album,
            album_artist: document.album_artist,
            genre: document.genre,
            year: document.year,
            duration_ms: document.duration_ms,
            created: document.created,
        }
    }
}

impl TryFrom<Stored> for Document {
    type Error = Unreadable;
    fn try_from(stored: Stored) -> Result<Self, Unreadable> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == stored.kind);
        Ok(Self {
            kind: kind.ok_or_else(|| Unreadable(format!("kind {:?}", stored.kind)))?,
            id: stored.id,
            version: stored.version,
            owner: stored.owner.parse().map_err(|e| Unreadable(format!("owner: {e}")))?,
            visibility: stored.visibility,
            title: stored.title,
            artists: stored.artists,
            album: stored.album,
            album_artist: stored.album_artist,
            genre: stored.genre,
            year: stored.year,
            duration_ms: stored.duration_ms,
            created: stored.created,
        })
    }
}

/// A document from the JSON that was stored.
pub(crate) fn read(json: &[u8]) -> Result<Document, Unreadable> {
    serde_json::from_slice::<Stored>(json).map_err(|e| Unreadable(e.to_string()))?.try_into()
}
