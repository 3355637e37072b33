use super::world::{World, after, before, fails, first, worlds};
use crate::{
    order::MOST_BYTES,
    record::{ItemRecord, PlaylistRecord},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use segue_domain::{ItemId, PlaylistId, UserId};
use tonic::Code;

/// Every item with its key.
async fn keys(world: &World, header: &PlaylistRecord) -> Vec<ItemRecord> {
    let page = world.role.pages.page(header.id, None, 10_000, header.version).await.unwrap();
    page.unwrap().items.clone()
}

async fn header(world: &World, playlist: &str) -> PlaylistRecord {
    let id: PlaylistId = playlist.parse().unwrap();
    world.role.playlists.latest(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_item_moves_and_no_other_is_written() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 6).await;
        let old = keys(&world, &header(&world, &playlist).await).await;
        world.move_item(owner, &playlist, &ids[5], after(&ids[0])).await.unwrap();
        let new = keys(&world, &header(&world, &playlist).await).await;
        let order: Vec<usize> =
            new.iter().map(|item| ids.iter().position(|id| *id == item.id.to_string()).unwrap()).collect();
        assert_eq!(order, [0, 5, 1, 2, 3, 4]);
        for item in old.iter().filter(|item| item.id.to_string() != ids[5]) {
            assert!(new.contains(item), "{item:?} was written");
        }
        world.move_item(owner, &playlist, &ids[0], None).await.unwrap();
        world.move_item(owner, &playlist, &ids[2], first()).await.unwrap();
        world.move_item(owner, &playlist, &ids[4], before(&ids[3])).await.unwrap();
        let order = world.item_ids(owner, &playlist).await;
        assert_eq!(order, [2, 5, 1, 4, 3, 0].map(|i: usize| ids[i].clone()));
    }
}

#[tokio::test]
async fn a_move_to_its_own_place_changes_nothing() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 3).await;
        let etag = world.get(owner, &playlist).await.unwrap().etag;
        for (item, place) in [
            (0, first()),
            (2, None),
            (1, before(&ids[1])),
            (1, after(&ids[1])),
            (1, after(&ids[0])),
            (1, before(&ids[2])),
            (0, before(&ids[1])),
            (2, after(&ids[1])),
        ] {
            let header = world.move_item(owner, &playlist, &ids[item], place.clone()).await.unwrap();
            assert_eq!(header.etag, etag, "{item} {place:?}");
        }
        assert_eq!(world.item_ids(owner, &playlist).await, ids);
        let gone = ItemId::new().to_string();
        fails(world.move_item(owner, &playlist, &gone, None).await, Code::NotFound, "ITEM_NOT_FOUND");
        let beside = world.move_item(owner, &playlist, &ids[0], after(&gone)).await;
        fails(beside, Code::NotFound, "ITEM_NOT_FOUND");
        world.remove(owner, &playlist, &[&ids[1]]).await.unwrap();
        fails(world.move_item(owner, &playlist, &ids[1], None).await, Code::NotFound, "ITEM_NOT_FOUND");
        let nowhere = world.move_item(owner, &playlist, &ids[0], Some(Default::default())).await;
        assert!(nowhere.is_ok(), "a place that says nothing is the end");
    }
}

/// Moves at the same spot make keys long; those around it are spread anew, and nothing changes its place by that.
#[tokio::test]
async fn keys_stay_short_wherever_items_are_moved_to() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, mut model) = world.filled(owner, 300).await;
        let mut random = StdRng::seed_from_u64(7);
        for round in 0..1_500 {
            // Mostly the last one behind the first, at times any to anywhere.
            let (from, at) = match round % 20 {
                0 => (random.random_range(0..model.len()), random.random_range(0..model.len())),
                _ => (model.len() - 1, 1),
            };
            let item = model.remove(from);
            let place = match at {
                0 => first(),
                at if at == model.len() => None,
                at if round % 3 == 0 => before(&model[at]),
                at => after(&model[at - 1]),
            };
            world.move_item(owner, &playlist, &item, place).await.unwrap();
            model.insert(at, item);
        }
        let header = header(&world, &playlist).await;
        let items = keys(&world, &header).await;
        let order: Vec<String> = items.iter().map(|item| item.id.to_string()).collect();
        assert_eq!(order, model);
        assert!(items.iter().all(|item| item.position.len() <= MOST_BYTES), "keys have grown");
        assert!(header.respread > 0, "keys were not spread anew");
        assert_eq!((header.item_count, header.duration_ms), (300, 300 * 180_000));
    }
}
