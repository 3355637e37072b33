//! Who changed something sees it at once.

use crate::rig::*;
use segue_domain::UserId;
use segue_ports::index::Index;
use segue_proto::{
    search::v1::{SearchRequest, SearchResult},
    song::v1::{Song, SongState, Visibility},
};

async fn found(rig: &Rig, who: &Who, seen: &str) -> Vec<SearchResult> {
    let mut request = who.bearing(SearchRequest { query: "tune".into(), ..Default::default() });
    request.metadata_mut().insert("segue-consistency", seen.parse().unwrap());
    rig.client().search(request).await.unwrap().into_inner().results
}

#[tokio::test]
async fn what_the_caller_has_seen_newer_is_shown_as_it_is_now() {
    let rig = Rig::running(config()).await;
    let owner = UserId::new();
    let (one, two) = (Fact { owner, ..Fact::ready("tune one") }, Fact { owner, ..Fact::ready("tune two") });
    rig.publish(&[&one, &two]).await;
    let who = Who::user(owner);
    eventually("both are there", async || rig.found(&who, "tune").await.len() == 2).await;

    // Its owner hides one and deletes the other; the index has not heard of it.
    let hidden = Song {
        song_id: one.id.to_string(),
        owner_id: owner.to_string(),
        state: SongState::Ready.into(),
        visibility: Visibility::Private.into(),
        title: "tune one renamed".into(),
        ..Default::default()
    };
    rig.songs.now.lock().unwrap().insert(hidden.song_id.clone(), hidden);
    let seen = format!("{}@{},{}@{}", one.id, one.version + 1, two.id, two.version + 1);
    let shown: Vec<_> = found(&rig, &who, &seen).await.into_iter().map(song).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].title.as_str(), shown[0].visibility()), ("tune one renamed", Visibility::Private));

    // Who has seen no more than the index has, or says nothing that can be read, gets what the index has.
    for seen in [&format!("{}@{}", one.id, one.version), "nonsense", "a@b,@,1@"] {
        assert_eq!(found(&rig, &who, seen).await.len(), 2, "{seen}");
    }
    let later = one.next(|song| song.visibility = Visibility::Private);
    rig.publish(&[&later, &two.next(|song| song.deleted = true)]).await;
    eventually("others see it soon", async || rig.found(&Who::Anonymous, "tune").await.is_empty()).await;
    rig.index.refresh().await.unwrap();
    assert_eq!(found(&rig, &who, &seen).await.len(), 1);
    rig.stop().await;
}
