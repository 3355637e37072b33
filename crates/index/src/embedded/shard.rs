//! One tantivy index, and the writing of it.

use super::{
    columns::Opened,
    schema::{Fields, schema},
    unsynced::{Unsynced, sync},
    view::{Held, View},
};
use crate::{
    entry::{key_of, key_rated, version_of},
    meter::Applied,
};
use segue_ports::index::{IndexError, Rating, Write};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    path::{Path, PathBuf},
};
use tantivy::{
    FutureResult, Index, IndexSettings, IndexWriter, ReloadPolicy, SegmentMeta, TantivyDocument, Term,
    indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy},
};

/// Blocks of stored documents that are kept decompressed, of each segment.
const STORE_BLOCKS: usize = 4;
/// Bytes of such a block. A page of answers reads one for each.
const STORE_BLOCK: usize = 4096;
/// Segments with fewer documents are alike to the merge policy.
const SMALL_SEGMENT: u32 = 256;
/// Segments of a size that are merged into one.
const MERGED_SEGMENTS: usize = 6;

/// Segments that become one.
pub(super) struct Compaction(FutureResult<Option<SegmentMeta>>);

impl Compaction {
    /// Waits until it is done.
    pub(super) async fn done(self) -> Result<(), IndexError> {
        self.0.await.map(drop).map_err(IndexError::unavailable)
    }
}

impl std::fmt::Debug for Compaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compaction").finish_non_exhaustive()
    }
}

/// One index and its writer.
pub(super) struct Shard {
    folder: PathBuf,
    index: Index,
    view: View,
    /// There while something is being written.
    writer: Option<IndexWriter>,
    /// What the next commit will show.
    pending: HashMap<String, Held>,
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
        let settings = IndexSettings {
            docstore_compress_dedicated_thread: false,
            docstore_blocksize: STORE_BLOCK,
            ..IndexSettings::default()
        };
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
        let view = View { reader, fields, opened: Opened::default() };
        Ok(Self { folder, index, view, writer: None, pending: HashMap::new(), synced: HashSet::new() })
    }

    pub(super) fn view(&self) -> View {
        self.view.clone()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds to the next commit what is newer than what is there. Of what is new here the popularity is asked of `old`.
    pub(super) fn add(&mut self, writes: &[Write], old: Option<&View>) -> Result<Applied, IndexError> {
        let searcher = self.view.reader.searcher();
        let old = old.map(|view| (view, view.reader.searcher()));
        let mut applied = Applied::default();
        for write in writes {
            let (key, version) = (key_of(write), version_of(write));
            let there = match self.pending.get(&key) {
                Some(held) => Some(*held),
                None => self.view.held(&searcher, &key)?,
            };
            if there.is_some_and(|there| version <= there.version) {
                applied.stale += 1;
                continue;
            }
            let popularity = match (write, there, &old) {
                (Write::Delete { .. }, ..) => 0,
                (Write::Put(document), ..) if document.popularity > 0 => document.popularity,
                (Write::Put(_), Some(there), _) => there.popularity,
                (Write::Put(_), None, Some((view, searcher))) => {
                    view.held(searcher, &key)?.map_or(0, |held| held.popularity)
                }
                (Write::Put(_), None, None) => 0,
            };
            let row = self.view.fields.row(&key, write, popularity)?;
            self.replace(key, row, Held { version, popularity, place: None }, there.is_some())?;
            applied.fresh += 1;
        }
        Ok(applied)
    }

    /// Adds to the next commit what is popular in another way than before. Commits first what would be rated.
    pub(super) fn rate(&mut self, ratings: &[Rating]) -> Result<(), IndexError> {
        if ratings.iter().any(|rating| self.pending.contains_key(&key_rated(rating))) {
            self.commit()?;
        }
        let searcher = self.view.reader.searcher();
        for rating in ratings {
            let (key, popularity) = (key_rated(rating), rating.popularity);
            if self.pending.contains_key(&key) {
                // Named twice at once: the first of the batch counts, and the next batch says it again.
                continue;
            }
            let there = self.view.held(&searcher, &key)?;
            let fields = self.view.fields;
            let (row, version) = match there {
                Some(held) if held.popularity == popularity => continue,
                None if popularity == 0 => continue,
                None => (fields.grave(&key, 0, popularity), 0),
                Some(Held { version: 0, .. }) => (fields.grave(&key, 0, popularity), 0),
                Some(Held { version, place: Some(place), .. }) => {
                    match self.view.stored(&searcher, place)? {
                        Some(document) => (fields.document(&key, &document, popularity)?, version),
                        // A tombstone is not popular.
                        None => continue,
                    }
                }
                Some(Held { place: None, .. }) => continue,
            };
            self.replace(key, row, Held { version, popularity, place: None }, there.is_some())?;
        }
        Ok(())
    }

    fn replace(
        &mut self,
        key: String,
        row: TantivyDocument,
        held: Held,
        there: bool,
    ) -> Result<(), IndexError> {
        let term = Term::from_field_text(self.view.fields.key, &key);
        let writer = self.writer()?;
        if there {
            writer.delete_term(term);
        }
        writer.add_document(row).map_err(IndexError::unavailable)?;
        self.pending.insert(key, held);
        Ok(())
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
        for (key, held) in graves {
            let row = self.view.fields.grave(&key, held.version, held.popularity);
            self.replace(key, row, Held { place: None, ..held }, false)?;
        }
        self.commit()
    }

    /// Begins to make one segment of all, which goes on while others are added; `None` when there is one at most.
    /// Every search walks every segment, so this is worth its while once for an index that was just filled.
    pub(super) fn compact(&mut self) -> Result<Option<Compaction>, IndexError> {
        // Nothing else is being merged, and nothing will be until this writer rests.
        self.rest()?;
        let segments = self.index.searchable_segment_ids().map_err(IndexError::unavailable)?;
        if segments.len() < 2 {
            return Ok(None);
        }
        let writer = self.writer()?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(Some(Compaction(writer.merge(&segments))))
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
