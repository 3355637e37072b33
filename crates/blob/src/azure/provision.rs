//! What an account needs before the first upload, and whether it is there.

use super::{Azure, failure::Failure, limits::Call, transport};
use azure_storage::prelude::{AccountSasPermissions, AccountSasResourceType, SasToken};
use quick_xml::escape::escape;
use reqwest::Method;
use time::OffsetDateTime;

/// Headers that web pages may read from answers.
const EXPOSED: &str = "accept-ranges,content-length,content-range,content-type,date,etag,last-modified,\
                       x-ms-blob-content-md5,x-ms-blob-type,x-ms-client-request-id,x-ms-content-crc64,\
                       x-ms-error-code,x-ms-request-id,x-ms-version";
/// How long the right to set properties lasts.
const LIFE: time::Duration = time::Duration::minutes(15);

/// Why an account cannot be used, for the one who has to change that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AzureUnfit {
    /// Nobody is there.
    #[error("cannot reach the blob store at {endpoint}: {why}; check endpoint and the network")]
    Unreachable {
        /// The URL that was tried.
        endpoint: String,
        /// What happened.
        why: String,
    },
    /// The account refuses the key or the SAS.
    #[error(
        "the blob store at {endpoint} refuses us ({code}); check {credential} and account, then this machine's clock \
         and the account's firewall"
    )]
    Credential {
        /// The URL that was tried.
        endpoint: String,
        /// The setting: `key` or `sas`.
        credential: &'static str,
        /// Azure's error code.
        code: String,
    },
    /// The account is good, and the container is not there.
    #[error("there is no container {container} at {endpoint}; check container, or run 'segue provision'")]
    NoContainer {
        /// The URL that was tried.
        endpoint: String,
        /// The container's name.
        container: String,
    },
    /// Something else, such as a firewall or a URL that belongs to another service.
    #[error("the blob store at {endpoint} cannot be used: {why}; check endpoint and account")]
    Other {
        /// The URL that was tried.
        endpoint: String,
        /// What it said.
        why: String,
    },
}

impl AzureUnfit {
    /// The setting to look at first, as in [`AzureConfig`](super::AzureConfig).
    pub fn key(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::Other { .. } => "endpoint",
            Self::Credential { credential, .. } => credential,
            Self::NoContainer { .. } => "container",
        }
    }

    /// Whether waiting may help: the service may still be starting.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    pub(super) fn new(failure: &Failure, endpoint: &str, container: &str, credential: &'static str) -> Self {
        let endpoint = endpoint.to_owned();
        match (failure.status(), failure.code()) {
            (0, _) if failure.is_transient() => Self::Unreachable { endpoint, why: failure.to_string() },
            (500.., _) => Self::Unreachable { endpoint, why: failure.to_string() },
            (404, "ContainerNotFound") => Self::NoContainer { endpoint, container: container.to_owned() },
            (401 | 403, code) => Self::Credential { endpoint, credential, code: code.to_owned() },
            _ => Self::Other { endpoint, why: failure.to_string() },
        }
    }
}

impl Azure {
    /// Whether the account is there, takes our key, and has the container. For the start of a process.
    pub async fn check(&self) -> Result<(), AzureUnfit> {
        let call = Call::new("check", None);
        let found =
            self.timeouts().run(call, || async { Ok(self.container().get_properties().await?) }).await;
        found.map(drop).map_err(|failed| self.unfit(&failed.failure))
    }

    /// Makes the container, and lets web pages of the configured origins use signed URLs. Changes nothing when
    /// called again.
    pub async fn provision(&self) -> Result<(), AzureUnfit> {
        let created = self
            .timeouts()
            .run(Call::new("create_container", None), || async { Ok(self.container().create().await?) })
            .await;
        match created {
            Err(failed) if failed.failure.code() != "ContainerAlreadyExists" => {
                return Err(self.unfit(&failed.failure));
            }
            _ => {}
        }
        if self.cors_origins().is_empty() {
            return Ok(());
        }
        let set = self.timeouts().run(Call::new("set_cors", None), || self.set_cors()).await;
        set.map_err(|failed| self.unfit(&failed.failure))
    }

    /// The crate can read the service's properties and not set them.
    async fn set_cors(&self) -> Result<(), Failure> {
        let service = self.container().service_client();
        let may = AccountSasPermissions { read: true, write: true, ..AccountSasPermissions::default() };
        let sas = service.shared_access_signature(
            AccountSasResourceType::Service,
            OffsetDateTime::now_utc() + LIFE,
            may,
        );
        let mut url = service.url()?;
        url.set_query(Some(&sas.await?.token()?));
        url.query_pairs_mut().append_pair("restype", "service").append_pair("comp", "properties");
        let request = self.transport().request(Method::PUT, url).body(cors(self.cors_origins()));
        transport::send(request).await.map(drop)
    }

    fn unfit(&self, failure: &Failure) -> AzureUnfit {
        let (endpoint, container) = (self.signer().endpoint.as_str(), self.container().container_name());
        AzureUnfit::new(failure, endpoint, container, "key")
    }
}

/// Service properties with one CORS rule. Properties that are not in it stay as they are.
fn cors(origins: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><StorageServiceProperties><Cors><CorsRule>\
         <AllowedOrigins>{}</AllowedOrigins><AllowedMethods>GET,HEAD,PUT,OPTIONS</AllowedMethods>\
         <AllowedHeaders>*</AllowedHeaders><ExposedHeaders>{EXPOSED}</ExposedHeaders>\
         <MaxAgeInSeconds>86400</MaxAgeInSeconds></CorsRule></Cors></StorageServiceProperties>",
        escape(origins.join(",")),
    )
}
