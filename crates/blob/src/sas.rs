//! Service SAS: what a signed URL says, and whether it is true.
//!
//! The string to sign is Azure's for service versions from 2020-12-06 on, which has not changed since (Microsoft,
//! "Create a service SAS", and `generate_blob_sas` of Azure's Python SDK).

mod sign;
pub(crate) mod time;
mod verify;

pub(crate) use sign::Signer;
pub(crate) use verify::{Granted, Params, Refused};

use crate::SecretKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The oldest service version whose string to sign has today's layout.
const OLDEST_VERSION: &str = "2020-12-06";

/// Beginning of the stored access policies that this engine knows without storing them: `segue-max-<bytes>` is a
/// limit on the object's size. A policy name (`si`) is the one part of a SAS that is signed, free in its value, and
/// kept by every SDK; query parameters that Azure does not know are dropped by some of them.
const MAX_POLICY: &str = "segue-max-";

/// Which resource a SAS names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Blob,
    Container,
}

/// The signed parts of a SAS, as they stand in the query.
#[derive(Debug, Default)]
struct Signed<'a> {
    permissions: &'a str,
    start: &'a str,
    expiry: &'a str,
    resource: &'a str,
    identifier: &'a str,
    ip: &'a str,
    protocol: &'a str,
    version: &'a str,
    snapshot: &'a str,
    encryption_scope: &'a str,
    /// rscc, rscd, rsce, rscl, rsct.
    overrides: [&'a str; 5],
}

impl Signed<'_> {
    /// The signature over these parts and the canonicalized resource.
    fn mac(&self, key: &SecretKey, canonical: &str) -> Hmac<Sha256> {
        let [cache, disposition, encoding, language, media_type] = self.overrides;
        let text = [
            self.permissions,
            self.start,
            self.expiry,
            canonical,
            self.identifier,
            self.ip,
            self.protocol,
            self.version,
            self.resource,
            self.snapshot,
            self.encryption_scope,
            cache,
            disposition,
            encoding,
            language,
            media_type,
        ]
        .join("\n");
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        mac
    }
}
