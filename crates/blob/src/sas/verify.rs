//! Checking the signature and the promises of a URL.

use super::{MAX_POLICY, OLDEST_VERSION, Resource, Signed, Signer, time};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::Mac;
use percent_encoding::percent_decode_str;
use segue_domain::{ObjectName, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// How far the signer's clock may run ahead of ours before a start time is "not yet".
const SKEW: Duration = Duration::from_secs(5 * 60);

/// The parameters of a query, decoded once. A `+` stands for itself: no value of ours has a space, base64 has `+`,
/// and people forget to escape it.
#[derive(Debug)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// `None` when a name comes twice or a value is not UTF-8.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let mut params = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
            if params.insert(decode(name)?, decode(value)?).is_some() {
                return None;
            }
        }
        Some(Self(params))
    }
    /// The value of a parameter; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Why a URL opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no signature in the URL.
    Unsigned,
    /// The signature or one of its conditions does not hold.
    Failed(&'static str),
    /// The SAS is for https.
    Protocol,
}

/// What a good SAS allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    permissions: String,
    /// The limit on the object's size in bytes, when the SAS carries one.
    pub(crate) max_bytes: Option<u64>,
}

impl Granted {
    /// Whether one of the letters in `any_of` is among the permissions.
    pub(crate) fn allows(&self, any_of: &str) -> bool {
        self.permissions.chars().any(|letter| any_of.contains(letter))
    }
}

impl Signer {
    /// Checks the SAS in `params` for `object` at `now`. `secure` says whether the request came by https.
    pub(crate) fn verify(
        &self,
        params: &Params,
        object: &ObjectName,
        now: Timestamp,
        secure: bool,
    ) -> Result<Granted, Refused> {
        if params.get("sig").is_empty() {
            return Err(Refused::Unsigned);
        }
        let signed = signed(params);
        let resource = match signed.resource {
            "b" => Resource::Blob,
            "c" => Resource::Container,
            _ => return Err(Refused::Failed("sr must be b (blob) or c (container).")),
        };
        if !is_version(signed.version) {
            return Err(Refused::Failed("sv must be a service version, 2020-12-06 or later."));
        }
        if !params.get("skoid").is_empty() {
            return Err(Refused::Failed(
                "A user delegation SAS is not supported; sign with the account key.",
            ));
        }
        let canonical = match resource {
            Resource::Blob => format!("{}/{object}", self.canonical_container()),
            Resource::Container => self.canonical_container(),
        };
        let signature = STANDARD.decode(params.get("sig")).unwrap_or_default();
        // Compares in constant time.
        signed.mac(&self.key, &canonical).verify_slice(&signature).map_err(|_| {
            Refused::Failed("The signature does not match: the URL was changed or was made with another key.")
        })?;
        if signed.permissions.is_empty() || signed.expiry.is_empty() {
            return Err(Refused::Failed(
                "sp and se must be in the URL; there are no stored access policies.",
            ));
        }
        let expiry = time::parse(signed.expiry).ok_or(Refused::Failed("se is not a time."))?;
        if now >= expiry {
            return Err(Refused::Failed("The signed URL has expired; ask for a new one."));
        }
        if !signed.start.is_empty() {
            let start = time::parse(signed.start).ok_or(Refused::Failed("st is not a time."))?;
            if now.plus(SKEW) < start {
                return Err(Refused::Failed("The signed URL is not valid yet."));
            }
        }
        if !signed.ip.is_empty() {
            // The peer's address is not known behind a proxy, and a condition that cannot be checked does not hold.
            return Err(Refused::Failed("Limits on addresses (sip) are not supported."));
        }
        match signed.protocol {
            "" | "https,http" => {}
            "https" if secure => {}
            "https" => return Err(Refused::Protocol),
            _ => return Err(Refused::Failed("spr must be https or https,http.")),
        }
        let max_bytes = match signed.identifier {
            "" => None,
            policy => Some(
                policy
                    .strip_prefix(MAX_POLICY)
                    .and_then(|bytes| bytes.parse().ok())
                    .ok_or(Refused::Failed("There is no stored access policy of this name (si)."))?,
            ),
        };
        Ok(Granted { permissions: signed.permissions.to_owned(), max_bytes })
    }
}

fn signed(params: &Params) -> Signed<'_> {
    Signed {
        permissions: params.get("sp"),
        start: params.get("st"),
        expiry: params.get("se"),
        resource: params.get("sr"),
        identifier: params.get("si"),
        ip: params.get("sip"),
        protocol: params.get("spr"),
        version: params.get("sv"),
        snapshot: params.get("snapshot"),
        encryption_scope: params.get("ses"),
        overrides: ["rscc", "rscd", "rsce", "rscl", "rsct"].map(|name| params.get(name)),
    }
}

