//! The container as an edge sees it: reading, by a SAS of its own, without the account's key.

use super::{
    config::{AzureConfigError, check_container, check_endpoint},
    limits::AzureTimeouts,
    provision::AzureUnfit,
    read::Reads,
    sas_source::SasSource,
    transport::Transport,
};
use crate::SecretText;
use async_trait::async_trait;
use bytes::Bytes;
use schemars::JsonSchema;
use segue_domain::{Clock, ObjectName, Timestamp};
use segue_ports::blob::{Access, BlobError, BlobStore, BlockList, Condition, Download, Listing, Properties};
use serde::{Deserialize, Serialize};
use std::{ops::Range, path::PathBuf, sync::Arc};

/// A container that can only be read. The credential is `sas` or `sas_file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AzureReaderConfig {
    /// URL of the account's blob service, as [`AzureConfig::endpoint`](super::AzureConfig::endpoint).
    pub endpoint: String,
    /// Name of the container.
    pub container: String,
    /// Container SAS with the permission to read.
    pub sas: SecretText,
    /// File that holds the container SAS. Looked at every 3 s while it is in use: replace it to renew the SAS.
    pub sas_file: PathBuf,
    /// How long a call may take.
    pub timeouts: AzureTimeouts,
}

impl Default for AzureReaderConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            container: "segue".to_owned(),
            sas: SecretText::default(),
            sas_file: PathBuf::new(),
            timeouts: AzureTimeouts::default(),
        }
    }
}

/// A blob store that only reads; cheap to clone. Everything but `head` and `get` is [`BlobError::Unavailable`].
#[derive(Debug, Clone)]
pub struct AzureReader {
    reads: Reads,
    source: Arc<SasSource>,
}

impl AzureReader {
    /// Reads the SAS. Does not connect; see [`AzureReader::check`].
    ///
    /// # Panics
    /// When the process has no TLS provider (`rustls::crypto::CryptoProvider::install_default`).
    pub fn new(config: &AzureReaderConfig, clock: Arc<dyn Clock>) -> Result<Self, AzureConfigError> {
        config.timeouts.check()?;
        check_container(&config.container)?;
        if config.endpoint.is_empty() {
            return Err(AzureConfigError::new("endpoint", "say where the account's blob service is"));
        }
        let endpoint = check_endpoint("endpoint", &config.endpoint)?;
        let container = config.container.clone();
        let source = match (config.sas.is_empty(), config.sas_file.as_os_str().is_empty()) {
            (false, true) => SasSource::fixed(endpoint, container, &config.sas, clock)?,
            (true, false) => SasSource::file(endpoint, container, config.sas_file.clone(), clock)?,
            (true, true) => {
                return Err(AzureConfigError::new("sas_file", "there is no credential: set sas or sas_file"));
            }
            (false, false) => {
                return Err(AzureConfigError::new("sas_file", "sas is set too: keep one of them"));
            }
        };
        let transport = Transport::new(&config.timeouts)
            .map_err(|error| AzureConfigError::new("endpoint", format!("no HTTP client: {error}")))?;
        let source = Arc::new(source);
        Ok(Self { reads: Reads { transport, timeouts: config.timeouts, urls: source.clone() }, source })
    }

    /// When the SAS that is in use ends.
    pub fn expires(&self) -> Timestamp {
        self.source.expires()
    }

    /// Whether the container is there and the SAS opens it. For the start of a process.
    pub async fn check(&self) -> Result<(), AzureUnfit> {
        let (endpoint, container) = (self.source.endpoint.as_str(), &self.source.container);
        // The SAS allows nothing but reading objects, so one is read that is not there.
        let nothing: ObjectName = "check/nothing".parse().map_err(|_| AzureUnfit::Other {
            endpoint: endpoint.to_owned(),
            why: "the name of an object is not allowed".to_owned(),
        })?;
        match self.reads.head(&nothing, None).await {
            Err(failure) if failure.status() != 404 || failure.code() == "ContainerNotFound" => {
                Err(AzureUnfit::new(&failure, endpoint, container, "sas"))
            }
            _ => Ok(()),
        }
    }
}

fn read_only(what: &str) -> BlobError {
    BlobError::unavailable(format!(
        "this process may only read objects, not {what}: it has a SAS for reading"
    ))
}

#[async_trait]
impl BlobStore for AzureReader {
    async fn sign(&self, _: &ObjectName, _: Access, _: Timestamp, _: &str) -> Result<String, BlobError> {
        Err(read_only("sign URLs"))
    }
    async fn block_list(&self, _: &ObjectName) -> Result<BlockList, BlobError> {
        Err(read_only("list blocks"))
    }
    async fn commit(
        &self,
        _: &ObjectName,
        _: &[String],
        _: &str,
        _: Condition,
    ) -> Result<Properties, BlobError> {
        Err(read_only("commit them"))
    }
    async fn put(&self, _: &ObjectName, _: &str, _: Bytes, _: Condition) -> Result<Properties, BlobError> {
        Err(read_only("put them"))
    }
    async fn head(&self, object: &ObjectName) -> Result<Properties, BlobError> {
        self.reads.head(object, None).await.map_err(|failure| failure.of(object))
    }
    async fn get(
        &self,
        object: &ObjectName,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        self.reads.get(object, range, if_match).await
    }
    async fn delete(&self, _: &ObjectName) -> Result<(), BlobError> {
        Err(read_only("delete them"))
    }
    async fn list(&self, _: &str, _: Option<&str>) -> Result<Listing, BlobError> {
        Err(read_only("list them"))
    }
}
