//! What every blob store does, seen from the port and from a client that has nothing but a signed URL.

use crate::blob::{Access, BlobError, BlobStore, BlockList, Condition, Download, Properties};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt, future::join_all};
use segue_domain::{Clock, ObjectName, SongId, SystemClock, UploadId};
use std::{ops::Range, sync::Arc, time::Duration};

/// An HTTP client, so that the suite needs none of its own.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends a request. Panics when there is no answer.
    async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Bytes) -> Answer;
}

/// An answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The value of a header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Block ids, base64 of "00000000" and so on.
const IDS: [&str; 3] = ["MDAwMDAwMDA=", "MDAwMDAwMDE=", "MDAwMDAwMDI="];

/// Runs every check of the suite; panics where the engine breaks the contract. `origin` is where the engine listens,
/// for engines whose signed URLs take the caller's origin. The store may hold objects already.
pub async fn run(store: Arc<dyn BlobStore>, http: &dyn Http, origin: &str) {
    let suite = Suite { store: &*store, http, origin };
    suite.blocks_arrive_in_any_order_and_become_one_object().await;
    suite.a_block_that_is_not_stored_stops_the_commit().await;
    suite.a_client_commits_by_itself().await;
    suite.small_objects_are_put_at_once().await;
    suite.if_absent_keeps_what_is_there().await;
    suite.an_overwritten_object_is_another_one().await;
    suite.ranges_end_with_the_object().await;
    suite.objects_may_be_empty().await;
    suite.deleting_twice_is_no_error().await;
    suite.deleting_takes_blocks_that_no_commit_took().await;
    suite.names_do_not_get_in_each_others_way().await;
    suite.lists_pages_in_the_order_of_names().await;
    suite.a_url_allows_one_thing_to_one_object().await;
    suite.reads_by_url().await;
}

struct Suite<'a> {
    store: &'a dyn BlobStore,
    http: &'a dyn Http,
    origin: &'a str,
}

