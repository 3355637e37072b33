//! Azure Blob Storage and what speaks its REST calls (Azurite), by `azure_storage_blobs` where that is sound.
//!
//! The crate signs and writes. Reads, lists and CORS go by SAS over the same connections, for what the crate does
//! there fails on some services (see [`read`], [`list`], [`provision`]). Its retries, which go on for a minute and
//! more, are off; ours are in [`limits`].
//!
//! At debug level azure_core logs the header that signs a request (RUSTSEC-2026-0275). Whoever sets up logging
//! must end the filter with `azure_core=info`.

mod config;
mod connection;
mod failure;
mod limits;
mod list;
mod port;
mod provision;
mod read;
mod reader;
mod resume;
mod sas;
mod sas_source;
mod transport;
mod write;

pub use config::{AzureConfig, AzureConfigError};
pub use limits::AzureTimeouts;
pub use provision::AzureUnfit;
pub use reader::{AzureReader, AzureReaderConfig};

use azure_core::{RetryOptions, TransportOptions, auth::Secret};
use azure_storage::{CloudLocation, StorageCredentials};
use azure_storage_blobs::prelude::{ClientBuilder, ContainerClient};
use read::Reads;
use sas::Signer;
use segue_domain::Clock;
use std::{fmt, sync::Arc};
use transport::Transport;

/// The service version that requests by SAS name; the crate's.
const VERSION: &str = "2022-11-02";

/// A container of a storage account, with the account's key; cheap to clone.
///
/// Objects larger than an upload's limit cannot be refused early: whoever completes the upload checks its size.
#[derive(Clone)]
pub struct Azure(Arc<Inner>);

struct Inner {
    signer: Signer,
    reads: Reads,
    cors_origins: Vec<String>,
}

impl Azure {
    /// Reads the files that the configuration names. Does not connect; see [`Azure::check`].
    ///
    /// # Panics
    /// When the process has no TLS provider (`rustls::crypto::CryptoProvider::install_default`).
    pub fn new(config: &AzureConfig, clock: Arc<dyn Clock>) -> Result<Self, AzureConfigError> {
        config.timeouts.check()?;
        let account = config.account()?;
        let transport = Transport::new(&config.timeouts)
            .map_err(|error| AzureConfigError::new("endpoint", format!("no HTTP client: {error}")))?;
        let credentials =
            StorageCredentials::access_key(account.name.clone(), Secret::new(account.key.to_base64()));
        let uri = account.endpoint.as_str().trim_end_matches('/').to_owned();
        let location = CloudLocation::Custom { account: account.name, uri };
        let container = ClientBuilder::with_location(location, credentials)
            .retry(RetryOptions::none())
            .transport(TransportOptions::new(Arc::new(transport.clone())))
            .container_client(&config.container);
        let signer =
            Signer { container, endpoint: account.endpoint, public_endpoint: account.public_endpoint, clock };
        let reads = Reads { transport, timeouts: config.timeouts, urls: Arc::new(signer.clone()) };
        Ok(Self(Arc::new(Inner { signer, reads, cors_origins: config.cors_origins.clone() })))
    }

    fn signer(&self) -> &Signer {
        &self.0.signer
    }
    fn container(&self) -> &ContainerClient {
        &self.0.signer.container
    }
    fn reads(&self) -> &Reads {
        &self.0.reads
    }
    fn transport(&self) -> &Transport {
        &self.0.reads.transport
    }
    fn timeouts(&self) -> &AzureTimeouts {
        &self.0.reads.timeouts
    }
    fn cors_origins(&self) -> &[String] {
        &self.0.cors_origins
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure")
            .field("endpoint", &self.0.signer.endpoint.as_str())
            .field("container", &self.0.signer.container.container_name())
            .finish_non_exhaustive()
    }
}
