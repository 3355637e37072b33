//! Azurite, when `SEGUE_TEST_AZURITE` names one (`http://127.0.0.1:10000/devstoreaccount1`). `cargo xtask test` sets it.

use segue_blob::{Azure, AzureConfig, SecretText};
use segue_domain::{EventId, SystemClock};
use std::sync::Arc;

/// The key of Azurite's account, which Microsoft publishes.
pub(crate) const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A configuration with a container that nobody else has; `None`, said aloud, when there is no Azurite.
pub(crate) fn config() -> Option<AzureConfig> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    let Ok(endpoint) = std::env::var("SEGUE_TEST_AZURITE") else {
        eprintln!("SEGUE_TEST_AZURITE is not set: Azure Blob Storage is not tested here");
        return None;
    };
    Some(AzureConfig {
        account: "devstoreaccount1".into(),
        container: format!("test-{}", EventId::new()),
        key: SecretText::new(KEY),
        endpoint,
        ..AzureConfig::default()
    })
}

/// An engine with its container.
pub(crate) async fn provisioned(config: &AzureConfig) -> Azure {
    let azure = Azure::new(config, Arc::new(SystemClock)).expect("a good configuration");
    azure.provision().await.expect("a container");
    azure
}