impl Suite<'_> {
    async fn blocks_arrive_in_any_order_and_become_one_object(&self) {
        let object = fresh();
        assert_eq!(self.store.block_list(&object).await.expect("a list"), BlockList::default());
        let url = self.upload_url(&object).await;
        let puts = [2, 0, 1].map(|n| self.put_block(&url, n, format!("block {n};")));
        for answer in join_all(puts).await {
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        // A block that comes again takes the place of the first one.
        assert_eq!(self.put_block(&url, 1, "again;".to_owned()).await.status, 201);
        let list = self.store.block_list(&object).await.expect("a list");
        let mut blocks: Vec<_> =
            list.uncommitted.iter().map(|block| (block.id.as_str(), block.size)).collect();
        blocks.sort_unstable();
        assert_eq!((blocks, list.committed), (vec![(IDS[0], 8), (IDS[1], 6), (IDS[2], 8)], None));
        assert!(
            matches!(self.store.head(&object).await, Err(BlobError::NotFound(_))),
            "nothing before the commit"
        );

        let made = self.commit(&object, &[0, 1, 2], Condition::IfAbsent).await.expect("a commit");
        assert_eq!((made.size, made.content_type.as_str()), (22, "audio/flac"));
        assert_eq!(self.text(&object, None).await, "block 0;again;block 2;");
        let list = self.store.block_list(&object).await.expect("a list");
        assert_eq!(list.uncommitted, [], "a commit takes or drops every block");
        assert_eq!(list.committed.expect("an object"), made);
    }

    async fn a_block_that_is_not_stored_stops_the_commit(&self) {
        let object = fresh();
        let url = self.upload_url(&object).await;
        assert_eq!(self.put_block(&url, 0, "there".to_owned()).await.status, 201);
        let refused = self.commit(&object, &[0, 1], Condition::Always).await;
        assert!(matches!(refused, Err(BlobError::InvalidBlockList)), "{refused:?}");
        assert_eq!(
            self.store.block_list(&object).await.expect("a list").uncommitted.len(),
            1,
            "nothing is lost"
        );
        // The blocks that a commit leaves out are dropped.
        assert_eq!(self.put_block(&url, 1, "more".to_owned()).await.status, 201);
        self.commit(&object, &[1], Condition::Always).await.expect("a commit");
        assert_eq!(self.text(&object, None).await, "more");
        assert_eq!(self.store.block_list(&object).await.expect("a list").uncommitted, []);
    }

    async fn a_client_commits_by_itself(&self) {
        let object = fresh();
        let url = self.upload_url(&object).await;
        for n in 0..2 {
            assert_eq!(self.put_block(&url, n, format!("{n}")).await.status, 201);
        }
        let list = format!("<BlockList><Latest>{}</Latest><Latest>{}</Latest></BlockList>", IDS[1], IDS[0]);
        let headers = [("x-ms-blob-content-type", "audio/mpeg")];
        let answer = self.http.send("PUT", &format!("{url}&comp=blocklist"), &headers, list.into()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let seen = self.store.head(&object).await.expect("an object");
        assert_eq!((seen.etag.as_str(), seen.content_type.as_str()), (answer.header("etag"), "audio/mpeg"));
        assert_eq!(self.text(&object, None).await, "10");
        let list = format!("<BlockList><Uncommitted>{}</Uncommitted></BlockList>", IDS[0]);
        let answer = self.http.send("PUT", &format!("{url}&comp=blocklist"), &[], list.into()).await;
        assert_eq!((answer.status, answer.header("x-ms-error-code")), (400, "InvalidBlockList"));
        let list = format!("<BlockList><Committed>{}</Committed></BlockList>", IDS[0]);
        let answer = self.http.send("PUT", &format!("{url}&comp=blocklist"), &[], list.into()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(self.text(&object, None).await, "0", "a committed block serves again");
    }

    async fn small_objects_are_put_at_once(&self) {
        let object = fresh();
        let made = self.put(&object, "hello", Condition::Always).await.expect("a put");
        assert_eq!(self.store.head(&object).await.expect("an object"), made);
        assert!(made.etag.starts_with('"') && made.etag.ends_with('"'), "{}", made.etag);
        let now = SystemClock.now();
        assert!(
            now.plus(MINUTES) > made.modified && now < made.modified.plus(MINUTES),
            "{:?}",
            made.modified
        );
        assert_eq!(self.text(&object, None).await, "hello");
        let put_by_url = fresh();
        let url = self.upload_url(&put_by_url).await;
        let headers = [("x-ms-blob-type", "BlockBlob"), ("content-type", "text/plain")];
        let answer = self.http.send("PUT", &url, &headers, Bytes::from_static(b"by url")).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let seen = self.store.head(&put_by_url).await.expect("an object");
        assert_eq!((seen.content_type.as_str(), seen.etag.as_str()), ("text/plain", answer.header("etag")));
        assert_eq!(self.text(&put_by_url, None).await, "by url");
    }

    async fn if_absent_keeps_what_is_there(&self) {
        let object = fresh();
        let (one, two) =
            (self.put(&object, "one", Condition::IfAbsent), self.put(&object, "two", Condition::IfAbsent));
        let (one, two) = futures::join!(one, two);
        let winner = match (one, two) {
            (Ok(_), Err(BlobError::Exists(_))) => "one",
            (Err(BlobError::Exists(_)), Ok(_)) => "two",
            other => panic!("one of two wins: {other:?}"),
        };
        assert_eq!(self.text(&object, None).await, winner);
        let url = self.upload_url(&object).await;
        assert_eq!(self.put_block(&url, 0, "three".to_owned()).await.status, 201);
        let refused = self.commit(&object, &[0], Condition::IfAbsent).await;
        assert!(matches!(refused, Err(BlobError::Exists(_))), "{refused:?}");
        assert_eq!(self.text(&object, None).await, winner);
    }

    async fn an_overwritten_object_is_another_one(&self) {
        let object = fresh();
        let url = self.upload_url(&object).await;
        assert_eq!(self.put_block(&url, 0, "first".to_owned()).await.status, 201);
        let first = self.commit(&object, &[0], Condition::IfAbsent).await.expect("a commit");
        let download = self.store.get(&object, None, Some(&first.etag)).await.expect("the first");
        assert_eq!(self.put_block(&url, 0, "second".to_owned()).await.status, 201);
        let second = self.commit(&object, &[0], Condition::Always).await.expect("a commit");
        assert_ne!(first.etag, second.etag);
        assert_eq!(read(download).await, "first", "who reads goes on with what was opened");
        let changed = self.store.get(&object, None, Some(&first.etag)).await.err();
        assert!(matches!(changed, Some(BlobError::Changed(_))), "{changed:?}");
        let download = self.store.get(&object, Some(0..3), Some(&second.etag)).await.expect("the second");
        assert_eq!((download.properties.clone(), read(download).await), (second.clone(), "sec".to_owned()));
        let changed = self.store.get(&object, Some(0..3), Some(&first.etag)).await.err();
        assert!(matches!(changed, Some(BlobError::Changed(_))), "{changed:?}");
        // The same bytes are another object too.
        assert_eq!(self.put_block(&url, 0, "second".to_owned()).await.status, 201);
        let third = self.commit(&object, &[0], Condition::Always).await.expect("a commit");
        let fourth = self.put(&object, "second", Condition::Always).await.expect("a put");
        assert_ne!(second.etag, third.etag);
        assert_ne!(third.etag, fourth.etag);
        assert_eq!(self.store.head(&object).await.expect("an object"), fourth);
    }

    async fn ranges_end_with_the_object(&self) {
        let object = fresh();
        let url = self.upload_url(&object).await;
        for (n, bytes) in ["0123", "4567", "89"].into_iter().enumerate() {
            assert_eq!(self.put_block(&url, n, bytes.to_owned()).await.status, 201);
        }
        self.commit(&object, &[0, 1, 2], Condition::Always).await.expect("a commit");
        for (range, wanted) in
            [(0..10, "0123456789"), (3..9, "345678"), (4..8, "4567"), (8..99, "89"), (9..10, "9")]
        {
            let download = self.store.get(&object, Some(range.clone()), None).await.expect("a part");
            assert_eq!(download.range, range.start..range.end.min(10));
            assert_eq!(read(download).await, wanted);
        }
        for start in [10, 11, u64::MAX - 1] {
            for end in [start + 1, u64::MAX] {
                let refused = self.store.get(&object, Some(start..end), None).await.err();
                assert!(matches!(refused, Some(BlobError::OutOfRange(10))), "{start}..{end}: {refused:?}");
            }
        }
        let none = self.store.get(&object, Some(4..4), None).await.expect("no bytes of an object");
        assert_eq!((none.range.clone(), none.properties.size, read(none).await), (4..4, 10, String::new()));
    }

    async fn objects_may_be_empty(&self) {
        let (put, committed) = (fresh(), fresh());
        self.put(&put, "", Condition::Always).await.expect("a put");
        self.commit(&committed, &[], Condition::Always).await.expect("a commit");
        for object in [put, committed] {
            assert_eq!(self.store.head(&object).await.expect("an object").size, 0);
            assert_eq!(self.text(&object, None).await, "");
            assert_eq!(self.text(&object, Some(0..100)).await, "", "the beginning of nothing is nothing");
            let refused = self.store.get(&object, Some(1..2), None).await.err();
            assert!(matches!(refused, Some(BlobError::OutOfRange(0))), "{refused:?}");
            for range in [None, Some(0..100)] {
                let changed = self.store.get(&object, range, Some("\"0x0\"")).await.err();
                assert!(matches!(changed, Some(BlobError::Changed(_))), "{changed:?}");
            }
            let url = self.sign(&object, Access::Read, MINUTES).await;
            let answer = self.http.send("GET", &url, &[], Bytes::new()).await;
            assert_eq!((answer.status, answer.header("content-length"), answer.body.len()), (200, "0", 0));
        }
    }

    async fn deleting_twice_is_no_error(&self) {
        let object = fresh();
        self.store.delete(&object).await.expect("nothing to delete");
        let url = self.upload_url(&object).await;
        assert_eq!(self.put_block(&url, 0, "gone".to_owned()).await.status, 201);
        self.commit(&object, &[0], Condition::Always).await.expect("a commit");
        for _ in 0..2 {
            self.store.delete(&object).await.expect("deleted");
            assert!(matches!(self.store.head(&object).await, Err(BlobError::NotFound(_))));
            assert!(matches!(self.store.get(&object, None, None).await.err(), Some(BlobError::NotFound(_))));
        }
        assert_eq!(self.store.block_list(&object).await.expect("a list"), BlockList::default());
        self.put(&object, "back", Condition::IfAbsent).await.expect("the name is free again");
    }

    async fn deleting_takes_blocks_that_no_commit_took(&self) {
        let song = SongId::new();
        let (begun, beside) = (name_of(song, "begun"), name_of(song, "beside"));
        self.put(&beside, "there", Condition::Always).await.expect("a put");
        for object in [&begun, &beside] {
            let url = self.upload_url(object).await;
            assert_eq!(self.put_block(&url, 0, "block".to_owned()).await.status, 201);
            assert_eq!(self.store.block_list(object).await.expect("a list").uncommitted.len(), 1);
        }
        let prefix = ObjectName::media_prefix(song);
        assert_eq!(
            self.store.list(&prefix, None).await.expect("a list").objects,
            [begun.clone(), beside.clone()]
        );
        for object in [&begun, &beside] {
            self.store.delete(object).await.expect("deleted");
            assert_eq!(self.store.block_list(object).await.expect("a list"), BlockList::default());
        }
        assert_eq!(self.store.list(&prefix, None).await.expect("a list").objects, []);
    }

    async fn names_do_not_get_in_each_others_way(&self) {
        let song = SongId::new();
        let names = ["a", "a/b", "a/b/c", "a-b", "a.b"].map(|name| name_of(song, name));
        for name in &names {
            self.put(name, name.as_str(), Condition::IfAbsent).await.expect("a put");
        }
        self.store.delete(&names[1]).await.expect("deleted");
        for name in [&names[0], &names[2], &names[3], &names[4]] {
            assert_eq!(self.text(name, None).await, name.as_str());
        }
        let listed = self.store.list(&ObjectName::media_prefix(song), None).await.expect("a list");
        let wanted = ["a", "a-b", "a.b", "a/b/c"].map(|name| name_of(song, name));
        assert_eq!((listed.objects, listed.next), (wanted.to_vec(), None), "in the order of bytes");
    }

    async fn lists_pages_in_the_order_of_names(&self) {
        let song = SongId::new();
        let prefix = ObjectName::media_prefix(song);
        assert_eq!(self.store.list(&prefix, None).await.expect("a list").objects, []);
        let names: Vec<_> = (0..1001).map(|n| name_of(song, &format!("{}/{n:05}", n / 500))).collect();
        let uncommitted = &names[1000];
        for some in names[..1000].chunks(50) {
            let puts = some.iter().map(|name| self.put(name, "", Condition::Always));
            assert!(join_all(puts).await.iter().all(Result::is_ok));
        }
        let url = self.upload_url(uncommitted).await;
        assert_eq!(self.put_block(&url, 0, "begun".to_owned()).await.status, 201);
        let first = self.store.list(&prefix, None).await.expect("a page");
        assert_eq!(first.objects, names[..1000]);
        let second = self.store.list(&prefix, first.next.as_deref()).await.expect("a page");
        assert_eq!(
            (second.objects, second.next),
            (names[1000..].to_vec(), None),
            "begun uploads are listed too"
        );
        let some = self.store.list(&format!("{prefix}1/0099"), None).await.expect("a list");
        assert_eq!(some.objects, names[990..1000]);
        let none = self.store.list(&format!("{prefix}../"), None).await.expect("a list");
        assert_eq!(none.objects, []);
    }

    async fn a_url_allows_one_thing_to_one_object(&self) {
        let object = fresh();
        self.put(&object, "secret", Condition::Always).await.expect("a put");
        let url = self.upload_url(&object).await;
        let put = [("x-ms-blob-type", "BlockBlob")];
        let refused = async |method: &str, url: String| {
            let answer = self.http.send(method, &url, &put, Bytes::from_static(b"evil")).await;
            assert_eq!(answer.status, 403, "{method} {url}: {answer:?}");
            assert!(!answer.header("x-ms-error-code").is_empty(), "{answer:?}");
        };
        refused("GET", url.clone()).await;
        refused("HEAD", url.clone()).await;
        refused("DELETE", url.clone()).await;
        refused("GET", format!("{url}&comp=blocklist")).await;
        let readable = self.sign(&object, Access::Read, MINUTES).await;
        refused("PUT", readable.clone()).await;
        refused("DELETE", readable.clone()).await;

        let other = fresh();
        refused("PUT", url.replace(object.as_str(), other.as_str())).await;
        refused("GET", url.replace("sp=cw", "sp=rcw")).await;
        let (before, signature) = url.split_once("&sig=").expect("a signature");
        let rest = signature.get(if signature.starts_with('%') { 3 } else { 1 }..).unwrap_or_default();
        let other_first = if signature.starts_with('A') { 'B' } else { 'A' };
        refused("PUT", format!("{before}&sig={other_first}{rest}")).await;
        let expired = self.store.sign(&object, UPLOAD, SystemClock.now().minus(MINUTES), self.origin).await;
        refused("PUT", expired.expect("a url")).await;
        let unsigned = self.http.send("PUT", before, &put, Bytes::new()).await;
        assert!((400..500).contains(&unsigned.status), "{unsigned:?}");
        assert_eq!(self.text(&object, None).await, "secret");
    }

    async fn reads_by_url(&self) {
        let object = fresh();
        let made = self.put(&object, "0123456789", Condition::Always).await.expect("a put");
        let url = self.sign(&object, Access::Read, MINUTES).await;
        let get = async |headers: &[(&str, &str)]| self.http.send("GET", &url, headers, Bytes::new()).await;
        let whole = get(&[]).await;
        assert_eq!((whole.status, &whole.body[..]), (200, &b"0123456789"[..]));
        assert_eq!((whole.header("etag"), whole.header("content-type")), (made.etag.as_str(), "audio/flac"));
        let part = get(&[("range", "bytes=2-3")]).await;
        assert_eq!((part.status, &part.body[..]), (206, &b"23"[..]));
        assert_eq!(part.header("content-range"), "bytes 2-3/10");
        let azures = get(&[("x-ms-range", "bytes=8-99"), ("range", "bytes=0-0")]).await;
        assert_eq!((azures.status, &azures.body[..]), (206, &b"89"[..]));
        // Where a part begins exactly at the end, engines differ: the port does not.
        assert_eq!(get(&[("range", "bytes=11-")]).await.status, 416);
        assert_eq!(get(&[("if-none-match", &made.etag)]).await.status, 304);
        assert_eq!(get(&[("if-match", &made.etag)]).await.status, 200);
        assert_eq!(get(&[("if-match", "\"0x0\"")]).await.status, 412);
        let head = self.http.send("HEAD", &url, &[], Bytes::new()).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0));
        let missing = self.sign(&fresh(), Access::Read, MINUTES).await;
        let answer = self.http.send("GET", &missing, &[], Bytes::new()).await;
        assert_eq!((answer.status, answer.header("x-ms-error-code")), (404, "BlobNotFound"));
    }

    async fn sign(&self, object: &ObjectName, access: Access, life: Duration) -> String {
        self.store.sign(object, access, SystemClock.now().plus(life), self.origin).await.expect("a url")
    }
    async fn upload_url(&self, object: &ObjectName) -> String {
        self.sign(object, UPLOAD, MINUTES).await
    }
    async fn put_block(&self, url: &str, n: usize, bytes: String) -> Answer {
        let url = format!("{url}&comp=block&blockid={}", IDS[n].replace('=', "%3D"));
        self.http.send("PUT", &url, &[], bytes.into()).await
    }
    async fn commit(
        &self,
        object: &ObjectName,
        ids: &[usize],
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        let ids: Vec<_> = ids.iter().map(|n| IDS[*n].to_owned()).collect();
        self.store.commit(object, &ids, "audio/flac", condition).await
    }
    async fn put(
        &self,
        object: &ObjectName,
        text: &str,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        self.store.put(object, "audio/flac", Bytes::from(text.to_owned()), condition).await
    }
    async fn text(&self, object: &ObjectName, range: Option<Range<u64>>) -> String {
        read(self.store.get(object, range, None).await.expect("an object")).await
    }
}

const MINUTES: Duration = Duration::from_secs(15 * 60);
const UPLOAD: Access = Access::Upload { max_bytes: 1 << 20 };

fn fresh() -> ObjectName {
    ObjectName::original(SongId::new(), UploadId::new())
}

fn name_of(song: SongId, name: &str) -> ObjectName {
    format!("{}{name}", ObjectName::media_prefix(song)).parse().expect("a good name")
}

async fn read(download: Download) -> String {
    let pieces: Vec<Bytes> = download.body.try_collect().await.expect("bytes");
    let bytes = pieces.concat();
    assert_eq!(
        bytes.len() as u64,
        download.range.end - download.range.start,
        "as many bytes as were promised"
    );
    String::from_utf8(bytes).expect("text")
}
