//! A configuration that cannot work: one sentence that names the key and says what to do, and exit code 2.
#![allow(clippy::disallowed_methods, reason = "the test runs processes")]

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Exit code and what was said, of a server that gives up by itself.
fn serve(folder: &Path, role: &str, toml: &str, environment: &[(&str, &str)]) -> (i32, String) {
    let file = folder.join("segue.toml");
    std::fs::write(&file, toml).unwrap();
    let mut child = Command::new(segue_e2e::binary())
        .args(["serve", role, "--port", "0", "--config", file.to_str().unwrap(), "--data"])
        .arg(folder.join("data"))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("{role} runs on with\n{toml}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.code().unwrap_or(-1), said)
}

/// Each with a role, and what the sentence must name.
const WRONG: [(&str, &str, &[&str]); 12] = [
    ("song", "[song]\nblok_bytes = 3", &["song.blok_bytes", "block_bytes", "config print"]),
    ("song", "[sogn]\nblock_bytes = 3", &["sogn", "song"]),
    ("song", "[song]\nblock_bytes = \"8 MB\"", &["song.block_bytes", "8 MB"]),
    ("song", "[song]\nblock_bytes = 0", &["song.block_bytes", "above 0"]),
    ("song", "[song", &["segue.toml"]),
    ("song", "[store]\nurl = \"mysql://h/d\"", &["store.url", "postgres"]),
    (
        "song",
        "[store]\nurl = \"postgres://u:s3cret@127.0.0.1:1/segue\"",
        &["store.url", "cannot be reached", "127.0.0.1:1"],
    ),
    ("gateway", "[cache.redis]\nurl = \"http://h:1\"", &["cache.redis.url", "redis://"]),
    ("song", "[bus]\nurl = \"http://u:s3cret@h\"", &["bus.url", "amqp://"]),
    ("gateway", "[peers]\nidentity = \"nowhere\"", &["peers", "http://"]),
    ("gateway", "", &["peers.identity"]),
    ("search", "[index]\nurl = \"ftp://h\"", &["index.url", "http"]),
];

#[test]
fn what_cannot_work_is_named_with_exit_code_two() {
    for (role, toml, words) in WRONG {
        let folder = tempfile::tempdir().unwrap();
        let (code, said) = serve(folder.path(), role, toml, &[]);
        assert_eq!(code, 2, "{role} with {toml:?} said {said}");
        for word in words {
            assert!(said.contains(word), "{role} with {toml:?} does not name {word}: {said}");
        }
        assert!(!said.contains("s3cret") && !said.contains("panicked"), "{said}");
        // A file that is not TOML is shown where it ends to be.
        assert!(said.trim_end().lines().count() <= 8, "more than a sentence: {said}");
    }
}

#[test]
fn the_environment_is_configuration_too() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = serve(folder.path(), "song", "", &[("SEGUE__SONG__BLOK_BYTES", "3")]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.to_lowercase().contains("song.blok_bytes") || said.contains("SEGUE__SONG__BLOK_BYTES"),
        "{said}"
    );
}

#[test]
fn a_wrong_password_of_the_broker_is_a_fault_of_the_configuration() {
    let Ok(broker) = std::env::var("SEGUE_TEST_RABBITMQ") else {
        eprintln!(
            "SEGUE_TEST_RABBITMQ is not set: a wrong password is not tested here; run: cargo xtask test"
        );
        return;
    };
    let (_, rest) = broker.split_once('@').expect("it names an account");
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("[bus]\nurl = \"amqp://guest:s3cret@{rest}\"");
    let (code, said) = serve(folder.path(), "song", &toml, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("bus.url") && said.contains("refuse") && !said.contains("s3cret"), "{said}");
}
