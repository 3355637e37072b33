//! The token that an edge reads with, from the configuration or from a file that someone else renews.

use super::{
    config::{AzureConfigError, read_secret},
    failure::Failure,
    read::ReadUrls,
    sas::below,
};
use crate::{SecretText, sas::time};
use async_trait::async_trait;
use reqwest::Url;
use segue_domain::{Clock, ObjectName, Timestamp};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How often the file is looked at while it serves.
const LOOK: Duration = Duration::from_secs(3);
/// How often it is looked at after a refusal.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// With less than this left, somebody is told.
const WARN: Duration = Duration::from_secs(24 * 3600);

/// A container SAS: a query without `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: SecretText,
    expires: Timestamp,
}

#[derive(Debug)]
struct Held {
    token: Token,
    looked: Instant,
}

/// Where the token comes from.
#[derive(Debug)]
pub(super) struct SasSource {
    pub(super) endpoint: Url,
    pub(super) container: String,
    file: Option<PathBuf>,
    held: Mutex<Held>,
    clock: Arc<dyn Clock>,
}

impl SasSource {
    /// A token that never changes.
    pub(super) fn fixed(
        endpoint: Url,
        container: String,
        text: &SecretText,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AzureConfigError> {
        let token = parse(text).map_err(|why| AzureConfigError::new("sas", why))?;
        Ok(Self::new(endpoint, container, None, token, clock))
    }

    /// The token in a file.
    pub(super) fn file(
        endpoint: Url,
        container: String,
        path: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AzureConfigError> {
        let text = read_secret("sas_file", &path)?;
        let token = parse(&text)
            .map_err(|why| AzureConfigError::new("sas_file", format!("{}: {why}", path.display())))?;
        Ok(Self::new(endpoint, container, Some(path), token, clock))
    }

    fn new(
        endpoint: Url,
        container: String,
        file: Option<PathBuf>,
        token: Token,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = Self {
            endpoint,
            container,
            file,
            held: Mutex::new(Held { token, looked: Instant::now() }),
            clock,
        };
        source.tell(source.expires());
        source
    }

    /// When the token that is held ends.
    pub(super) fn expires(&self) -> Timestamp {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).token.expires
    }

    fn text(&self) -> SecretText {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).token.text.clone()
    }

    /// Reads the file again, unless that was done less than `pause` ago. True when the token is another one.
    async fn look(&self, pause: Duration) -> bool {
        let Some(path) = &self.file else { return false };
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.looked.elapsed() < pause {
                return false;
            }
            held.looked = Instant::now();
        }
        // A file that cannot be read, or is half written, is no reason to forget a token that may still be good.
        let token = match tokio::fs::read_to_string(path).await {
            Ok(text) => parse(&SecretText::new(text.trim())),
            Err(error) => Err(error.to_string()),
        };
        match token {
            Ok(token) => {
                let expires = token.expires;
                let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                if held.token == token {
                    return false;
                }
                held.token = token;
                drop(held);
                tracing::info!(path = %path.display(), "the container's SAS was renewed");
                self.tell(expires);
                true
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the container's SAS cannot be read again");
                false
            }
        }
    }

    fn tell(&self, expires: Timestamp) {
        let left = expires.since(self.clock.now());
        metrics::gauge!("segue_blob_sas_expires_timestamp_seconds").set(expires.seconds() as f64);
        if left < WARN {
            tracing::warn!(left_seconds = left.as_secs(), "the container's SAS ends soon: renew it");
        }
    }
}

#[async_trait]
impl ReadUrls for SasSource {
    async fn url(&self, object: &ObjectName) -> Result<Url, Failure> {
        self.look(LOOK).await;
        let mut url = below(&self.endpoint, &self.container, object);
        url.set_query(Some(self.text().expose()));
        Ok(url)
    }
    async fn refused(&self) -> bool {
        let renewed = self.look(LOOK_AGAIN).await;
        if !renewed && self.expires() <= self.clock.now() {
            tracing::error!("the container's SAS has ended: nothing can be read until it is renewed");
        }
        renewed
    }
}

/// Takes a token, with or without `?`, or a URL that ends in one. Errors do not quote it.
fn parse(text: &SecretText) -> Result<Token, String> {
    let text = text.expose().trim();
    let text = text.rsplit_once('?').map_or(text, |(_, query)| query);
    let value = |name: &str| {
        text.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
    };
    let ask = "make one with 'segue provision' or Azure's portal";
    if value("sig").is_none_or(str::is_empty) {
        return Err(format!("is no shared access signature (there is no sig in it); {ask}"));
    }
    if value("sp").is_none_or(|may| !may.contains('r')) {
        return Err(format!("does not allow reading (sp has no r); {ask}"));
    }
    let expiry = value("se").unwrap_or_default();
    let expiry = percent_encoding::percent_decode_str(expiry).decode_utf8_lossy();
    let expires = time::parse(&expiry).ok_or_else(|| format!("does not say when it ends (se); {ask}"))?;
    Ok(Token { text: SecretText::new(text), expires })
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_domain::SystemClock;

    fn token(signature: &str) -> String {
        format!("sv=2022-11-02&sp=r&sr=c&se=2036-01-01T00%3A00%3A00Z&sig={signature}")
    }

    #[test]
    fn takes_tokens_in_the_forms_that_people_have() {
        let plain = parse(&SecretText::new(token("a%3D"))).expect("a token");
        assert_eq!(plain.expires, time::parse("2036-01-01").expect("a time"));
        for form in [format!("?{}\n", token("a%3D")), format!("https://x/c?{}", token("a%3D"))] {
            assert_eq!(parse(&SecretText::new(form)), Ok(plain.clone()));
        }
        for (bad, why) in [
            ("", "sig"),
            ("se=2036-01-01&sig=x", "sp"),
            ("sp=r&sig=SECRET", "se"),
            ("sp=cw&sig=SECRET", "sp"),
        ] {
            let error = parse(&SecretText::new(bad)).expect_err("refused");
            assert!(error.contains(why) && !error.contains("SECRET"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn follows_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sas");
        let write = |text: &str| std::fs::write(&path, text).expect("written");
        write(&token("one"));
        let endpoint: Url = "http://127.0.0.1:1/account".parse().expect("a url");
        let source =
            SasSource::file(endpoint, "segue".into(), path.clone(), Arc::new(SystemClock)).expect("good");
        let object: ObjectName = "media/a/b".parse().expect("a name");
        let signature = async || {
            source.url(&object).await.expect("a url").as_str().rsplit_once("sig=").map(|(_, s)| s.to_owned())
        };
        write(&token("two"));
        assert_eq!(signature().await.as_deref(), Some("one"), "it was looked at a moment ago");
        tokio::time::advance(LOOK).await;
        assert_eq!(signature().await.as_deref(), Some("two"));
        write("half wri");
        tokio::time::advance(LOOK).await;
        assert_eq!(signature().await.as_deref(), Some("two"), "what is broken changes nothing");
        write(&token("three"));
        tokio::time::advance(LOOK_AGAIN).await;
        assert!(source.refused().await, "a refusal is a reason to look");
        assert_eq!(signature().await.as_deref(), Some("three"));
        assert!(!source.refused().await);
    }
}
