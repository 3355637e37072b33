//! Fields of the folder's index.

use crate::{
    entry::{self, GRAVE, Stored},
    rank::Field as Words,
};
use segue_ports::index::{IndexError, Write};
use tantivy::{
    TantivyDocument,
    schema::{FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions},
};

pub(super) const KEY: &str = "key";
pub(super) const VERSION: &str = "version";

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
    /// The document.
    pub(super) stored: Field,
    words: [Field; 4],
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
    schema.add_u64_field(VERSION, FAST);
    for name in ["kind", "viewer", "title_name", "artist_name"] {
        schema.add_text_field(name, token());
    }
    for field in Words::ALL {
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
            title_name: field("title_name")?,
            artist_name: field("artist_name")?,
            stored: field("stored")?,
            words: [
                field(Words::Title.name())?,
                field(Words::Artist.name())?,
                field(Words::Album.name())?,
                field(Words::Genre.name())?,
            ],
        })
    }

    pub(super) fn words(&self, field: Words) -> Field {
        self.words[match field {
            Words::Title => 0,
            Words::Artist => 1,
            Words::Album => 2,
            Words::Genre => 3,
        }]
    }

    /// A write as tantivy takes it.
    pub(super) fn row(&self, key: &str, write: &Write) -> Result<TantivyDocument, IndexError> {
        let mut row = TantivyDocument::default();
        row.add_text(self.key, key);
        row.add_u64(self.version, entry::version_of(write));
        let Write::Put(document) = write else {
            row.add_text(self.kind, GRAVE);
            return Ok(row);
        };
        row.add_text(self.kind, document.kind.name());
        for viewer in entry::viewers(document) {
            row.add_text(self.viewer, viewer);
        }
        for (field, tokens) in entry::fields(document) {
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
        let json = serde_json::to_vec(&Stored::from(&**document)).map_err(IndexError::unavailable)?;
        row.add_bytes(self.stored, &json);
        Ok(row)
    }

    /// A tombstone.
    pub(super) fn grave(&self, key: &str, version: u64) -> TantivyDocument {
        let mut row = TantivyDocument::default();
        row.add_text(self.key, key);
        row.add_u64(self.version, version);
        row.add_text(self.kind, GRAVE);
        row
    }
}
