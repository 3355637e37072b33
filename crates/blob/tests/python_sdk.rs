//! Azure's own Python SDK against both engines. Needs `azure-storage-blob`; `SEGUE_TEST_PYTHON` names the interpreter.
#![allow(clippy::disallowed_methods, reason = "tests are told by the environment what to run")]

#[path = "served/azurite.rs"]
mod azurite;
#[path = "served/served.rs"]
mod served;

use segue_domain::{Clock, ObjectName, SystemClock};
use segue_ports::blob::{Access, BlobStore};
use served::{config, serve};
use std::{path::Path, time::Duration};

/// Runs one of the scripts beside this file.
async fn run(script: &str, arguments: &[&str]) {
    let python = std::env::var("SEGUE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe =
        tokio::process::Command::new(&python).args(["-c", "import azure.storage.blob"]).output().await;
    assert!(
        probe.is_ok_and(|probe| probe.status.success()),
        "{python} has no azure-storage-blob: pip install it, and name the interpreter in SEGUE_TEST_PYTHON"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_sdk").join(script);
    let ran = tokio::process::Command::new(&python).arg(script).args(arguments).output().await;
    let ran = ran.expect("python runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn azures_python_sdk_uploads_and_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path());
    let key = config.key.to_base64();
    let served = serve(config).await;
    let object: ObjectName = "originals/song/upload".parse().expect("a name");
    let expires = SystemClock.now().plus(Duration::from_secs(600));
    let sign =
        async |access| served.directory.sign(&object, access, expires, &served.origin).await.expect("a url");
    let (upload, read) = (sign(Access::Upload { max_bytes: 5_000_000 }).await, sign(Access::Read).await);
    run("scenario.py", &[&upload, &read, &served.origin, &key]).await;
    let list = served.directory.block_list(&object).await.expect("a list");
    assert_eq!(list.committed.expect("an object").size, 3_333_333);
    served.stop().await;
}

#[tokio::test]
async fn azures_python_sdk_takes_what_we_sign_for_an_account() {
    let Some(config) = azurite::config() else { return };
    let azure = azurite::provisioned(&config).await;
    let object: ObjectName = "originals/song/upload".parse().expect("a name");
    let expires = SystemClock.now().plus(Duration::from_secs(600));
    let sign = async |access| azure.sign(&object, access, expires, "").await.expect("a url");
    let (upload, read) = (sign(Access::Upload { max_bytes: 5_000_000 }).await, sign(Access::Read).await);
    let sas = azure.container_sas(expires).await.expect("a token");
    let (endpoint, container) = (&config.endpoint, &config.container);
    run("account.py", &[&upload, &read, endpoint, container, object.as_str(), sas.expose()]).await;
    assert_eq!(azure.head(&object).await.expect("an object").size, 3_333_333);
}
