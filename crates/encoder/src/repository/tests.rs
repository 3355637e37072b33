//! The repository on every engine.

use super::{Change, Header, Repository};
use crate::{
    Encoder,
    encoding::{Failure, State},
};
use prost::Message;
use sea_orm::{ConnectionTrait, Statement};
use segue_domain::{EncodingId, FailureReason, OutputId, SongId, Timestamp, UserId};
use segue_proto::event::v1::{EncodingSucceeded, Event, event::Data};
use segue_store::{
    Store,
    testing::{TestStore, stores},
};

const NOW: Timestamp = Timestamp(1_000);

async fn engines() -> Vec<(TestStore, Repository)> {
    let mut engines = Vec::new();
    for test in stores().await {
        Encoder::migrate(&test.store).await.unwrap();
        Encoder::migrate(&test.store).await.unwrap();
        let repository = Repository::new(test.store.clone());
        engines.push((test, repository));
    }
    engines
}

fn job() -> Header {
    Header { id: EncodingId::new(), song: SongId::new(), owner: UserId::new() }
}

async fn told(store: &Store, song: SongId) -> Vec<Event> {
    let sql = "SELECT payload FROM outbox WHERE shard_key = $1 ORDER BY sequence";
    let statement = Statement::from_sql_and_values(store.backend(), sql, [song.to_string().into()]);
    let rows = store.primary(&song.into()).query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|r| Event::decode(r.try_get::<Vec<u8>>("", "payload").unwrap().as_slice()).unwrap())
        .collect()
}

#[tokio::test]
async fn an_encoding_goes_its_way_and_tells_each_step_once() {
    for (test, repository) in engines().await {
        let job = job();
        repository.queue(job, NOW).await.unwrap();
        repository.queue(job, NOW).await.unwrap();
        let queued = repository.get(job.song, job.id).await.unwrap().unwrap();
        assert_eq!((queued.state, queued.version, queued.attempts), (State::Queued, 0, 0), "{}", test.engine);

        for attempt in 1..=3 {
            let Change::Made(row) = repository.begin(job, Timestamp(2_000)).await.unwrap() else {
                panic!("ended")
            };
            assert_eq!(
                (row.state, row.version, row.attempts),
                (State::Running, 1, attempt),
                "{}",
                test.engine
            );
        }

        let output = OutputId::new();
        let summary = EncodingSucceeded { output_id: output.to_string(), ..Default::default() };
        let done = repository.succeed(job, output, summary.clone(), Timestamp(3_000)).await.unwrap();
        let Change::Made(row) = done else { panic!("ended") };
        assert_eq!((row.state, row.output, row.version), (State::Succeeded, Some(output), 2));
        assert_eq!((row.created, row.updated), (NOW, Timestamp(3_000)));

        // Whatever comes later changes nothing.
        let ended = Change::Ended(row.clone());
        assert_eq!(repository.succeed(job, OutputId::new(), summary, NOW).await.unwrap(), ended);
        let failure = Failure::new(FailureReason::Parked, "no");
        assert_eq!(repository.fail(job.song, job.id, &failure, NOW).await.unwrap(), ended);
        assert_eq!(repository.begin(job, NOW).await.unwrap(), ended);
        repository.queue(job, NOW).await.unwrap();
        assert_eq!(repository.get(job.song, job.id).await.unwrap(), Some(row));

        let told = told(&test.store, job.song).await;
        let kinds: Vec<_> = told.iter().map(|e| (e.r#type.as_str(), e.sequence, e.subject.clone())).collect();
        let id = job.id.to_string();
        assert_eq!(kinds, [("encoding.started.v1", 1, id.clone()), ("encoding.succeeded.v1", 2, id)]);
        let Some(Data::EncodingSucceeded(data)) = &told[1].data else { panic!("{told:?}") };
        assert_eq!(
            (data.owner_id.clone(), data.output_id.clone()),
            (job.owner.to_string(), output.to_string())
        );
    }
}

#[tokio::test]
async fn a_queued_encoding_can_fail_and_then_never_begins() {
    for (test, repository) in engines().await {
        let job = job();
        repository.queue(job, NOW).await.unwrap();
        let failure = Failure::new(FailureReason::Cancelled, "stopped");
        let Change::Made(row) = repository.fail(job.song, job.id, &failure, NOW).await.unwrap() else {
            panic!()
        };
        assert_eq!((row.state, row.failure.clone()), (State::Failed, Some(failure)), "{}", test.engine);
        assert_eq!(repository.begin(job, NOW).await.unwrap(), Change::Ended(row));
        let kinds: Vec<_> = told(&test.store, job.song).await.into_iter().map(|e| e.r#type).collect();
        assert_eq!(kinds, ["encoding.failed.v1"]);
    }
}

#[tokio::test]
async fn one_of_many_that_end_it_at_once_wins() {
    for (test, repository) in engines().await {
        let job = job();
        repository.begin(job, NOW).await.unwrap();
        let ends =
            (0..8).map(|_| repository.succeed(job, OutputId::new(), EncodingSucceeded::default(), NOW));
        let ends = futures::future::join_all(ends).await;
        let made = ends.iter().filter(|e| matches!(e, Ok(Change::Made(_)))).count();
        let lost = ends.iter().filter(|e| matches!(e, Ok(Change::Ended(_)))).count();
        assert_eq!((made, lost), (1, 7), "{}", test.engine);
        assert_eq!(told(&test.store, job.song).await.len(), 2);
    }
}

#[tokio::test]
async fn a_song_lists_its_own_encodings_newest_first() {
    for (test, repository) in engines().await {
        let song = job();
        let mut ids = Vec::new();
        for _ in 0..5 {
            let job = Header { id: EncodingId::new(), ..song };
            repository.queue(job, NOW).await.unwrap();
            repository.queue(self::job(), NOW).await.unwrap();
            ids.insert(0, job.id);
        }
        let page = |before, most| repository.list(song.song, before, most);
        let shown = |rows: Vec<crate::encoding::Encoding>| rows.into_iter().map(|e| e.id).collect::<Vec<_>>();
        assert_eq!(shown(page(None, 3).await.unwrap()), ids[..3], "{}", test.engine);
        assert_eq!(shown(page(Some(ids[2]), 3).await.unwrap()), ids[3..]);
        assert!(page(Some(ids[4]), 3).await.unwrap().is_empty());
    }
}
