//! Making signed URLs.

use super::{MAX_POLICY, Signed, time};
use crate::SecretKey;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::Mac;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::Access;

/// The service version that our own SAS name.
const VERSION: &str = "2022-11-02";

/// Signs for one container.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) account: String,
    pub(crate) container: String,
    pub(crate) key: SecretKey,
}

impl Signer {
    /// The URL under `origin` that allows `access` to `object` until `expires`.
    pub(crate) fn url(
        &self,
        object: &ObjectName,
        access: Access,
        expires: Timestamp,
        origin: &str,
    ) -> String {
        let (permissions, policy) = match access {
            Access::Upload { max_bytes } => ("cw", format!("{MAX_POLICY}{max_bytes}")),
            Access::Read => ("r", String::new()),
        };
        let expiry = time::format(expires);
        let signed = Signed {
            permissions,
            expiry: &expiry,
            resource: "b",
            identifier: &policy,
            version: VERSION,
            ..Signed::default()
        };
        let canonical = format!("{}/{object}", self.canonical_container());
        let signature = STANDARD.encode(signed.mac(&self.key, &canonical).finalize().into_bytes());
        let mut url = format!(
            "{}/{}/{}/{object}?sv={VERSION}&sr=b&sp={permissions}&se={}",
            origin.trim_end_matches('/'),
            self.account,
            self.container,
            utf8_percent_encode(&expiry, NON_ALPHANUMERIC),
        );
        if !policy.is_empty() {
            url.push_str("&si=");
            url.push_str(&policy);
        }
        url.push_str("&sig=");
        url.extend(utf8_percent_encode(&signature, NON_ALPHANUMERIC));
        url
    }

    /// The canonicalized resource of the container.
    pub(super) fn canonical_container(&self) -> String {
        format!("/blob/{}/{}", self.account, self.container)
    }
}
