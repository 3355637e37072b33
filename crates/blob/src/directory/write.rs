//! Storing a block, committing blocks, putting and removing an object.

use super::{
    Directory, Inner,
    blocks::{BlockId, MAX_BLOCKS},
    conditions::Conditions,
    error::EngineError,
    intent::{Intent, drop_blocks},
    layout::{create_folders, move_into, sync_folder},
    stored::{Content, Part, Stored, new_etag},
};
use segue_domain::ObjectName;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use uuid::Uuid;

/// Where a commit looks for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockSource {
    /// Among the uncommitted, then among the committed.
    Latest,
    Uncommitted,
    Committed,
}

/// One entry of a block list.
#[derive(Debug, Clone)]
pub(crate) struct BlockRef {
    pub(crate) source: BlockSource,
    pub(crate) id: BlockId,
}

/// What a write says of the object beside its bytes.
#[derive(Debug, Clone)]
pub(crate) struct NewObject {
    pub(crate) content_type: String,
    /// Base64, for readers.
    pub(crate) content_md5: Option<String>,
    /// The largest object in bytes.
    pub(crate) limit: u64,
    pub(crate) conditions: Conditions,
}

impl Directory {
    /// Whether a block may come: asked before its bytes are read.
    pub(crate) async fn check_block(
        &self,
        object: &ObjectName,
        id: BlockId,
        size: u64,
        limit: u64,
    ) -> Result<(), EngineError> {
        let name = object.clone();
        self.alone(object, move |inner| inner.blocks.check(&name, &id, size, limit)).await
    }

    /// Makes the written file a block of the object. It is durable when this returns.
    pub(crate) async fn store_block(
        &self,
        object: &ObjectName,
        id: BlockId,
        file: NamedTempFile,
        size: u64,
        limit: u64,
    ) -> Result<(), EngineError> {
        let file = self
            .blocking::<_, EngineError>(move |_| {
                file.as_file().sync_all()?;
                Ok(file.into_temp_path())
            })
            .await?;
        let name = object.clone();
        let folder = self.alone(object, move |inner| inner.blocks.add(&name, id, file, size, limit)).await?;
        // Blocks of one object arrive side by side; they wait for the disk side by side as well.
        self.blocking(move |inner| {
            folder.sync_all()?;
            metrics::counter!("segue_blob_blocks_total").increment(1);
            (inner.crash)("blob-block-fsynced");
            Ok(())
        })
        .await
    }

    /// Makes the object out of blocks, at once, and drops the uncommitted ones.
    pub(crate) async fn commit_blocks(
        &self,
        object: &ObjectName,
        list: Vec<BlockRef>,
        new: NewObject,
    ) -> Result<Stored, EngineError> {
        let name = object.clone();
        self.alone(object, move |inner| inner.commit(&name, &list, new)).await
    }

    /// Makes the written file the object, at once, and drops uncommitted blocks.
    pub(crate) async fn put_file(
        &self,
        object: &ObjectName,
        file: NamedTempFile,
        size: u64,
        new: NewObject,
    ) -> Result<Stored, EngineError> {
        let name = object.clone();
        self.alone(object, move |inner| {
            if size > new.limit {
                return Err(EngineError::TooLarge(new.limit));
            }
            let current = inner.current(&name)?;
            new.conditions.check_write(current.as_ref())?;
            let stored = inner.describe(new, size, Content::Inline);
            inner.replace(&name, current, &stored, file, "blob-put-done")?;
            Ok(stored)
        })
        .await
    }

    /// Removes the object and its uncommitted blocks. Says whether there was an object.
    pub(crate) async fn remove(
        &self,
        object: &ObjectName,
        conditions: Conditions,
    ) -> Result<bool, EngineError> {
        let name = object.clone();
        self.alone(object, move |inner| {
            let current = inner.current(&name)?;
            conditions.check_write(current.as_ref())?;
            inner.remove(&name, current.as_ref())?;
            Ok(current.is_some())
        })
        .await
    }
}

impl Inner {
    pub(super) fn current(&self, object: &ObjectName) -> Result<Option<Stored>, EngineError> {
        Ok(Stored::open(&self.layout.object(object)?)?.map(|(_, stored)| stored))
    }

    fn describe(&self, new: NewObject, size: u64, content: Content) -> Stored {
        Stored {
            etag: new_etag(),
            size,
            content_type: new.content_type,
            content_md5: new.content_md5,
            modified: self.clock.now(),
            content,
        }
    }

