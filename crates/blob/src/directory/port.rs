//! The engine as a blob store of the port.

use super::{
    BlockRef, BlockSource, Conditions, Directory, EngineError, NewObject, Tags, blocks::BlockId,
    conditions::ReadCheck,
};
use async_trait::async_trait;
use bytes::Bytes;
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{
    Access, BlobError, BlobStore, Block, BlockList, Condition, Download, Listing, Properties,
};
use std::{io::Write, ops::Range};

impl Directory {
    fn new_object(&self, content_type: &str, condition: &Condition) -> NewObject {
        NewObject {
            content_type: content_type.to_owned(),
            content_md5: None,
            limit: self.max_object_bytes(),
            conditions: Conditions {
                if_none_match: matches!(condition, Condition::IfAbsent).then_some(Tags::Any),
                ..Conditions::default()
            },
        }
    }
}

#[async_trait]
impl BlobStore for Directory {
    async fn sign(
        &self,
        object: &ObjectName,
        access: Access,
        expires: Timestamp,
        origin: &str,
    ) -> Result<String, BlobError> {
        Ok(self.signer().url(object, access, expires, origin))
    }

    async fn block_list(&self, object: &ObjectName) -> Result<BlockList, BlobError> {
        let (uncommitted, committed) = self.block_lists(object).await.map_err(|error| error.of(object))?;
        Ok(BlockList { uncommitted, committed: committed.map(|stored| stored.properties()) })
    }

    async fn commit(
        &self,
        object: &ObjectName,
        block_ids: &[String],
        content_type: &str,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        let list = block_ids
            .iter()
            .map(|id| {
                let id = BlockId::parse(id).ok_or(BlobError::InvalidBlockList)?;
                Ok(BlockRef { source: BlockSource::Uncommitted, id })
            })
            .collect::<Result<_, BlobError>>()?;
        let stored = self.commit_blocks(object, list, self.new_object(content_type, &condition)).await;
        Ok(stored.map_err(|error| error.of(object))?.properties())
    }

    async fn put(
        &self,
        object: &ObjectName,
        content_type: &str,
        bytes: Bytes,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        let size = bytes.len() as u64;
        let put = async {
            let file = self
                .blocking::<_, EngineError>(move |inner| {
                    let mut file = inner.new_file()?;
                    file.as_file_mut().write_all(&bytes)?;
                    Ok(file)
                })
                .await?;
            self.put_file(object, file, size, self.new_object(content_type, &condition)).await
        };
        Ok(put.await.map_err(|error| error.of(object))?.properties())
    }

    async fn head(&self, object: &ObjectName) -> Result<Properties, BlobError> {
        let stored = self.stat(object).await.map_err(|error| error.of(object))?;
        Ok(stored.ok_or_else(|| BlobError::NotFound(object.clone()))?.properties())
    }

    async fn get(
        &self,
        object: &ObjectName,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        let conditions = Conditions { if_match: if_match.map(Tags::parse), ..Conditions::default() };
        let fetched = self.fetch(object, move |stored| {
            if conditions.check_read(stored) != ReadCheck::Send {
                return Err(EngineError::ConditionNotMet);
            }
            let range = range.unwrap_or(0..stored.size);
            // The beginning of an empty object is no error: there is nothing to ask for in another way.
            if range.start >= stored.size && range.start > 0 {
                return Err(EngineError::OutOfRange(stored.size));
            }
            Ok(range.start..range.end.min(stored.size).max(range.start))
        });
        let fetched = fetched.await.map_err(|error| error.of(object))?;
        Ok(Download {
            properties: fetched.stored.properties(),
            range: fetched.range,
            body: fetched.body.into_stream(),
        })
    }

    async fn delete(&self, object: &ObjectName) -> Result<(), BlobError> {
        self.remove(object, Conditions::default()).await.map(drop).map_err(|error| error.of(object))
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Listing, BlobError> {
        self.names(prefix, after).await.map_err(BlobError::unavailable)
    }
}

impl Directory {
    /// Uncommitted blocks and the committed object.
    pub(crate) async fn block_lists(
        &self,
        object: &ObjectName,
    ) -> Result<(Vec<Block>, Option<super::Stored>), EngineError> {
        let name = object.clone();
        self.alone(object, move |inner| {
            let blocks = inner.blocks.of(&name)?;
            let blocks = blocks.sizes.iter().map(|(id, size)| Block { id: id.base64(), size: *size });
            Ok((blocks.collect(), inner.current(&name)?))
        })
        .await
    }
}
