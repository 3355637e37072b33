//! Events come late, twice, in any order, from old jobs. Exactly one output is ever visible.

use super::world::*;
use crate::consume::Inbox;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use segue_domain::{ObjectName, OutputId, SongId, SongState, UserId};
use segue_proto::{
    event::v1::{UserChanged, event::Data},
    song::v1::{song_service_server::SongService, *},
};
use std::time::Duration;

#[tokio::test]
async fn the_first_output_of_a_job_wins_and_the_others_become_garbage() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let (first, second) = (OutputId::new(), OutputId::new());
        for output in [first, second, first, second] {
            world.succeed(id, encoding, output).await;
        }
        let row = world.row(id).await;
        assert_eq!((row.state, row.output.as_ref().map(|o| o.id)), (SongState::Ready, Some(first)));
        assert_eq!(row.output.unwrap().true_peak_db, None, "what is no number is not stored");
        world.advance(Duration::from_secs(3600));
        let due = world.role().garbage.due(world.role().now(), 10).await.unwrap();
        let due: Vec<_> = due.into_iter().map(|r| r.prefix).collect();
        assert_eq!(due, [ObjectName::output_prefix(id, second)]);
    }
}

#[tokio::test]
async fn an_output_for_a_song_that_is_gone_becomes_garbage() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        world
            .api
            .delete_song(by(owner, DeleteSongRequest { song_id: id.to_string(), etag: String::new() }))
            .await
            .unwrap();
        let (late, never) = (OutputId::new(), SongId::new());
        world.succeed(id, encoding, late).await;
        world.succeed(never, encoding, late).await;
        world.advance(Duration::from_secs(3600));
        let due = world.role().garbage.due(world.role().now(), 10).await.unwrap();
        let due: Vec<_> = due.into_iter().map(|r| r.prefix).collect();
        assert!(
            due.contains(&ObjectName::output_prefix(id, late))
                && due.contains(&ObjectName::output_prefix(never, late)),
            "{due:?}"
        );
    }
}

#[tokio::test]
async fn a_new_output_of_a_ready_song_replaces_the_old_one_which_stays_for_its_listeners() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let old = world.row(id).await.output.unwrap();
        let again = segue_domain::EncodingId::new();
        let role = world.role();
        let mint = |song: &crate::record::SongRecord| {
            let mut next = song.clone();
            next.encoding = Some(again);
            Ok(crate::transition::Step::to(next, crate::fact::Fact::Updated))
        };
        role.songs.change(id, mint).await.unwrap();
        world.start(id, again).await;
        world.fail(id, again, "PARKED").await;
        assert_eq!(world.row(id).await.state, SongState::Ready, "READY until the new output is in");
        world.succeed(id, old.encoding, old.id).await;
        let new = OutputId::new();
        world.succeed(id, again, new).await;
        let row = world.row(id).await;
        assert_eq!(row.output.unwrap().id, new);
        let due = async || role.garbage.due(role.now(), 10).await.unwrap().len();
        world.advance(Duration::from_secs(2 * 3600));
        assert_eq!(due().await, 0, "the longest grant is not over");
        world.advance(Duration::from_secs(120));
        assert_eq!(due().await, 1);
    }
}

#[tokio::test]
async fn any_order_of_anything_leaves_one_visible_output_and_an_even_history() {
    for world in worlds().await {
        for seed in 0..25_u64 {
            let mut random = StdRng::seed_from_u64(seed);
            let owner = UserId::new();
            let (id, first) = world.uploaded(owner).await;
            let mut encodings = vec![first];
            let mut visible = None;
            for _ in 0..30 {
                let encoding = encodings[random.random_range(0..encodings.len())];
                match random.random_range(0..6) {
                    0 => world.start(id, encoding).await,
                    1 => world.fail(id, encoding, "DAMAGED_AUDIO").await,
                    2 | 3 if random.random_bool(0.3) => {
                        let output = OutputId::new();
                        let events = [
                            succeeded(id, encoding, output),
                            started(id, encoding),
                            succeeded(id, encoding, output),
                        ];
                        for event in events {
                            world.handle(Inbox::Encodings, event).await;
                        }
                    }
                    _ => {
                        let request = RetrySongRequest { song_id: id.to_string() };
                        if world.api.retry_song(by(owner, request)).await.is_ok() {
                            encodings.push(world.row(id).await.encoding.unwrap());
                        }
                    }
                }
                let row = world.row(id).await;
                let output = row.output.as_ref().map(|o| o.id);
                assert_eq!(output.is_some(), row.state == SongState::Ready, "seed {seed}: {row:?}");
                assert!(visible.is_none() || visible == output, "seed {seed}: a visible output was replaced");
                visible = output;
            }
            let mut facts = world.facts().await;
            let sequences: Vec<_> =
                facts.iter().filter(|e| e.subject == id.to_string()).map(|e| e.sequence).collect();
            let expected: Vec<_> = (1..=world.row(id).await.version).collect();
            assert_eq!(sequences, expected, "seed {seed}: one fact per version, none missing");

            let twice = facts.clone();
            facts.extend(twice);
            facts.shuffle(&mut random);
            for event in facts {
                world.role().handle(Inbox::OwnerList, event).await.unwrap();
            }
            let listed = world
                .api
                .list_songs(by(owner, ListSongsRequest::default()))
                .await
                .unwrap()
                .into_inner()
                .songs;
            assert_eq!(listed.len(), 1, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_deleted_account_takes_its_songs_along() {
    for world in worlds().await {
        let (owner, other) = (UserId::new(), UserId::new());
        let mine = [world.ready(owner).await, world.create(owner, 5).await];
        let theirs = world.ready(other).await;
        let gone = || Data::UserDeleted(UserChanged { user_id: owner.to_string(), ..Default::default() });
        world.handle(Inbox::Users, gone()).await;
        world.handle(Inbox::Users, gone()).await;
        for id in mine {
            let row = world.row(id).await;
            assert!(
                row.deleted.is_some() && row.metadata.title.is_empty() && row.original.filename.is_empty()
            );
        }
        assert!(world.row(theirs).await.deleted.is_none());
    }
}
