//! The engine on Azurite: the contract of the port, and what it promises beyond it.

#[path = "served/azurite.rs"]
mod azurite;
#[path = "served/client.rs"]
mod client;
#[path = "served/relay.rs"]
mod relay;

use azurite::{config, provisioned};
use bytes::Bytes;
use client::Client;
use futures::TryStreamExt;
use relay::{Relay, Way};
use segue_blob::{Azure, AzureConfig, AzureReader, AzureReaderConfig, AzureUnfit, SecretText};
use segue_domain::{Clock, ManualClock, ObjectName, SongId, SystemClock, Timestamp, UploadId};
use segue_ports::{
    blob::{Access, BlobError, BlobStore, Condition},
    contract::blob::Http,
};
use std::{sync::Arc, time::Duration};

const UPLOAD: Access = Access::Upload { max_bytes: 1 << 20 };

fn object() -> ObjectName {
    ObjectName::original(SongId::new(), UploadId::new())
}
fn soon() -> Timestamp {
    SystemClock.now().plus(Duration::from_secs(600))
}
async fn text(store: &dyn BlobStore, object: &ObjectName) -> String {
    let download = store.get(object, None, None).await.expect("an object");
    let pieces: Vec<Bytes> = download.body.try_collect().await.expect("bytes");
    String::from_utf8(pieces.concat()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let Some(config) = config() else { return };
    let azure = provisioned(&config).await;
    segue_ports::contract::blob::run(Arc::new(azure), &Client::new(), "http://ignored.example").await;
}

#[tokio::test]
async fn provisioning_is_idempotent_and_opens_the_account_to_web_pages() {
    let Some(config) = config() else { return };
    let azure = Azure::new(&config, Arc::new(SystemClock)).expect("good");
    assert!(matches!(azure.check().await, Err(AzureUnfit::NoContainer { .. })));
    assert!(
        matches!(azure.head(&object()).await, Err(BlobError::Unavailable(_))),
        "it says nothing of objects"
    );
    for _ in 0..2 {
        azure.provision().await.expect("provisioned");
        azure.check().await.expect("fit");
    }
    let url = azure.sign(&object(), UPLOAD, soon(), "").await.expect("a url");
    let client = Client::new();
    let ask = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-ms-blob-type,content-md5"),
    ];
    let preflight = client.send("OPTIONS", &url, &ask, Bytes::new()).await;
    assert_eq!(preflight.status, 200, "{preflight:?}");
    assert!(preflight.header("access-control-allow-methods").contains("PUT"), "{preflight:?}");
    let put = [("x-ms-blob-type", "BlockBlob"), ("origin", "https://player.example")];
    let answer = client.send("PUT", &url, &put, "x".into()).await;
    assert_eq!(answer.status, 201);
    assert!(answer.header("access-control-expose-headers").contains("etag"), "{answer:?}");
}

#[tokio::test]
async fn says_what_is_wrong_with_the_account() {
    let Some(good) = config() else { return };
    let check = async |change: &dyn Fn(&mut AzureConfig)| {
        let mut config = good.clone();
        config.timeouts.tries = 1;
        change(&mut config);
        Azure::new(&config, Arc::new(SystemClock)).expect("well-formed").check().await.expect_err("unfit")
    };
    let other = "c2VndWUtdGVzdC1rZXktc2VndWUtdGVzdC1rZXktc2VndWUtdGVzdC1rZXk=";
    let wrong_key = check(&|c| c.key = SecretText::new(other)).await;
    assert_eq!(wrong_key.key(), "key", "{wrong_key}");
    let away = check(&|c| c.endpoint = "http://127.0.0.1:9/devstoreaccount1".into()).await;
    assert!(away.key() == "endpoint" && away.is_transient(), "{away}");
    assert!(away.to_string().contains("127.0.0.1:9"), "{away}");
    let nowhere = check(&|c| c.endpoint = "http://segue.invalid/devstoreaccount1".into()).await;
    assert!(matches!(nowhere, AzureUnfit::Unreachable { .. }), "{nowhere}");
    let no_container = check(&|_| {}).await;
    assert_eq!(no_container.key(), "container", "{no_container}");
}

#[tokio::test]
async fn a_clock_that_is_five_minutes_off_signs_good_urls() {
    let Some(config) = config() else { return };
    provisioned(&config).await;
    let client = Client::new();
    let skew = Duration::from_secs(5 * 60);
    for now in [SystemClock.now().plus(skew), SystemClock.now().minus(skew)] {
        let azure = Azure::new(&config, Arc::new(ManualClock::new(now))).expect("good");
        let object = object();
        let url = azure.sign(&object, UPLOAD, now.plus(Duration::from_secs(600)), "").await.expect("a url");
        let put = [("x-ms-blob-type", "BlockBlob")];
        assert_eq!(client.send("PUT", &url, &put, "in time".into()).await.status, 201);
        assert_eq!(text(&azure, &object).await, "in time", "our own reads too");
    }
}

