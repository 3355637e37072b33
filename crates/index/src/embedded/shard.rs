//! One tantivy index, and the writing of it.

use super::{
    schema::{Fields, KEY, VERSION, schema},
    unsynced::{Unsynced, sync},
};
use crate::{
    entry::{self, GRAVE, key_of, version_of},
    meter::Applied,
};
use segue_ports::index::{Document, IndexError, Write};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    path::{Path, PathBuf},
};
use tantivy::{
    DocAddress, DocSet, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TERMINATED,
    TantivyDocument, Term,
    collector::DocSetCollector,
    indexer::{IndexWriterOptions, LogMergePolicy},
    query::TermQuery,
    schema::{IndexRecordOption, Value},
};

/// Blocks of stored documents that are kept decompressed, of each segment: 16 kB each.
const STORE_BLOCKS: usize = 2;
/// Segments with fewer documents are alike to the merge policy.
const SMALL_SEGMENT: u32 = 256;
/// Segments of a size that are merged into one.
const MERGED_SEGMENTS: usize = 6;

/// What a search needs.
#[derive(Clone)]
pub(super) struct View {
    pub(super) reader: IndexReader,
    pub(super) fields: Fields,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

/// One index and its writer.
pub(super) struct Shard {
    folder: PathBuf,
    index: Index,
    view: View,
    /// There while something is being written.
    writer: Option<IndexWriter>,
    /// Versions that the next commit will show.
    pending: HashMap<String, u64>,
    synced: HashSet<OsString>,
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Shard {
    /// Makes an empty index in a folder that is not there yet.
    pub(super) fn create(folder: PathBuf) -> Result<Self, IndexError> {
        std::fs::create_dir_all(&folder).map_err(IndexError::unavailable)?;
        // Compression in a thread of its own would be a thread per commit.
        let settings =
            IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
        let directory = Unsynced::open(&folder).map_err(IndexError::unavailable)?;
        let index = Index::builder().schema(schema()).settings(settings).open_or_create(directory);
        Self::with(folder, index.map_err(IndexError::unavailable)?)
    }

    /// Opens what is in the folder. Any error is damage, or a schema without the fields that are needed.
    pub(super) fn open(folder: &Path) -> Result<Self, IndexError> {
        let directory = Unsynced::open(folder).map_err(IndexError::unavailable)?;
        let index = Index::open(directory).map_err(IndexError::unavailable)?;
        let damaged = index.validate_checksum().map_err(IndexError::unavailable)?;
        if !damaged.is_empty() {
            return Err(IndexError::unavailable(format!("{} files are damaged", damaged.len())));
        }
        Self::with(folder.to_owned(), index)
    }

    fn with(folder: PathBuf, index: Index) -> Result<Self, IndexError> {
        let fields = Fields::of(&index.schema())
            .ok_or_else(|| IndexError::unavailable("the index has not the fields that it should have"))?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(STORE_BLOCKS)
            .try_into()
            .map_err(IndexError::unavailable)?;
        let view = View { reader, fields };
        Ok(Self { folder, index, view, writer: None, pending: HashMap::new(), synced: HashSet::new() })
    }

    pub(super) fn view(&self) -> View {
        self.view.clone()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds to the next commit what is newer than what is there.
    pub(super) fn add(&mut self, writes: &[Write]) -> Result<Applied, IndexError> {
        let searcher = self.view.reader.searcher();
        let mut applied = Applied::default();
        for write in writes {
            let (key, version) = (key_of(write), version_of(write));
            let there = match self.pending.get(&key) {
                Some(version) => Some(*version),
                None => self.view.version(&searcher, &key)?,
            };
            if there.is_some_and(|there| version <= there) {
                applied.stale += 1;
                continue;
            }
            let row = self.view.fields.row(&key, write)?;
            let term = Term::from_field_text(self.view.fields.key, &key);
            let writer = self.writer()?;
            if there.is_some() {
                writer.delete_term(term);
            }
            writer.add_document(row).map_err(IndexError::unavailable)?;
            self.pending.insert(key, version);
            applied.fresh += 1;
        }
        Ok(applied)
    }

    /// Commits what was added, and shows it. After an error everything since the last commit is undone.
    pub(super) fn commit(&mut self) -> Result<(), IndexError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let committed = self.writer()?.commit().and_then(|_| self.view.reader.reload());
        self.pending.clear();
        if committed.is_err() {
            self.writer = None;
        }
        committed.map_err(IndexError::unavailable)
    }

    /// Undoes what was added since the last commit.
    pub(super) fn undo(&mut self) {
        self.pending.clear();
        self.writer = None;
    }

    /// Copies the tombstones of another index, and commits.
    pub(super) fn bury(&mut self, other: &View) -> Result<(), IndexError> {
        let graves = other.graves()?;
        for (key, version) in graves {
            let row = self.view.fields.grave(&key, version);
            self.writer()?.add_document(row).map_err(IndexError::unavailable)?;
            self.pending.insert(key, version);
        }
        self.commit()
    }

    /// Waits for merges, gives the writer's memory back and syncs everything.
    pub(super) fn rest(&mut self) -> Result<(), IndexError> {
        if let Some(writer) = self.writer.take() {
            self.pending.clear();
            writer.wait_merging_threads().map_err(IndexError::unavailable)?;
            self.view.reader.reload().map_err(IndexError::unavailable)?;
        }
        sync(&self.folder, &mut self.synced).map_err(IndexError::unavailable)
    }

    fn writer(&mut self) -> Result<&mut IndexWriter, IndexError> {
        if self.writer.is_none() {
            // One thread of each kind and the least heap that tantivy takes: what is written here is small.
            let options = IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).build();
            let writer: IndexWriter =
                self.index.writer_with_options(options).map_err(IndexError::unavailable)?;
            let mut policy = LogMergePolicy::default();
            policy.set_min_layer_size(SMALL_SEGMENT);
            policy.set_min_num_segments(MERGED_SEGMENTS);
            policy.set_del_docs_ratio_before_merge(0.3);
            writer.set_merge_policy(Box::new(policy));
            self.writer = Some(writer);
        }
        self.writer.as_mut().ok_or_else(|| IndexError::unavailable("no writer"))
    }
}

impl View {
    /// The version of the document or tombstone with this key.
    fn version(&self, searcher: &Searcher, key: &str) -> Result<Option<u64>, IndexError> {
        let term = Term::from_field_text(self.fields.key, key);
        for segment in searcher.segment_readers() {
            let postings = segment
                .inverted_index(self.fields.key)
                .and_then(|index| Ok(index.read_postings(&term, IndexRecordOption::Basic)?));
            let Some(mut postings) = postings.map_err(IndexError::unavailable)? else { continue };
            while postings.doc() != TERMINATED {
                if !segment.is_deleted(postings.doc()) {
                    let versions = segment.fast_fields().u64(VERSION).map_err(IndexError::unavailable)?;
                    return Ok(versions.first(postings.doc()));
                }
                postings.advance();
            }
        }
        Ok(None)
    }

