//! Who may see what, and what calls answer.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack, admin, user},
};
use segue_domain::{EncodingId, UserId};
use segue_proto::encoder::v1::{
    CancelEncodingRequest, EncodingState, GetEncodingRequest, ListEncodingsRequest, RetryEncodingRequest,
    WatchEncodingRequest,
};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn strangers_find_nothing() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    stack.wait_for(&original, EncodingState::Succeeded).await;
    let (encoding_id, song_id) = (original.encoding.to_string(), original.song.to_string());
    let mut client = stack.client(user(UserId::new()));
    let get = GetEncodingRequest { encoding_id: encoding_id.clone(), song_id: song_id.clone() };
    let watch = WatchEncodingRequest { encoding_id: encoding_id.clone(), song_id: song_id.clone() };
    let cancel = CancelEncodingRequest { encoding_id, song_id: song_id.clone() };
    let list = ListEncodingsRequest { song_id, ..Default::default() };
    assert_eq!(client.get_encoding(get.clone()).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.watch_encoding(watch).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.cancel_encoding(cancel).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.list_encodings(list.clone()).await.unwrap_err().code(), Code::NotFound);
    let mut client = stack.client(admin());
    assert!(client.get_encoding(get).await.is_ok());
    assert_eq!(client.list_encodings(list).await.unwrap().into_inner().encodings.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_song_without_encodings_is_its_owners_to_list() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, b"x");
    let list = ListEncodingsRequest { song_id: original.song.to_string(), ..Default::default() };
    let mut owner = stack.client(user(original.owner));
    assert!(owner.list_encodings(list.clone()).await.unwrap().into_inner().encodings.is_empty());
    let mut stranger = stack.client(user(UserId::new()));
    assert_eq!(stranger.list_encodings(list).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_and_belong_to_one_song() {
    let stack = Stack::start(Set::default()).await;
    let mut original = Original::store(&stack, b"not audio");
    let mut ids = Vec::new();
    for _ in 0..3 {
        original.encoding = EncodingId::new();
        original.publish(&stack).await;
        stack.failure(&original).await;
        ids.insert(0, original.encoding.to_string());
    }
    let mut client = stack.client(user(original.owner));
    let mut list =
        ListEncodingsRequest { song_id: original.song.to_string(), page_size: 2, ..Default::default() };
    let first = client.list_encodings(list.clone()).await.unwrap().into_inner();
    list.page_token = first.next_page_token;
    let second = client.list_encodings(list.clone()).await.unwrap().into_inner();
    let shown: Vec<_> = first.encodings.into_iter().chain(second.encodings).map(|e| e.encoding_id).collect();
    assert_eq!((shown, second.next_page_token), (ids, String::new()));

    for wrong in [
        ListEncodingsRequest { song_id: Original::store(&stack, b"").song.to_string(), ..list.clone() },
        ListEncodingsRequest { page_token: "garbage".into(), ..list.clone() },
        ListEncodingsRequest { page_size: -1, page_token: String::new(), ..list.clone() },
        ListEncodingsRequest { song_id: "song".into(), ..list },
    ] {
        assert_eq!(client.list_encodings(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_tries_a_failed_encoding_again() {
    let stack = Stack::start(Set::default()).await;
    let (bad, good) = (Original::store(&stack, b"not audio"), Original::store(&stack, &wav(1)));
    bad.publish(&stack).await;
    good.publish(&stack).await;
    stack.failure(&bad).await;
    stack.wait_for(&good, EncodingState::Succeeded).await;
    let mut client = stack.client(admin());
    let retry = |o: &Original| RetryEncodingRequest {
        encoding_id: o.encoding.to_string(),
        song_id: o.song.to_string(),
    };
    let new = client.retry_encoding(retry(&bad)).await.unwrap().into_inner().encoding_id;
    assert!(new.parse::<EncodingId>().is_ok() && new != bad.encoding.to_string());
    assert_eq!(client.retry_encoding(retry(&good)).await.unwrap_err().code(), Code::FailedPrecondition);
    stack.songs.owners.lock().unwrap().clear();
    assert_eq!(client.retry_encoding(retry(&bad)).await.unwrap_err().code(), Code::NotFound);
}
