//! How one thing differs.

use segue_ports::index::{Document, Kind};

/// How it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// In the database and not in the index.
    Missing,
    /// In both, and not the same.
    Stale,
    /// In the index, and nothing in the database says that it should be found.
    Foreign,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub how: How,
    pub kind: Kind,
    pub id: String,
    /// 0 when it is foreign.
    pub database_version: u64,
    /// 0 when it is missing.
    pub index_version: u64,
    /// Fields that differ when it is stale, by their names in the contract.
    pub fields: Vec<&'static str>,
}

impl Difference {
    /// `None` when there is none. Both documents are of the same thing.
    pub(crate) fn between(database: Option<&Document>, index: Option<&Document>) -> Option<Self> {
        let (how, fields) = match (database, index) {
            (None, None) => return None,
            (Some(_), None) => (How::Missing, Vec::new()),
            (None, Some(_)) => (How::Foreign, Vec::new()),
            (Some(a), Some(b)) => (How::Stale, fields(a, b)),
        };
        if how == How::Stale && fields.is_empty() {
            return None;
        }
        let version = |document: Option<&Document>| document.map_or(0, |d| d.version);
        Some(Self {
            how,
            kind: database.or(index).map(|d| d.kind)?,
            id: database.or(index).map(|d| d.id.clone())?,
            database_version: version(database),
            index_version: version(index),
            fields,
        })
    }
}

fn fields(a: &Document, b: &Document) -> Vec<&'static str> {
    // Named one by one, so that a field that is added is missed by the compiler here and not by the comparison.
    let Document {
        kind,
        id: _,
        version,
        owner,
        visibility,
        collaborators,
        title,
        artists,
        album,
        album_artist,
        genre,
        description,
        year,
        items,
        duration_ms,
        created,
        // Not in the database: what was said last of it counts.
        popularity: _,
    } = a;
    let (title_field, items_field) = match kind {
        Kind::Artist => ("name", "song_count"),
        Kind::Album => ("title", "song_count"),
        Kind::Playlist | Kind::Song => ("title", "item_count"),
    };
    let checks = [
        ("version", *version != b.version),
        ("owner_id", *owner != b.owner),
        ("visibility", *visibility != b.visibility),
        ("collaborator_ids", *collaborators != b.collaborators),
        (title_field, *title != b.title),
        ("artists", *artists != b.artists),
        ("album", *album != b.album),
        ("album_artist", *album_artist != b.album_artist),
        ("genre", *genre != b.genre),
        ("description", *description != b.description),
        ("year", *year != b.year),
        (items_field, *items != b.items),
        ("duration_ms", *duration_ms != b.duration_ms),
        ("create_time", *created != b.created),
    ];
    checks.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
