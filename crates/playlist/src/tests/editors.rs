use super::world::{first, worlds};
use futures::future::join_all;
use segue_domain::UserId;
use segue_proto::song::v1::Visibility;
use std::collections::HashSet;

/// Without etags nobody is refused, and nothing of what anybody did is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_editors_at_once_lose_nothing() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 50).await;
        let version: u64 = world.get(owner, &playlist).await.unwrap().etag.parse().unwrap();
        let song = world.public();
        let edit = async |n: usize| {
            let added = world.add(owner, &playlist, &[song; 3], first()).await.unwrap();
            world.move_item(owner, &playlist, &added.items[0].item_id, None).await.unwrap();
            let gone = world.remove(owner, &playlist, &[&ids[n]]).await.unwrap();
            assert_eq!(gone.item_ids, [ids[n].clone()]);
            added.items.into_iter().map(|item| item.item_id).collect::<Vec<_>>()
        };
        let added = join_all((0..50).map(edit)).await;
        let items = world.item_ids(owner, &playlist).await;
        assert_eq!(items.len(), 150);
        let items: HashSet<String> = items.into_iter().collect();
        assert_eq!(items, added.into_iter().flatten().collect());
        let header = world.get(owner, &playlist).await.unwrap();
        assert_eq!((header.item_count, header.duration_ms), (150, 150 * 180_000));
        // One version and one fact for each change; the last mover's item may have been the last already.
        let now: u64 = header.etag.parse().unwrap();
        assert!((version + 140..=version + 150).contains(&now), "{version} {now}");
        let facts = world.facts().await;
        assert_eq!(facts.iter().map(|fact| fact.sequence).collect::<Vec<_>>(), (1..=now).collect::<Vec<_>>());
        assert_eq!(header.visibility(), Visibility::Private);
    }
}
