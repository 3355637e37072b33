//! What an engine keeps of a document: the tokens by which it is found, who may find it, and the document.

use crate::{
    analyse::{beginnings, name, tokens},
    rank::Field,
};
use segue_domain::{Timestamp, UserId, Visibility};
use segue_ports::index::{Document, Kind, Rating, Viewer, Write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The number of this schema. Raise it when what is indexed of the same document changes; an index with
/// another number wants a rebuild.
pub(crate) const SCHEMA: u32 = 2;

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

/// The key that a rating is about.
pub(crate) fn key_rated(rating: &Rating) -> String {
    key(rating.kind, &rating.id)
}

/// What is indexed of a document.
#[derive(Debug)]
pub(crate) struct Words {
    /// The tokens of each field. A year is a word too.
    pub(crate) fields: [(Field, BTreeSet<String>); 5],
    /// The tokens of all names: what is looked up by its beginning, and with letters wrong.
    pub(crate) names: BTreeSet<String>,
}

impl Words {
    /// Of a document.
    pub(crate) fn of(document: &Document) -> Self {
        let year = if document.year == 0 { String::new() } else { document.year.to_string() };
        let fields = Field::ALL.map(|field| {
            let mut texts = field.texts(document);
            if field == Field::Genre {
                texts.push(&year);
            }
            (field, tokens(texts, true))
        });
        let of_names = Field::ALL.into_iter().filter(|field| field.is_name());
        let names = tokens(of_names.flat_map(|field| field.texts(document)), false);
        Self { fields, names }
    }

    /// What stands for tokens that begin with one or two letters.
    pub(crate) fn beginnings(&self) -> BTreeSet<String> {
        beginnings(&self.names)
    }

    /// All tokens of all fields.
    pub(crate) fn all(&self) -> BTreeSet<&str> {
        self.fields.iter().flat_map(|(_, tokens)| tokens).map(String::as_str).collect()
    }
}

/// The title as one name.
pub(crate) fn title_name(document: &Document) -> Option<String> {
    name(&document.title)
}

/// Who it is by, as one name each.
pub(crate) fn artist_names(document: &Document) -> Vec<String> {
    let album = Some(&document.album_artist).filter(|_| document.kind == Kind::Album);
    document.artists.iter().chain(album).filter_map(|artist| name(artist)).collect()
}

/// Who may find the document.
pub(crate) fn viewers(document: &Document) -> Vec<String> {
    let everybody = Some(EVERYBODY.to_owned()).filter(|_| document.visibility == Visibility::Public);
    let people = [document.owner].into_iter().chain(document.collaborators.iter().copied());
    everybody.into_iter().chain(people.map(|user| user.to_string())).collect()
}

/// Of whose documents `viewer` finds any; `None` when of all.
pub(crate) fn viewer(viewer: Viewer) -> Option<Vec<String>> {
    match viewer {
        Viewer::Anonymous => Some(vec![EVERYBODY.to_owned()]),
        Viewer::User(user) => Some(vec![EVERYBODY.to_owned(), user.to_string()]),
        Viewer::Everything => None,
    }
}

/// A document as it is stored. Its popularity is not in it: that changes by itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    kind: String,
    id: String,
    version: u64,
    owner: String,
    visibility: Visibility,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    collaborators: Vec<String>,
    title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    artists: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    album: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    album_artist: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    genre: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    year: u32,
    #[serde(default)]
    items: u32,
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
            collaborators: document.collaborators.iter().map(UserId::to_string).collect(),
            title: document.title,
            artists: document.artists,
            album: document.album,
            album_artist: document.album_artist,
            genre: document.genre,
            description: document.description,
            year: document.year,
            items: document.items,
            duration_ms: document.duration_ms,
            created: document.created,
        }
    }
}

impl TryFrom<Stored> for Document {
    type Error = Unreadable;
    fn try_from(stored: Stored) -> Result<Self, Unreadable> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == stored.kind);
        let user = |id: &String| id.parse().map_err(|e| Unreadable(format!("user: {e}")));
        Ok(Self {
            kind: kind.ok_or_else(|| Unreadable(format!("kind {:?}", stored.kind)))?,
            id: stored.id,
            version: stored.version,
            owner: user(&stored.owner)?,
            visibility: stored.visibility,
            collaborators: stored.collaborators.iter().map(user).collect::<Result<_, _>>()?,
            title: stored.title,
            artists: stored.artists,
            album: stored.album,
            album_artist: stored.album_artist,
            genre: stored.genre,
            description: stored.description,
            year: stored.year,
            items: stored.items,
            duration_ms: stored.duration_ms,
            created: stored.created,
            popularity: 0,
        })
    }
}

/// A document from the JSON that was stored, without its popularity.
pub(crate) fn read(json: &[u8]) -> Result<Document, Unreadable> {
    serde_json::from_slice::<Stored>(json).map_err(|e| Unreadable(e.to_string()))?.try_into()
}
