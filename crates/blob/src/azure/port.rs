//! The account's container as a blob store of the port.

use super::Azure;
use async_trait::async_trait;
use bytes::Bytes;
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{Access, BlobError, BlobStore, BlockList, Condition, Download, Listing, Properties};
use std::ops::Range;

#[async_trait]
impl BlobStore for Azure {
    async fn sign(
        &self,
        object: &ObjectName,
        access: Access,
        expires: Timestamp,
        _origin: &str,
    ) -> Result<String, BlobError> {
        self.signed_url(object, access, expires).await.map_err(BlobError::unavailable)
    }

    async fn block_list(&self, object: &ObjectName) -> Result<BlockList, BlobError> {
        self.blocks(object).await.map_err(|failure| failure.of(object))
    }

    async fn commit(
        &self,
        object: &ObjectName,
        block_ids: &[String],
        content_type: &str,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        self.commit_blocks(object, block_ids, content_type, &condition).await
    }

    async fn put(
        &self,
        object: &ObjectName,
        content_type: &str,
        bytes: Bytes,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        self.put_object(object, content_type, bytes, &condition).await
    }

    async fn head(&self, object: &ObjectName) -> Result<Properties, BlobError> {
        self.reads().head(object, None).await.map_err(|failure| failure.of(object))
    }

    async fn get(
        &self,
        object: &ObjectName,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        self.reads().get(object, range, if_match).await
    }

    async fn delete(&self, object: &ObjectName) -> Result<(), BlobError> {
        self.remove(object).await.map_err(|failure| failure.of(object))
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Listing, BlobError> {
        self.names(prefix, after).await.map_err(BlobError::unavailable)
    }
}
