//! The engine over HTTP: the contract of the port, and what Azure's clients rely on beyond it.

#[path = "served/client.rs"]
mod client;
#[path = "served/served.rs"]
mod served;

use bytes::Bytes;
use client::Client;
use segue_domain::{Clock, ObjectName, SystemClock};
use segue_ports::{
    blob::{Access, BlobStore, Condition},
    contract::blob::{Answer, Http},
};
use served::{Served, config, serve};
use std::{sync::Arc, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = serve(config(folder.path())).await;
    segue_ports::contract::blob::run(Arc::new(served.directory.clone()), &Client::new(), &served.origin)
        .await;
    for folder in ["pending", "tmp"].map(|name| folder.path().join(name)) {
        assert!(comes_empty(&folder).await, "garbage in {}", folder.display());
    }
    served.stop().await;
}

/// What is out of sight is removed in the background.
async fn comes_empty(folder: &std::path::Path) -> bool {
    for _ in 0..200 {
        if std::fs::read_dir(folder).expect("a folder").next().is_none() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

struct Bench {
    _folder: tempfile::TempDir,
    served: Served,
    client: Client,
    object: ObjectName,
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(folder.path());
    config.max_object_bytes = 1000;
    let served = serve(config).await;
    Bench { _folder: folder, served, client: Client::new(), object: "originals/a/b".parse().expect("a name") }
}

impl Bench {
    async fn url(&self, access: Access) -> String {
        let expires = SystemClock.now().plus(Duration::from_secs(600));
        self.served.directory.sign(&self.object, access, expires, &self.served.origin).await.expect("a url")
    }
    async fn upload(&self, max_bytes: u64) -> String {
        self.url(Access::Upload { max_bytes }).await
    }
    async fn put_block(&self, url: &str, id: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        let url = format!("{url}&comp=block&blockid={}", id.replace('=', "%3D"));
        outcome(self.client.send("PUT", &url, headers, Bytes::copy_from_slice(body)).await)
    }
}

fn outcome(answer: Answer) -> (u16, String) {
    (answer.status, answer.header("x-ms-error-code").to_owned())
}
fn wanted(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn refuses_what_does_not_fit() {
    let bench = bench().await;
    let url = bench.upload(10).await;
    let too_large = wanted(413, "RequestBodyTooLarge");
    assert_eq!(bench.put_block(&url, "MDA=", &[], b"12345678901").await, too_large, "one block alone");
    assert_eq!(bench.put_block(&url, "MDA=", &[], b"123456").await, wanted(201, ""));
    assert_eq!(bench.put_block(&url, "MDE=", &[], b"12345").await, wanted(201, ""));
    let list = "<BlockList><Latest>MDA=</Latest><Latest>MDE=</Latest></BlockList>";
    let answer = bench.client.send("PUT", &format!("{url}&comp=blocklist"), &[], list.into()).await;
    assert_eq!(outcome(answer), too_large, "blocks together");
    let list = "<BlockList><Latest>MDA=</Latest><Latest>MDA=</Latest></BlockList>";
    let answer = bench.client.send("PUT", &format!("{url}&comp=blocklist"), &[], list.into()).await;
    assert_eq!(outcome(answer), too_large, "one block twice");
    let put = [("x-ms-blob-type", "BlockBlob")];
    let answer = bench.client.send("PUT", &url, &put, Bytes::from(vec![0; 11])).await;
    assert_eq!(outcome(answer), too_large, "at once");
    // Abandoned attempts may fill three times the limit.
    assert_eq!(bench.put_block(&url, "MDI=", &[], b"1234567890").await, wanted(201, ""));
    assert_eq!(
        bench.put_block(&url, "MDM=", &[], b"1234567890").await,
        too_large,
        "blocks that no commit takes"
    );
    assert_eq!(
        bench.put_block(&url, "MDI=", &[], b"123456789").await,
        wanted(201, ""),
        "a block is replaced"
    );
    assert_eq!(bench.put_block(&url, "MDM=", &[], b"1234567890").await, wanted(201, ""));
    let blocks = bench.served.directory.block_list(&bench.object).await.expect("a list").uncommitted;
    assert_eq!(blocks.iter().map(|block| block.size).sum::<u64>(), 30);
    // A large refused body is read to its end, so the client sees why.
    let answer = bench.client.send("PUT", &url, &put, Bytes::from(vec![0; 8 << 20])).await;
    assert_eq!(outcome(answer), too_large);
}

#[tokio::test]
async fn checks_the_digests_that_a_client_gives() {
    let bench = bench().await;
    let url = bench.upload(1000).await;
    let right = "6a7hJqR5S1Nxpp1hVv8iOg==";
    assert_eq!(
        bench.put_block(&url, "MDA=", &[("content-md5", right)], b"segue").await.1,
        "Md5Mismatch",
        "not the digest of these bytes"
    );
    let md5 = "XUFAKrxLKna5cZ2REBfFkg==";
    assert_eq!(bench.put_block(&url, "MDA=", &[("content-md5", md5)], b"hello").await, wanted(201, ""));
    assert_eq!(
        bench.put_block(&url, "MDA=", &[("content-md5", "x")], b"hello").await,
        wanted(400, "InvalidMd5")
    );
    let crc = "iJh5CoYUi64=";
    assert_eq!(
        bench.put_block(&url, "MDA=", &[("x-ms-content-crc64", crc)], b"123456789").await,
        wanted(201, "")
    );
    let other = bench.put_block(&url, "MDA=", &[("x-ms-content-crc64", crc)], b"12345678").await;
    assert_eq!(other, wanted(400, "Crc64Mismatch"));
    let put = [("x-ms-blob-type", "BlockBlob"), ("x-ms-blob-content-md5", md5)];
    assert_eq!(
        outcome(bench.client.send("PUT", &url, &put, "hallo".into()).await),
        wanted(400, "Md5Mismatch")
    );
    assert_eq!(outcome(bench.client.send("PUT", &url, &put, "hello".into()).await), wanted(201, ""));
    let read = bench.client.send("GET", &bench.url(Access::Read).await, &[], Bytes::new()).await;
    assert_eq!(read.header("content-md5"), md5);
}

#[tokio::test]
async fn block_ids_have_one_length_and_at_most_64_bytes() {
    let bench = bench().await;
    let url = bench.upload(1000).await;
    assert_eq!(bench.put_block(&url, "MDA=", &[], b"1").await, wanted(201, ""));
    assert_eq!(bench.put_block(&url, "MDAw", &[], b"1").await, wanted(400, "InvalidBlobOrBlock"));
    let long = format!("{}AAA=", "A".repeat(84));
    for bad in ["", "%%%", "MDA", "MDB=", &long] {
        assert_eq!(bench.put_block(&url, bad, &[], b"1").await, wanted(400, "InvalidBlockId"), "{bad}");
    }
    assert_eq!(bench.put_block(&url, "MDE=", &[], b"").await, wanted(400, "InvalidHeaderValue"));
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let bench = bench().await;
    let url = bench.upload(1000).await;
    let put = [("x-ms-blob-type", "BlockBlob")];
    let escaped = url.replace("originals/a/b", "originals%2Fa%2fb");
    assert_eq!(outcome(bench.client.send("PUT", &escaped, &put, "x".into()).await), wanted(201, ""));
    for bad in
        ["originals/a/%62", "originals//a/b", "originals/a/b/", "originals/a%5Cb", "%2E%2E%2Fa", "a%00b"]
    {
        let url = url.replace("originals/a/b", bad);
        assert_eq!(
            outcome(bench.client.send("PUT", &url, &put, "x".into()).await),
            wanted(400, "InvalidUri"),
            "{bad}"
        );
    }
    let long = url.replace("originals/a/b", &"a".repeat(201));
    let refused = bench.client.send("PUT", &long, &put, "x".into()).await;
    assert_eq!(refused.status, 403, "it is not what was signed");
}

#[tokio::test]
async fn calls_that_are_not_there_say_so() {
    let bench = bench().await;
    let url = bench.upload(1000).await;
    for (method, query, headers, status, code) in [
        ("PUT", "", &[][..], 400, "MissingRequiredHeader"),
        ("PUT", "", &[("x-ms-blob-type", "PageBlob")][..], 400, "InvalidHeaderValue"),
        ("PUT", "&comp=metadata", &[][..], 400, "InvalidQueryParameterValue"),
        ("POST", "", &[][..], 405, "UnsupportedHttpVerb"),
        ("PUT", "&comp=blocklist&comp=block", &[][..], 400, "InvalidQueryParameterValue"),
        ("PUT", "&comp=blocklist", &[][..], 400, "InvalidXmlDocument"),
        (
            "PUT",
            "&comp=block&blockid=MDA%3D",
            &[("x-ms-structured-body", "XSM/1.0")][..],
            400,
            "InvalidHeaderValue",
        ),
    ] {
        let answer = bench.client.send(method, &format!("{url}{query}"), headers, "x".into()).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(outcome(answer.clone()), wanted(status, code), "{method} {query}");
        assert!(text.starts_with("<?xml") && text.contains(&format!("<Error><Code>{code}</Code>")), "{text}");
        assert!(!answer.header("x-ms-request-id").is_empty());
    }
}

#[tokio::test]
async fn browsers_of_any_origin_may_upload_and_read() {
    let bench = bench().await;
    let url = bench.upload(1000).await;
    let ask = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-ms-blob-type,content-md5"),
    ];
    let preflight = bench.client.send("OPTIONS", &url, &ask, Bytes::new()).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert!(preflight.header("access-control-allow-methods").contains("PUT"));
    assert!(preflight.header("access-control-allow-headers").contains("x-ms-blob-type"));
    let put = [("x-ms-blob-type", "BlockBlob"), ("origin", "https://player.example")];
    let answer = bench.client.send("PUT", &url, &put, "<script>".into()).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (201, "*"));
    assert!(answer.header("access-control-expose-headers").contains("etag"), "{answer:?}");
    let read = bench.client.send("GET", &bench.url(Access::Read).await, &[], Bytes::new()).await;
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    assert!(read.header("content-security-policy").contains("sandbox"), "foreign bytes never run");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commits_at_once_leave_one_whole_object() {
    let bench = bench().await;
    let url = bench.upload(1000).await;
    for round in 0..10 {
        assert_eq!(bench.put_block(&url, "MDA=", &[], &[b'a'; 100]).await.0, 201);
        assert_eq!(bench.put_block(&url, "MDE=", &[], &[b'b'; 200]).await.0, 201);
        let put =
            bench.served.directory.put(&bench.object, "a/b", Bytes::from(vec![b'c'; 50]), Condition::Always);
        let ids = ["MDA=".to_owned(), "MDE=".to_owned()];
        let commit = bench.served.directory.commit(&bench.object, &ids, "a/b", Condition::Always);
        let (put, commit) = futures::join!(put, commit);
        let read = bench.client.send("GET", &bench.url(Access::Read).await, &[], Bytes::new()).await;
        // When the put came first, it dropped the blocks, as on Azure.
        let chained = [vec![b'a'; 100], vec![b'b'; 200]].concat();
        let whole = read.body == vec![b'c'; 50] || read.body == chained;
        assert!(whole && put.is_ok(), "round {round}: {put:?} {commit:?} {:?}", read.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_a_large_object_while_it_is_replaced_and_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = serve(config(folder.path())).await;
    let client = Client::new();
    let object: ObjectName = "originals/a/b".parse().expect("a name");
    let expires = SystemClock.now().plus(Duration::from_secs(600));
    let url =
        served.directory.sign(&object, Access::Upload { max_bytes: 1 << 30 }, expires, &served.origin).await;
    let url = url.expect("a url");
    let blocks: Vec<Vec<u8>> = (0..6_u8).map(|n| vec![n; 700_000 + usize::from(n)]).collect();
    let mut ids = Vec::new();
    for (n, block) in blocks.iter().enumerate() {
        let id = ["MDA=", "MDE=", "MDI=", "MDM=", "MDQ=", "MDU="][n];
        let answer =
            client.send("PUT", &format!("{url}&comp=block&blockid={id}"), &[], block.clone().into()).await;
        assert_eq!(answer.status, 201);
        ids.push(id.to_owned());
    }
    let made = served.directory.commit(&object, &ids, "a/b", Condition::IfAbsent).await.expect("a commit");
    let slow =
        served.directory.get(&object, Some(699_990..4_000_000), Some(&made.etag)).await.expect("an object");
    served.directory.put(&object, "a/b", "new".into(), Condition::Always).await.expect("a put");
    served.directory.delete(&object).await.expect("deleted");
    let pieces: Vec<Bytes> = futures::TryStreamExt::try_collect(slow.body).await.expect("the old bytes");
    assert_eq!(pieces.concat(), blocks.concat()[699_990..4_000_000]);
    assert!(comes_empty(&folder.path().join("pending")).await, "the old parts go with their last reader");
}