    fn commit(&self, object: &ObjectName, list: &[BlockRef], new: NewObject) -> Result<Stored, EngineError> {
        let current = self.current(object)?;
        new.conditions.check_write(current.as_ref())?;
        if list.len() > MAX_BLOCKS {
            return Err(EngineError::TooManyBlocks);
        }
        let (parts, files): (Vec<_>, Vec<_>) =
            self.resolve(object, list, current.as_ref())?.into_iter().unzip();
        let size = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.size));
        if size > new.limit {
            return Err(EngineError::TooLarge(new.limit));
        }
        if parts.is_empty() {
            let stored = self.describe(new, 0, Content::Inline);
            self.replace(object, current, &stored, self.new_file()?, "blob-list-committed")?;
            return Ok(stored);
        }
        let version = Uuid::new_v4();
        let stored = self.describe(new, size, Content::Parts { version, parts });
        let result = (|| {
            Intent::begin(&self.layout, version, object, Some(&stored.etag))?;
            self.link(version, &files)?;
            (self.crash)("blob-blocks-linked");
            self.replace(object, current, &stored, self.new_file()?, "blob-list-committed")
        })();
        if result.is_err() {
            self.blocks.forget(object);
        }
        if let Err(error) = Intent::settle(&self.layout, version) {
            tracing::warn!(%error, "cannot clean up after a commit; the next open tries again");
        }
        result.map(|()| stored)
    }

    /// The parts that the list names, and where their files are.
    fn resolve(
        &self,
        object: &ObjectName,
        list: &[BlockRef],
        current: Option<&Stored>,
    ) -> Result<Vec<(Part, PathBuf)>, EngineError> {
        let staged = self.blocks.of(object)?;
        let folder = self.layout.blocks(object)?;
        let committed = |id: &str| {
            let stored = current?;
            let index = stored.parts().iter().position(|part| part.id == id)?;
            let file = self.layout.version(stored.version()?).join(index.to_string());
            Some((stored.parts()[index].clone(), file))
        };
        list.iter()
            .map(|BlockRef { source, id }| {
                let uncommitted = || {
                    let size = *staged.sizes.get(id)?;
                    Some((Part { id: id.base64(), size }, folder.join(id.file_name())))
                };
                match source {
                    BlockSource::Uncommitted => uncommitted(),
                    BlockSource::Committed => committed(&id.base64()),
                    BlockSource::Latest => uncommitted().or_else(|| committed(&id.base64())),
                }
                .ok_or(EngineError::InvalidBlockList)
            })
            .collect()
    }

    /// Gives every file a second name in the version's folder. The blocks stay where they are until the commit is
    /// durable, so a crash in between loses nothing.
    fn link(&self, version: Uuid, files: &[PathBuf]) -> Result<(), EngineError> {
        let folder = self.layout.version(version);
        create_folders(&folder)?;
        for (index, file) in files.iter().enumerate() {
            let part = folder.join(index.to_string());
            match fs::hard_link(file, &part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(EngineError::InvalidBlockList);
                }
                // A file system without hard links, or a file with too many.
                Err(_) => {
                    fs::copy(file, &part)?;
                    fs::File::open(&part)?.sync_all()?;
                }
                Ok(()) => {}
            }
        }
        Ok(sync_folder(&folder)?)
    }

    /// Makes `stored` the object. `file` holds its bytes, or none.
    fn replace(
        &self,
        object: &ObjectName,
        current: Option<Stored>,
        stored: &Stored,
        mut file: NamedTempFile,
        point: &'static str,
    ) -> Result<(), EngineError> {
        let path = self.layout.object(object)?;
        stored.finish(file.as_file_mut())?;
        let cleaning = self.begin_cleaning(object, current.as_ref(), &stored.etag)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let file = file.into_temp_path();
        move_into(&file, folder, &path)?;
        let _ = file.keep();
        sync_folder(folder)?;
        (self.crash)(point);
        self.clean(object, cleaning)
    }

    fn remove(&self, object: &ObjectName, current: Option<&Stored>) -> Result<(), EngineError> {
        let cleaning = self.begin_cleaning(object, current, "")?;
        let path = self.layout.object(object)?;
        if current.is_some() {
            fs::remove_file(&path)?;
            if let Some(folder) = path.parent() {
                match sync_folder(folder) {
                    // Its last object went at the same time, and the folder with it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    synced => synced?,
                }
                self.layout.prune(folder, &self.layout.objects());
            }
        }
        self.clean(object, cleaning)
    }

    /// Notes what will be garbage when the object has the ETag `then`.
    fn begin_cleaning(
        &self,
        object: &ObjectName,
        current: Option<&Stored>,
        then: &str,
    ) -> Result<Cleaning, EngineError> {
        let retired = current.and_then(Stored::version);
        if let Some(version) = retired {
            Intent::begin(&self.layout, version, object, None)?;
        }
        let blocks = match fs::symlink_metadata(self.layout.blocks(object)?) {
            Ok(_) => Some(Uuid::new_v4()),
            Err(_) => None,
        };
        if let Some(id) = blocks {
            Intent::begin(&self.layout, id, object, Some(then))?;
        }
        Ok(Cleaning { retired, blocks })
    }

    fn clean(&self, object: &ObjectName, cleaning: Cleaning) -> Result<(), EngineError> {
        if let Some(id) = cleaning.blocks {
            self.blocks.forget(object);
            drop_blocks(&self.layout, object)?;
            Intent::end(&self.layout, id);
        }
        if let Some(version) = cleaning.retired {
            self.readers.retire(object, version);
        }
        Ok(())
    }
}

/// What a change leaves behind.
struct Cleaning {
    /// The version that was current.
    retired: Option<Uuid>,
    /// The note about uncommitted blocks, if there are any.
    blocks: Option<Uuid>,
}
