//! Signing, by the crate: the account key stays in here.

use super::{Azure, failure::Failure, read::ReadUrls};
use crate::SecretText;
use async_trait::async_trait;
use azure_storage::prelude::{BlobSasPermissions, SasProtocol, SasToken};
use azure_storage_blobs::prelude::ContainerClient;
use reqwest::Url;
use segue_domain::{Clock, ObjectName, Timestamp};
use segue_ports::blob::{Access, BlobError};
use std::{sync::Arc, time::Duration};
use time::OffsetDateTime;

/// How far our clock may run ahead of the service's.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// How long a URL of our own lasts. A read that goes on for longer signs again when its connection breaks.
const READ_LIFE: Duration = Duration::from_secs(15 * 60);

/// Signs for one container.
#[derive(Debug, Clone)]
pub(super) struct Signer {
    pub(super) container: ContainerClient,
    pub(super) endpoint: Url,
    pub(super) public_endpoint: Url,
    pub(super) clock: Arc<dyn Clock>,
}

impl Signer {
    /// The object's URL at `base`, which allows `may` until `expires`.
    async fn object(
        &self,
        base: &Url,
        object: &ObjectName,
        may: BlobSasPermissions,
        expires: Timestamp,
    ) -> Result<Url, Failure> {
        let blob = self.container.blob_client(object.as_str());
        let mut sas = blob.shared_access_signature(may, moment(expires)?).await?.start(self.start(expires)?);
        if base.scheme() == "https" {
            sas = sas.protocol(SasProtocol::Https);
        }
        let mut url = below(base, self.container.container_name(), object);
        url.set_query(Some(&sas.token()?));
        Ok(url)
    }

    /// From when on a URL is good: service clocks differ, and a start in the future is "not yet".
    fn start(&self, expires: Timestamp) -> Result<OffsetDateTime, Failure> {
        moment(self.clock.now().min(expires).minus(SKEW))
    }
}

#[async_trait]
impl ReadUrls for Signer {
    async fn url(&self, object: &ObjectName) -> Result<Url, Failure> {
        let may = BlobSasPermissions { read: true, ..BlobSasPermissions::default() };
        self.object(&self.endpoint, object, may, self.clock.now().plus(SKEW + READ_LIFE)).await
    }
    async fn refused(&self) -> bool {
        false
    }
}

impl Azure {
    pub(super) async fn signed_url(
        &self,
        object: &ObjectName,
        access: Access,
        expires: Timestamp,
    ) -> Result<String, Failure> {
        let may = match access {
            // Azure has no SAS with a limit on size; whoever completes the upload checks it.
            Access::Upload { .. } => {
                BlobSasPermissions { create: true, write: true, ..BlobSasPermissions::default() }
            }
            Access::Read => BlobSasPermissions { read: true, ..BlobSasPermissions::default() },
        };
        let signer = self.signer();
        Ok(signer.object(&signer.public_endpoint, object, may, expires).await?.into())
    }

    /// A token that may read every object of the container until `expires` and nothing else: what an edge gets
    /// instead of the account key. It cannot be taken back but by renewing the account key, so give it a life of
    /// days and replace the edge's file in time.
    pub async fn container_sas(&self, expires: Timestamp) -> Result<SecretText, BlobError> {
        let may = BlobSasPermissions { read: true, ..BlobSasPermissions::default() };
        let sign = async {
            let sas = self.container().shared_access_signature(may, moment(expires)?).await?;
            let mut sas = sas.start(self.signer().start(expires)?);
            if self.signer().endpoint.scheme() == "https" {
                sas = sas.protocol(SasProtocol::Https);
            }
            Ok::<_, Failure>(sas.token()?)
        };
        sign.await.map(SecretText::new).map_err(BlobError::unavailable)
    }
}

/// The object's URL without a signature.
pub(super) fn below(base: &Url, container: &str, object: &ObjectName) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(container).extend(object.as_str().split('/'));
    }
    url
}

fn moment(time: Timestamp) -> Result<OffsetDateTime, Failure> {
    OffsetDateTime::from_unix_timestamp(time.seconds())
        .map_err(|_| Failure::Credential("a signature's time is out of range".to_owned()))
}
