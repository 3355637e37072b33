//! Fields of the folder's index.

use crate::{
    entry::{self, GRAVE, Stored, Words},
    rank::Field as OfWords,
};
use segue_domain::Visibility;
use segue_ports::index::{Document, IndexError, Kind, Write};
use tantivy::{
    TantivyDocument,
    schema::{FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions},
};

pub(super) const KEY: &str = "key";
pub(super) const VERSION: &str = "version";
/// How popular it is.
pub(super) const POPULARITY: &str = "popularity";
/// Number of its kind.
pub(super) const SORT: &str = "sort";
/// 1 when everybody may find it.
pub(super) const PUBLIC: &str = "public";
pub(super) const YEAR: &str = "year";
/// When it was made, milliseconds.
pub(super) const CREATED: &str = "created";
/// The title as one name.
pub(super) const TITLE_NAME: &str = "title_name";
/// What a tombstone has in the place of the number of its kind.
pub(super) const NO_SORT: u64 = Kind::ALL.len() as u64;

/// The fields, by what they are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Kind and id; of every document one is alive.
    pub(super) key: Field,
    /// Version of the aggregate.
    pub(super) version: Field,
    /// Kind, or [`GRAVE`].
    pub(super) kind: Field,
    /// Who may find it.
    pub(super) viewer: Field,
    /// Title as one name.
    pub(super) title_name: Field,
    /// Artists as one name each.
    pub(super) artist_name: Field,
    /// Tokens of all names, and what stands for their beginnings.
    pub(super) names: Field,
    /// The document.
    pub(super) stored: Field,
    popularity: Field,
    sort: Field,
    public: Field,
    year: Field,
    created: Field,
    words: [Field; 5],
}

/// Tokens as they are: neither positions nor frequencies nor lengths count.
fn token() -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    TextOptions::default().set_indexing_options(indexing)
}

pub(super) fn schema() -> Schema {
    let mut schema = Schema::builder();
    schema.add_text_field(KEY, token() | FAST);
    schema.add_text_field(TITLE_NAME, token() | FAST);
    for name in [VERSION, POPULARITY, SORT, PUBLIC, YEAR] {
        schema.add_u64_field(name, FAST);
    }
    schema.add_i64_field(CREATED, FAST);
    for name in ["kind", "viewer", "artist_name", "names"] {
        schema.add_text_field(name, token());
    }
    for field in OfWords::ALL {
        schema.add_text_field(field.name(), token());
    }
    schema.add_bytes_field("stored", STORED);
    schema.build()
}

impl Fields {
    /// `None` when the index has not all of them.
    pub(super) fn of(schema: &Schema) -> Option<Self> {
        let field = |name: &str| schema.get_field(name).ok();
        Some(Self {
            key: field(KEY)?,
            version: field(VERSION)?,
            kind: field("kind")?,
            viewer: field("viewer")?,
            title_name: field(TITLE_NAME)?,
            artist_name: field("artist_name")?,
            names: field("names")?,
            stored: field("stored")?,
            popularity: field(POPULARITY)?,
            sort: field(SORT)?,
            public: field(PUBLIC)?,
            year: field(YEAR)?,
            created: field(CREATED)?,
            words: [
                field(OfWords::Title.name())?,
                field(OfWords::Artist.name())?,
                field(OfWords::Album.name())?,
                field(OfWords::Genre.name())?,
                field(OfWords::Description.name())?,
            ],
        })
    }

    pub(super) fn words(&self, field: OfWords) -> Field {
        self.words[match field {
            OfWords::Title => 0,
            OfWords::Artist => 1,
            OfWords::Album => 2,
            OfWords::Genre => 3,
            OfWords::Description => 4,
        }]
    }

    /// A write as tantivy takes it.
    pub(super) fn row(
        &self,
        key: &str,
        write: &Write,
        popularity: u8,
    ) -> Result<TantivyDocument, IndexError> {
        match write {
            Write::Put(document) => self.document(key, document, popularity),
            Write::Delete { version, .. } => Ok(self.grave(key, *version, 0)),
        }
    }

    /// A document, that popular.
    pub(super) fn document(
        &self,
        key: &str,
        document: &Document,
        popularity: u8,
    ) -> Result<TantivyDocument, IndexError> {
        let mut row = self.begun(key, document.version, popularity);
        row.add_text(self.kind, document.kind.name());
        row.add_u64(self.sort, sort(document.kind));
        row.add_u64(self.public, u64::from(document.visibility == Visibility::Public));
        row.add_u64(self.year, document.year.into());
        row.add_i64(self.created, document.created.0);
        for viewer in entry::viewers(document) {
            row.add_text(self.viewer, viewer);
        }
        let words = Words::of(document);
        for token in words.names.iter().chain(&words.beginnings()) {
            row.add_text(self.names, token);
        }
        for (field, tokens) in words.fields {
            for token in tokens {
                row.add_text(self.words(field), token);
            }
        }
        if let Some(name) = entry::title_name(document) {
            row.add_text(self.title_name, name);
        }
        for name in entry::artist_names(document) {
            row.add_text(self.artist_name, name);
        }
        let json = serde_json::to_vec(&Stored::from(document)).map_err(IndexError::unavailable)?;
        row.add_bytes(self.stored, &json);
        Ok(row)
    }

    /// A tombstone; with version 0, what holds the popularity of something that has not come yet.
    pub(super) fn grave(&self, key: &str, version: u64, popularity: u8) -> TantivyDocument {
        let mut row = self.begun(key, version, popularity);
        row.add_text(self.kind, GRAVE);
        row.add_u64(self.sort, NO_SORT);
        row
    }

    fn begun(&self, key: &str, version: u64, popularity: u8) -> TantivyDocument {
        let mut row = TantivyDocument::default();
        row.add_text(self.key, key);
        row.add_u64(self.version, version);
        row.add_u64(self.popularity, popularity.into());
        row
    }
}

/// The number of a kind.
pub(super) fn sort(kind: Kind) -> u64 {
    Kind::ALL.iter().position(|one| *one == kind).map_or(NO_SORT, |place| place as u64)
}
