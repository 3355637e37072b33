//! What is logged at the lowest level, with the one directive that every log filter of ours ends with: no key, and no
//! signature that opens anything.

#[path = "served/azurite.rs"]
mod azurite;

use azurite::{KEY, config, provisioned};
use segue_blob::{AzureReader, AzureReaderConfig};
use segue_domain::{Clock, ObjectName, SystemClock};
use segue_ports::blob::{Access, BlobStore, Condition};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_that_opens_anything_is_logged() {
    let Some(mut config) = config() else { return };
    let captured = Captured::default();
    let filter = EnvFilter::new("trace,azure_core=info");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(captured.clone()).init();

    let azure = provisioned(&config).await;
    azure.check().await.expect("fit");
    let object: ObjectName = "originals/song/upload".parse().expect("a name");
    let expires = SystemClock.now().plus(Duration::from_secs(600));
    azure.put(&object, "a/b", "x".into(), Condition::Always).await.expect("a put");
    azure.get(&object, None, None).await.expect("an object");
    azure.block_list(&object).await.expect("a list");
    azure.list("originals/", None).await.expect("a list");
    let url = azure.sign(&object, Access::Read, expires, "").await.expect("a url");
    let sas = azure.container_sas(expires).await.expect("a token");
    let reader = AzureReaderConfig {
        endpoint: config.endpoint.clone(),
        container: config.container.clone(),
        sas: sas.clone(),
        ..AzureReaderConfig::default()
    };
    let edge = AzureReader::new(&reader, Arc::new(SystemClock)).expect("good");
    edge.head(&object).await.expect("an object");
    azure.delete(&object).await.expect("deleted");
    // Errors are logged too, by whoever handles them.
    config.timeouts.tries = 1;
    config.endpoint = "http://127.0.0.1:9/devstoreaccount1".into();
    let away = segue_blob::Azure::new(&config, Arc::new(SystemClock)).expect("good");
    for error in [away.head(&object).await.expect_err("away"), azure.head(&object).await.expect_err("gone")] {
        tracing::warn!(%error, ?error, store = ?away, settings = ?config, "a call failed");
    }

    let logged = captured.0.lock().unwrap_or_else(PoisonError::into_inner);
    let logged = String::from_utf8_lossy(&logged);
    assert!(logged.contains("127.0.0.1:9"), "something was logged");
    let signature =
        |text: &str| text.rsplit_once("sig=").map(|(_, sig)| sig.to_owned()).expect("a signature");
    for secret in ["SharedKey", "sig=", KEY, &signature(&url), &signature(sas.expose())] {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
