//! Writing objects, by the crate.

use super::{
    Azure,
    failure::Failure,
    limits::{Call, Failed},
};
use azure_core::prelude::IfMatchCondition;
use azure_storage_blobs::prelude::{BlobBlockType, BlobClient, BlockList as Commit, BlockListType, Hash};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use md5::{Digest, Md5};
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{BlobError, Block, BlockList, Condition, Properties};
use time::OffsetDateTime;

impl Azure {
    fn blob(&self, object: &ObjectName) -> BlobClient {
        self.container().blob_client(object.as_str())
    }

    /// Uncommitted blocks, and the ETag of the committed object that they stand beside.
    async fn uncommitted(&self, object: &ObjectName) -> Result<(Vec<Block>, Option<String>), Failure> {
        let listed = self
            .timeouts()
            .run(Call::new("block_list", object), || async {
                let list = self.blob(object).get_block_list().block_list_type(BlockListType::Uncommitted);
                Ok(list.await?)
            })
            .await
            .map_err(Failure::from);
        let listed = match listed {
            Err(Failure::Refused { status: 404, code }) if code == "BlobNotFound" => {
                return Ok((Vec::new(), None));
            }
            listed => listed?,
        };
        let mut blocks: Vec<_> = listed
            .block_with_size_list
            .blocks
            .into_iter()
            .filter_map(|block| match block.block_list_type {
                BlobBlockType::Uncommitted(id) => {
                    Some(Block { id: STANDARD.encode(id.bytes()), size: block.size_in_bytes })
                }
                BlobBlockType::Committed(_) | BlobBlockType::Latest(_) => None,
            })
            .collect();
        // Services list them in the order of arrival, or in none.
        blocks.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok((blocks, listed.etag))
    }

    pub(super) async fn blocks(&self, object: &ObjectName) -> Result<BlockList, Failure> {
        // In this order: a commit in between shows blocks too many, not a vanished upload.
        let (mut uncommitted, beside) = self.uncommitted(object).await?;
        let committed = match self.reads().head(object, None).await {
            Ok(properties) => Some(properties),
            Err(Failure::Refused { status: 404, code }) if code != "ContainerNotFound" => None,
            Err(failure) => return Err(failure),
        };
        let etag = committed.as_ref().map(|properties| properties.etag.as_str());
        if !uncommitted.is_empty() && etag.is_some() && etag != beside.as_deref() {
            (uncommitted, _) = self.uncommitted(object).await?;
        }
        Ok(BlockList { uncommitted, committed })
    }

    pub(super) async fn commit_blocks(
        &self,
        object: &ObjectName,
        ids: &[String],
        content_type: &str,
        condition: &Condition,
    ) -> Result<Properties, BlobError> {
        let blocks = ids.iter().map(|id| STANDARD.decode(id).map(BlobBlockType::new_uncommitted));
        let blocks = blocks.collect::<Result<Vec<_>, _>>().map_err(|_| BlobError::InvalidBlockList)?;
        let list = Commit { blocks };
        let call = Call { bytes: ids.len() * 100, repeatable: false, ..Call::new("commit", object) };
        let attempt = || async {
            let mut commit =
                self.blob(object).put_block_list(list.clone()).content_type(content_type.to_owned());
            if let Some(absent) = absent(condition) {
                commit = commit.if_match(absent);
            }
            Ok(commit.await?)
        };
        let made = self.timeouts().run(call, attempt).await;
        let made = made.map_err(|failed| refused(failed.failure, condition, object))?;
        // The answer does not say how large the object is.
        let head = self.reads().head(object, Some(&made.etag)).await;
        head.map_err(|failure| failure.of(object))
    }

    pub(super) async fn put_object(
        &self,
        object: &ObjectName,
        content_type: &str,
        bytes: Bytes,
        condition: &Condition,
    ) -> Result<Properties, BlobError> {
        let digest: [u8; 16] = Md5::digest(&bytes).into();
        let size = bytes.len() as u64;
        let call = Call { bytes: bytes.len(), ..Call::new("put", object) };
        let attempt = || async {
            let mut put = self
                .blob(object)
                .put_block_blob(bytes.clone())
                .content_type(content_type.to_owned())
                .hash(Hash::MD5(digest));
            if let Some(absent) = absent(condition) {
                put = put.if_match(absent);
            }
            Ok(put.await?)
        };
        match self.timeouts().run(call, attempt).await {
            Ok(made) => Ok(Properties {
                etag: made.etag,
                size,
                content_type: content_type.to_owned(),
                modified: timestamp(made.last_modified),
            }),
            Err(Failed { failure, may_be_done }) => {
                let error = refused(failure, condition, object);
                if may_be_done && matches!(error, BlobError::Exists(_)) {
                    // The answer to an earlier try was lost. When the same bytes are there, it was ours.
                    if let Some(ours) = self.same(object, content_type, &digest).await? {
                        return Ok(ours);
                    }
                }
                Err(error)
            }
        }
    }

    /// The object, if it has this type and these bytes.
    async fn same(
        &self,
        object: &ObjectName,
        content_type: &str,
        digest: &[u8; 16],
    ) -> Result<Option<Properties>, BlobError> {
        let found = self
            .timeouts()
            .run(Call::new("head", object), || async { Ok(self.blob(object).get_properties().await?) })
            .await
            .map_err(|failed| failed.failure.of(object))?;
        let found = found.blob.properties;
        let same_bytes = found.content_md5.is_some_and(|md5| md5.as_slice() == digest);
        if !same_bytes || found.content_type != content_type {
            return Ok(None);
        }
        let properties = self.reads().head(object, None).await.map_err(|failure| failure.of(object))?;
        Ok(Some(properties))
    }

    pub(super) async fn remove(&self, object: &ObjectName) -> Result<(), Failure> {
        self.remove_committed(object).await?;
        // Blocks that no commit has taken stay behind, for a week. A commit of nothing drops them.
        let (uncommitted, _) = self.uncommitted(object).await?;
        if uncommitted.is_empty() {
            return Ok(());
        }
        let emptied = self
            .timeouts()
            .run(Call::new("drop_blocks", object), || async {
                Ok(self.blob(object).put_block_list(Commit::default()).await?)
            })
            .await;
        emptied?;
        self.remove_committed(object).await
    }

    async fn remove_committed(&self, object: &ObjectName) -> Result<(), Failure> {
        let deleted = self
            .timeouts()
            .run(Call::new("delete", object), || async { Ok(self.blob(object).delete().await?) })
            .await;
        match deleted.map_err(Failure::from) {
            Err(Failure::Refused { status: 404, code }) if code == "BlobNotFound" => Ok(()),
            deleted => deleted.map(drop),
        }
    }
}

fn absent(condition: &Condition) -> Option<IfMatchCondition> {
    match condition {
        Condition::Always => None,
        Condition::IfAbsent => Some(IfMatchCondition::NotMatch("*".to_owned())),
    }
}

/// A write's failure in the port's terms.
fn refused(failure: Failure, condition: &Condition, object: &ObjectName) -> BlobError {
    match (condition, failure.status()) {
        // Services differ in how they say it.
        (Condition::IfAbsent, 412) => BlobError::Exists(object.clone()),
        _ => failure.of(object),
    }
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::from_seconds(time.unix_timestamp())
}
