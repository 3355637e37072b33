//! Where the account is and what opens it.

use super::{connection, limits::AzureTimeouts};
use crate::{SecretKey, SecretText};
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct AzureConfigError {
    /// The name of the setting, as in [`AzureConfig`] or [`AzureReaderConfig`](super::AzureReaderConfig).
    pub key: &'static str,
    /// What is wrong and what to do, for people. Holds no secret.
    pub message: String,
}

impl AzureConfigError {
    pub(super) fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }
}

/// A storage account of one's own, or an emulator of one. The credential is one of `key`, `key_file`,
/// `connection_string` and `connection_string_file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AzureConfig {
    /// Name of the storage account. May be left out when a connection string names it.
    pub account: String,
    /// Name of the container, 3 to 63 of `a-z`, `0-9` and single `-`.
    pub container: String,
    /// Account key, base64.
    pub key: SecretText,
    /// File that holds the account key.
    pub key_file: PathBuf,
    /// Connection string with an account key, as Azure's portal shows it.
    pub connection_string: SecretText,
    /// File that holds the connection string.
    pub connection_string_file: PathBuf,
    /// URL of the account's blob service (`http://127.0.0.1:10000/devstoreaccount1`). Empty: the connection string's,
    /// else `https://{account}.blob.core.windows.net`.
    pub endpoint: String,
    /// The same service under the URL that clients reach it by, for signed URLs. Empty: `endpoint`.
    pub public_endpoint: String,
    /// Origins of web pages that may use signed URLs, `*` for all (the signature is the credential). Provisioning
    /// replaces the CORS rules of the account by one for these, and leaves them alone when there are none.
    pub cors_origins: Vec<String>,
    /// How long a call may take.
    pub timeouts: AzureTimeouts,
}

impl Default for AzureConfig {
    fn default() -> Self {
        Self {
            account: String::new(),
            container: "segue".to_owned(),
            key: SecretText::default(),
            key_file: PathBuf::new(),
            connection_string: SecretText::default(),
            connection_string_file: PathBuf::new(),
            endpoint: String::new(),
            public_endpoint: String::new(),
            cors_origins: vec!["*".to_owned()],
            timeouts: AzureTimeouts::default(),
        }
    }
}

/// A configuration that was understood.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) key: SecretKey,
    pub(super) endpoint: Url,
    pub(super) public_endpoint: Url,
}

impl AzureConfig {
    /// Whether an account is named at all.
    pub fn is_set(&self) -> bool {
        !self.account.is_empty()
            || !self.connection_string.is_empty()
            || !self.connection_string_file.as_os_str().is_empty()
    }

    /// Reads the files that the configuration names and checks everything that can be checked without the account.
    pub(super) fn account(&self) -> Result<Account, AzureConfigError> {
        check_container(&self.container)?;
        let credentials = [
            ("key", !self.key.is_empty()),
            ("key_file", !self.key_file.as_os_str().is_empty()),
            ("connection_string", !self.connection_string.is_empty()),
            ("connection_string_file", !self.connection_string_file.as_os_str().is_empty()),
        ];
        let mut given = credentials.iter().filter(|(_, given)| *given).map(|(key, _)| *key);
        let source = given.next().ok_or_else(|| {
            AzureConfigError::new(
                "key",
                "there is no credential: set one of key, key_file, connection_string and connection_string_file",
            )
        })?;
        if let Some(second) = given.next() {
            return Err(AzureConfigError::new(second, format!("{source} is set too: keep one of them")));
        }
        let text = match source {
            "key" => self.key.clone(),
            "key_file" => read_secret("key_file", &self.key_file)?,
            "connection_string" => self.connection_string.clone(),
            _ => read_secret("connection_string_file", &self.connection_string_file)?,
        };
        let (name, key, endpoint) = if source.starts_with("connection") {
            let found = connection::parse(source, &text)?;
            if !self.account.is_empty() && self.account != found.account {
                return Err(AzureConfigError::new(
                    "account",
                    format!("the connection string is for account {}; leave account empty", found.account),
                ));
            }
            (found.account, found.key, found.endpoint)
        } else {
            let endpoint = format!("https://{}.blob.core.windows.net", self.account);
            (self.account.clone(), text, endpoint)
        };
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !(3..=24).contains(&name.len()) || !name.bytes().all(good) {
            return Err(AzureConfigError::new(
                "account",
                format!("an account's name is 3 to 24 of a-z and 0-9, and this one is {name:?}"),
            ));
        }
        let key = SecretKey::from_base64(key.expose())
            .map_err(|error| AzureConfigError::new(source, error.to_string()))?;
        let endpoint = match self.endpoint.as_str() {
            "" => check_endpoint("endpoint", &endpoint)?,
            text => check_endpoint("endpoint", text)?,
        };
        let public_endpoint = match self.public_endpoint.as_str() {
            "" => endpoint.clone(),
            text => check_endpoint("public_endpoint", text)?,
        };
        Ok(Account { name, key, endpoint, public_endpoint })
    }
}

