//! The blob store: block uploads by signed URL, immutable media, conditional reads.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use segue_domain::{ObjectName, Timestamp};
use std::{ops::Range, sync::Arc};

/// The stream of an object's bytes.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// What a signed URL allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Put Block, Put Block List, Put Blob (Azure permissions `cw`). Never reads, never deletes.
    Upload {
        /// The largest object in bytes. Engines that can refuse a larger one early do so; others cannot, so
        /// whoever completes the upload checks again.
        max_bytes: u64,
    },
    /// Get Blob and its properties (`r`).
    Read,
}

/// What a write asks of the object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There must be none (If-None-Match: *).
    IfAbsent,
}

/// A block that is stored and not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The id as the client gave it, base64.
    pub id: String,
    /// Bytes.
    pub size: u64,
}

/// What the store knows of an object that is being uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockList {
    /// Stored blocks that no commit has taken, in no particular order.
    pub uncommitted: Vec<Block>,
    /// The object, when one is committed.
    pub committed: Option<Properties>,
}

/// A committed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// Changes with every commit, quoted as in HTTP.
    pub etag: String,
    /// Bytes.
    pub size: u64,
    /// Media type.
    pub content_type: String,
    /// When it was committed.
    pub modified: Timestamp,
}

/// Bytes of an object, or of a part of it.
pub struct Download {
    /// The whole object's properties.
    pub properties: Properties,
    /// Which bytes these are, of `properties.size`.
    pub range: Range<u64>,
    /// The bytes.
    pub body: ByteStream,
}

/// A page of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Committed objects and objects with uncommitted blocks, ascending by name.
    pub objects: Vec<ObjectName>,
    /// Pass it to the next call; `None` on the last page.
    pub next: Option<String>,
}

/// What a caller of the blob store can do about an error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// There is no such object.
    #[error("there is no object {0}")]
    NotFound(ObjectName),
    /// If-Match did not hold: the object is another one now.
    #[error("object {0} has changed")]
    Changed(ObjectName),
    /// [`Condition::IfAbsent`] did not hold.
    #[error("object {0} is already there")]
    Exists(ObjectName),
    /// A commit named a block that is not stored.
    #[error("block list names blocks that are not stored")]
    InvalidBlockList,
    /// The range begins behind the end of the object, which has this size in bytes.
    #[error("range begins behind the end ({0} bytes)")]
    OutOfRange(u64),
    /// The object is larger than allowed, in bytes.
    #[error("object is larger than {0} bytes")]
    TooLarge(u64),
    /// The engine is away, slow or broken: try again.
    #[error("blob store is unavailable: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
}

impl BlobError {
    /// An engine's failure.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(source.into()))
    }
}

/// A blob store. Every method may be called again after any failure.
#[async_trait]
pub trait BlobStore: std::fmt::Debug + Send + Sync + 'static {
    /// A URL that allows `access` to one object until `expires` (whole seconds). `origin` is the scheme and authority
    /// under which the caller reached us (`http://192.168.1.7:4420`); engines with an address of their own ignore it.
    async fn sign(
        &self,
        object: &ObjectName,
        access: Access,
        expires: Timestamp,
        origin: &str,
    ) -> Result<String, BlobError>;

    /// Stored blocks and the committed object; empty when nothing is there.
    async fn block_list(&self, object: &ObjectName) -> Result<BlockList, BlobError>;

    /// Makes the object out of uncommitted blocks, in this order, at once; drops the other blocks.
    async fn commit(
        &self,
        object: &ObjectName,
        block_ids: &[String],
        content_type: &str,
        condition: Condition,
    ) -> Result<Properties, BlobError>;

    /// Stores a small object at once.
    async fn put(
        &self,
        object: &ObjectName,
        content_type: &str,
        bytes: Bytes,
        condition: Condition,
    ) -> Result<Properties, BlobError>;

    /// The committed object's properties.
    async fn head(&self, object: &ObjectName) -> Result<Properties, BlobError>;

    /// The object, or the part of it in `range` (cut at the end of the object), if it still has the ETag `if_match`.
    async fn get(
        &self,
        object: &ObjectName,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError>;

    /// Removes the object and its uncommitted blocks. Removing nothing is no error.
    async fn delete(&self, object: &ObjectName) -> Result<(), BlobError>;

    /// Names that begin with `prefix`, from `after` (a previous page's `next`) on; at most 1,000.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Listing, BlobError>;
}