/// A date in the form of service versions, not before [`OLDEST_VERSION`]; such dates order as text.
fn is_version(text: &str) -> bool {
    text.len() == 10 && time::parse(text).is_some() && text >= OLDEST_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;
    use segue_ports::blob::Access;

    const NOW: Timestamp = Timestamp(1_795_494_282_000);

    fn signer() -> Signer {
        Signer { account: "segue".into(), container: "songs".into(), key: SecretKey::generate() }
    }
    fn query(url: &str) -> &str {
        url.split_once('?').expect("a signed URL has a query").1
    }
    fn check(signer: &Signer, query: &str, object: &str, now: Timestamp) -> Result<Granted, Refused> {
        let params = Params::parse(query).expect("a good query");
        signer.verify(&params, &object.parse().expect("a good name"), now, false)
    }

    #[test]
    fn agrees_with_azures_own_sdk() {
        // Made by generate_blob_sas of azure-storage-blob 12.31.1.
        let key = SecretKey::from_base64(&STANDARD.encode([7_u8; 64])).expect("a good key");
        let signer = Signer { account: "segue".into(), container: "songs".into(), key };
        let vector = include_str!("../../tests/data/python-sas.txt").trim();
        let granted = check(&signer, vector, "originals/a/b", NOW).expect("accepted");
        assert!(granted.allows("r") && granted.allows("w") && !granted.allows("d"));
        assert_eq!(granted.max_bytes, None);
    }

    #[test]
    fn an_upload_url_carries_its_limit_and_cannot_read() {
        let signer = signer();
        let object = "originals/a/b".parse().expect("a good name");
        let url = signer.url(&object, Access::Upload { max_bytes: 99 }, NOW.plus(SKEW), "http://h:1/");
        assert!(url.starts_with("http://h:1/segue/songs/originals/a/b?sv="), "{url}");
        let granted = check(&signer, query(&url), "originals/a/b", NOW).expect("accepted");
        assert_eq!(granted.max_bytes, Some(99));
        assert!(granted.allows("w") && !granted.allows("rdl"));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let signer = signer();
        let object = "originals/a/b".parse().expect("a good name");
        let url = signer.url(&object, Access::Upload { max_bytes: 99 }, NOW.plus(SKEW), "http://h");
        let good = query(&url);
        for (from, to) in
            [("sp=cw", "sp=rcw"), ("max-99", "max-999"), ("se=2026", "se=2027"), ("sr=b", "sr=c")]
        {
            let bad = good.replace(from, to);
            assert!(matches!(check(&signer, &bad, "originals/a/b", NOW), Err(Refused::Failed(_))), "{bad}");
        }
        assert!(matches!(check(&signer, good, "originals/a/c", NOW), Err(Refused::Failed(_))));
        let (unsigned, _) = good.split_once("&sig=").expect("signed");
        assert_eq!(check(&signer, unsigned, "originals/a/b", NOW), Err(Refused::Unsigned));
        assert!(Params::parse(&format!("{good}&sp=r")).is_none(), "a parameter twice");
    }

    #[test]
    fn holds_until_the_second_of_its_expiry() {
        let signer = signer();
        let object = "a".parse().expect("a good name");
        let url = signer.url(&object, Access::Read, NOW, "http://h");
        assert!(check(&signer, query(&url), "a", Timestamp(NOW.0 - 1)).is_ok());
        assert!(matches!(check(&signer, query(&url), "a", NOW), Err(Refused::Failed(_))));
    }

    #[test]
    fn conditions_of_foreign_signatures_are_kept() {
        let signer = signer();
        let expiry = time::format(NOW.plus(SKEW));
        let sign = |signed: Signed<'_>, name: &str| {
            let signed = Signed { expiry: &expiry, permissions: "r", ..signed };
            let canonical = match name {
                "" => signer.canonical_container(),
                name => format!("{}/{name}", signer.canonical_container()),
            };
            let signature = STANDARD.encode(signed.mac(&signer.key, &canonical).finalize().into_bytes());
            let Signed { start, resource, identifier, ip, protocol, version, .. } = signed;
            format!(
                "sp=r&st={start}&se={expiry}&sr={resource}&si={identifier}&sip={ip}&spr={protocol}&sv={version}&sig={signature}"
            )
        };
        let base = || Signed { resource: "b", version: "2020-12-06", ..Signed::default() };
        assert!(check(&signer, &sign(base(), "a"), "a", NOW).is_ok());
        assert!(check(&signer, &sign(Signed { resource: "c", ..base() }, ""), "a", NOW).is_ok());
        let soon = time::format(NOW.plus(SKEW));
        assert!(check(&signer, &sign(Signed { start: &soon, ..base() }, "a"), "a", NOW).is_ok());
        let later = time::format(NOW.plus(SKEW * 2));
        for bad in [
            Signed { start: &later, ..base() },
            Signed { version: "2019-12-12", ..base() },
            Signed { resource: "d", ..base() },
            Signed { ip: "127.0.0.1", ..base() },
            Signed { identifier: "policy", ..base() },
            Signed { protocol: "http", ..base() },
        ] {
            assert!(matches!(check(&signer, &sign(bad, "a"), "a", NOW), Err(Refused::Failed(_))));
        }
        let https = sign(Signed { protocol: "https", ..base() }, "a");
        assert_eq!(check(&signer, &https, "a", NOW), Err(Refused::Protocol));
        let params = Params::parse(&https).expect("a good query");
        assert!(signer.verify(&params, &"a".parse().expect("a name"), NOW, true).is_ok());
    }
}