/// A file with one line that must not be seen.
pub(super) fn read_secret(key: &'static str, path: &Path) -> Result<SecretText, AzureConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| AzureConfigError::new(key, format!("cannot read {}: {error}", path.display())))?;
    match text.trim() {
        "" => Err(AzureConfigError::new(key, format!("{} is empty", path.display()))),
        text => Ok(SecretText::new(text)),
    }
}

pub(super) fn check_container(name: &str) -> Result<(), AzureConfigError> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    if (3..=63).contains(&name.len()) && name.bytes().all(good) && !hyphens {
        return Ok(());
    }
    Err(AzureConfigError::new(
        "container",
        format!("a container's name is 3 to 63 of a-z, 0-9 and single '-', and this one is {name:?}"),
    ))
}

/// A URL to which a container's name can be added.
pub(super) fn check_endpoint(key: &'static str, text: &str) -> Result<Url, AzureConfigError> {
    let url = Url::parse(text)
        .map_err(|error| AzureConfigError::new(key, format!("{text:?} is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(AzureConfigError::new(key, format!("{text:?} must begin with http:// or https://")));
    }
    // Not repeated in the message: what is wrong with it may be a SAS.
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(AzureConfigError::new(key, "must be a URL without query, fragment and user name"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c2VndWUtdGVzdC1rZXktc2VndWUtdGVzdC1rZXktc2VndWUtdGVzdC1rZXk=";

    fn config() -> AzureConfig {
        AzureConfig { account: "music".into(), key: SecretText::new(KEY), ..AzureConfig::default() }
    }
    fn refused(change: impl FnOnce(&mut AzureConfig)) -> (&'static str, String) {
        let mut config = config();
        change(&mut config);
        let error = config.account().expect_err("refused");
        (error.key, error.message)
    }

    #[test]
    fn an_account_and_its_key_are_enough() {
        let account = config().account().expect("an account");
        assert_eq!(account.endpoint.as_str(), "https://music.blob.core.windows.net/");
        assert_eq!(account.public_endpoint, account.endpoint);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, format!("{KEY}\n")).expect("written");
        let by_file = AzureConfig { key: SecretText::default(), key_file: file, ..config() };
        assert_eq!(by_file.account().expect("an account").key, account.key);
    }

    #[test]
    fn a_connection_string_brings_account_and_endpoint() {
        let text = format!("AccountName=dev1;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:10000/dev1;");
        let config = AzureConfig {
            account: String::new(),
            key: SecretText::default(),
            connection_string: SecretText::new(text),
            public_endpoint: "https://blobs.example/dev1".into(),
            ..config()
        };
        let account = config.account().expect("an account");
        assert_eq!(
            (account.name.as_str(), account.endpoint.as_str()),
            ("dev1", "http://127.0.0.1:10000/dev1")
        );
        assert_eq!(account.public_endpoint.as_str(), "https://blobs.example/dev1");
    }

    #[test]
    fn names_the_setting_that_is_wrong() {
        assert_eq!(refused(|c| c.account = "My_Account".into()).0, "account");
        assert_eq!(refused(|c| c.container = "-x-".into()).0, "container");
        assert_eq!(refused(|c| c.key = SecretText::new("no key")).0, "key");
        assert_eq!(refused(|c| c.key = SecretText::default()).0, "key");
        assert_eq!(refused(|c| c.key_file = "/nowhere".into()).0, "key_file");
        assert_eq!(refused(|c| c.endpoint = "127.0.0.1:10000".into()).0, "endpoint");
        assert_eq!(refused(|c| c.public_endpoint = "http://a/b?sig=SECRET".into()).0, "public_endpoint");
        let (key, message) = refused(|c| {
            c.key = SecretText::default();
            c.connection_string = SecretText::new("AccountName=music;AccountKey=SECRET;Nonsense");
        });
        assert_eq!(key, "connection_string");
        assert!(!message.contains("SECRET"), "{message}");
        let printed = serde_json::to_string(&config()).expect("text");
        assert!(!printed.contains(KEY) && !format!("{:?}", config()).contains(KEY), "{printed}");
        let unknown = serde_json::from_str::<AzureConfig>("{\"acount\":\"music\"}");
        assert!(unknown.expect_err("refused").to_string().contains("acount"));
    }
}