    /// Keys with `prefix` behind `after` and where they are, ascending, no tombstones, at most `limit`.
    pub(super) fn keys(
        &self,
        searcher: &Searcher,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, DocAddress)>, IndexError> {
        let mut found = Vec::new();
        for (number, segment) in (0..).zip(searcher.segment_readers()) {
            let index = segment.inverted_index(self.fields.key).map_err(IndexError::unavailable)?;
            let graves = self.graves_of(segment)?;
            let stream = index.terms().range().gt(after.as_bytes()).into_stream();
            let mut stream = stream.map_err(IndexError::unavailable)?;
            let end = found.len() + limit;
            while found.len() < end && stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                let mut postings = index
                    .read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)
                    .map_err(IndexError::unavailable)?;
                while postings.doc() != TERMINATED {
                    let doc = postings.doc();
                    if !segment.is_deleted(doc) && !graves.contains(&doc) {
                        let key = String::from_utf8_lossy(stream.key()).into_owned();
                        found.push((key, DocAddress::new(number, doc)));
                    }
                    postings.advance();
                }
            }
        }
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.truncate(limit);
        Ok(found)
    }

    fn graves_of(&self, segment: &tantivy::SegmentReader) -> Result<HashSet<u32>, IndexError> {
        let term = Term::from_field_text(self.fields.kind, GRAVE);
        let index = segment.inverted_index(self.fields.kind).map_err(IndexError::unavailable)?;
        let postings = index.read_postings(&term, IndexRecordOption::Basic);
        let mut graves = HashSet::new();
        if let Some(mut postings) = postings.map_err(IndexError::unavailable)? {
            while postings.doc() != TERMINATED {
                graves.insert(postings.doc());
                postings.advance();
            }
        }
        Ok(graves)
    }

    /// Key and version of every tombstone.
    fn graves(&self) -> Result<Vec<(String, u64)>, IndexError> {
        let searcher = self.reader.searcher();
        let term = Term::from_field_text(self.fields.kind, GRAVE);
        let graves = searcher
            .search(&TermQuery::new(term, IndexRecordOption::Basic), &DocSetCollector)
            .map_err(IndexError::unavailable)?;
        let mut found = Vec::with_capacity(graves.len());
        for place in graves {
            let fast = searcher.segment_reader(place.segment_ord).fast_fields();
            let versions = fast.u64(VERSION).map_err(IndexError::unavailable)?;
            let keys = fast.str(KEY).map_err(IndexError::unavailable)?;
            let Some((keys, version)) = keys.zip(versions.first(place.doc_id)) else { continue };
            let mut key = String::new();
            if let Some(ordinal) = keys.ords().first(place.doc_id) {
                keys.ord_to_str(ordinal, &mut key).map_err(IndexError::unavailable)?;
                found.push((key, version));
            }
        }
        Ok(found)
    }

    /// The document that is stored there.
    pub(super) fn document(&self, searcher: &Searcher, place: DocAddress) -> Result<Document, IndexError> {
        let row: TantivyDocument = searcher.doc(place).map_err(IndexError::unavailable)?;
        let stored = row.get_first(self.fields.stored).and_then(|value| value.as_bytes());
        entry::read(stored.unwrap_or_default()).map_err(IndexError::unavailable)
    }
}