#[tokio::test]
async fn signs_for_the_address_that_clients_use() {
    let Some(mut config) = config() else { return };
    provisioned(&config).await;
    let inside = config.endpoint.clone();
    config.public_endpoint = inside.replace("127.0.0.1", "localhost");
    let azure = Azure::new(&config, Arc::new(SystemClock)).expect("good");
    let url = azure.sign(&object(), UPLOAD, soon(), "http://other").await.expect("a url");
    assert!(url.starts_with(&config.public_endpoint), "{url}");
    let put = [("x-ms-blob-type", "BlockBlob")];
    // Wherever the name leads, the signature holds: it does not cover the host.
    let url = url.replace(&config.public_endpoint, &inside);
    assert_eq!(Client::new().send("PUT", &url, &put, "x".into()).await.status, 201);
}

#[tokio::test]
async fn an_edge_reads_with_a_token_that_allows_nothing_else() {
    let Some(config) = config() else { return };
    let azure = provisioned(&config).await;
    let object = object();
    azure.put(&object, "audio/mp4", "sound".into(), Condition::Always).await.expect("a put");
    let folder = tempfile::tempdir().expect("a folder");
    let sas_file = folder.path().join("sas");
    let write = |token: &SecretText| std::fs::write(&sas_file, token.expose()).expect("written");
    let token = azure.container_sas(soon()).await.expect("a token");
    write(&token);
    let reader = AzureReaderConfig {
        endpoint: config.endpoint.clone(),
        container: config.container.clone(),
        sas_file: sas_file.clone(),
        ..AzureReaderConfig::default()
    };
    let edge = AzureReader::new(&reader, Arc::new(SystemClock)).expect("good");
    edge.check().await.expect("fit");
    assert!(edge.expires() <= soon() && edge.expires() > SystemClock.now(), "{:?}", edge.expires());
    assert_eq!(text(&edge, &object).await, "sound");
    assert_eq!(edge.head(&object).await.expect("an object").size, 5);
    assert!(matches!(edge.head(&self::object()).await, Err(BlobError::NotFound(_))));
    let refused = edge.put(&object, "a/b", "x".into(), Condition::Always).await.expect_err("refused");
    assert!(
        matches!(refused, BlobError::Unavailable(_)) && refused.to_string().contains("only read"),
        "{refused}"
    );
    assert!(edge.delete(&object).await.is_err() && edge.list("", None).await.is_err());
    // Not only by our manners: the token itself allows no more.
    let by_hand = format!("{}/{}/{object}?{}", config.endpoint, config.container, token.expose());
    let put = [("x-ms-blob-type", "BlockBlob")];
    assert_eq!(Client::new().send("PUT", &by_hand, &put, "x".into()).await.status, 403);
    assert_eq!(Client::new().send("DELETE", &by_hand, &[], Bytes::new()).await.status, 403);
    // A token that has ended, and the one that takes its place.
    let ended = azure.container_sas(SystemClock.now().minus(Duration::from_secs(60))).await.expect("a token");
    write(&ended);
    let edge = AzureReader::new(&reader, Arc::new(SystemClock)).expect("good");
    let refused = edge.check().await.expect_err("unfit");
    assert_eq!(refused.key(), "sas", "{refused}");
    write(&azure.container_sas(soon()).await.expect("a token"));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(text(&edge, &object).await, "sound", "without a restart");
}

/// An engine, and others that reach the same container through a relay.
struct Relayed {
    direct: Azure,
    relay: Relay,
    config: AzureConfig,
}

async fn relayed() -> Option<Relayed> {
    let mut config = config()?;
    let direct = provisioned(&config).await;
    let target = config.endpoint.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    let relay = Relay::start(&target).await;
    config.endpoint = config.endpoint.replace(&target, &relay.address);
    config.timeouts.call_ms = 2_000;
    Some(Relayed { direct, relay, config })
}

impl Relayed {
    /// An engine without connections, whose first one goes this way.
    fn engine(&self, way: Way) -> Azure {
        self.relay.set(way);
        Azure::new(&self.config, Arc::new(SystemClock)).expect("good")
    }
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_found_to_be_its_own() {
    let Some(relayed) = relayed().await else { return };
    let object = object();
    let azure = relayed.engine(Way::LosesOneAnswer);
    let made = azure.put(&object, "a/b", "ours".into(), Condition::IfAbsent).await.expect("a put");
    assert_eq!(azure.head(&object).await.expect("an object"), made);
    let again = azure.put(&object, "a/b", "ours".into(), Condition::IfAbsent).await;
    assert!(matches!(again, Err(BlobError::Exists(_))), "a second call is another put: {again:?}");
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_repeated_behind_the_callers_back() {
    let Some(relayed) = relayed().await else { return };
    let object = object();
    let url = relayed.direct.sign(&object, UPLOAD, soon(), "").await.expect("a url");
    let url = format!("{url}&comp=block&blockid=MDA%3D");
    assert_eq!(Client::new().send("PUT", &url, &[], "block".into()).await.status, 201);
    let azure = relayed.engine(Way::LosesOneAnswer);
    let lost = azure.commit(&object, &["MDA=".to_owned()], "a/b", Condition::Always).await;
    assert!(matches!(lost, Err(BlobError::Unavailable(_))), "{lost:?}");
    let list = azure.block_list(&object).await.expect("a list");
    assert_eq!((list.uncommitted.len(), list.committed.map(|object| object.size)), (0, Some(5)));
}

#[tokio::test]
async fn a_read_goes_on_where_its_connection_broke() {
    let Some(relayed) = relayed().await else { return };
    let object = object();
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
    let made =
        relayed.direct.put(&object, "a/b", bytes.clone().into(), Condition::Always).await.expect("a put");
    let azure = relayed.engine(Way::CutsOneAnswer);
    let read = azure.get(&object, Some(10..999_990), Some(&made.etag)).await.expect("an object");
    let pieces: Vec<Bytes> = read.body.try_collect().await.expect("all bytes");
    assert_eq!(pieces.concat(), bytes[10..999_990]);

    let azure = relayed.engine(Way::CutsOneAnswer);
    let mut read = azure.get(&object, None, None).await.expect("an object").body;
    let first = read.try_next().await.expect("bytes").expect("a piece");
    relayed.direct.put(&object, "a/b", "another".into(), Condition::Always).await.expect("a put");
    assert_eq!(first, bytes[..first.len()]);
    let mixed = read.try_collect::<Vec<_>>().await;
    assert!(matches!(mixed, Err(BlobError::Changed(_))), "bytes of two objects are never mixed");
}

#[tokio::test]
async fn a_read_that_stalls_goes_on_by_another_connection() {
    let Some(mut relayed) = relayed().await else { return };
    let object = object();
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 5) as u8).collect();
    relayed.direct.put(&object, "a/b", bytes.clone().into(), Condition::Always).await.expect("a put");
    relayed.config.timeouts.idle_ms = 300;
    let azure = relayed.engine(Way::StallsOneAnswer);
    let read = azure.get(&object, None, None).await.expect("an object");
    let pieces: Vec<Bytes> = read.body.try_collect().await.expect("all bytes");
    assert_eq!(pieces.concat(), bytes);
}

#[tokio::test]
async fn an_account_that_falls_silent_is_unavailable_in_time_and_comes_back() {
    let Some(mut relayed) = relayed().await else { return };
    (relayed.config.timeouts.attempt_ms, relayed.config.timeouts.call_ms) = (300, 1_000);
    let object = object();
    let azure = relayed.engine(Way::Open);
    azure.put(&object, "a/b", "here".into(), Condition::Always).await.expect("a put");
    relayed.relay.set(Way::Silent);
    let started = tokio::time::Instant::now();
    let silent = azure.head(&object).await.expect_err("unavailable");
    assert!(silent.to_string().contains("did not answer within"), "{silent}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(azure.check().await.expect_err("unfit").is_transient());
    relayed.relay.set(Way::Open);
    assert_eq!(text(&azure, &object).await, "here");
}

#[tokio::test]
async fn an_account_that_goes_away_is_unavailable_in_time_and_comes_back() {
    let Some(relayed) = relayed().await else { return };
    let object = object();
    let azure = relayed.engine(Way::Open);
    azure.put(&object, "a/b", "here".into(), Condition::Always).await.expect("a put");
    relayed.relay.set(Way::Closed);
    let started = tokio::time::Instant::now();
    let unavailable = |error| assert!(matches!(error, Some(BlobError::Unavailable(_))), "{error:?}");
    unavailable(azure.put(&object, "a/b", "gone".into(), Condition::Always).await.err());
    unavailable(azure.get(&object, None, None).await.err());
    unavailable(azure.block_list(&object).await.err());
    unavailable(azure.list("originals/", None).await.err());
    unavailable(azure.commit(&object, &[], "a/b", Condition::Always).await.err());
    unavailable(azure.delete(&object).await.err());
    assert!(started.elapsed() < Duration::from_secs(6 * 2), "{:?}", started.elapsed());
    relayed.relay.set(Way::Open);
    assert_eq!(text(&azure, &object).await, "here");
}
