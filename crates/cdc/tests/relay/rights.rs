//! What the server and the role allow.

use crate::{
    bus::Recorder,
    database::{commit, on_postgres, run},
    running::Running,
};
use segue_cdc::{CdcConfig, RelayError, Source};
use std::sync::Arc;

#[tokio::test]
async fn a_role_without_replication_is_served_by_polling() {
    on_postgres(async |database| {
        let mut sql = database.sql().await;
        let role = &database.name;
        // The tables of the relay are made by whoever may.
        database.provision(Source::Polling).await;
        let grants = format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT, DELETE ON outbox, identity_outbox TO {role}"
        );
        run(&mut sql, grants).await;
        let host = database.url().replace("postgres://", "");
        let url = format!("postgres://{role}:x@{}", host.rsplit('@').next().unwrap());

        let bus = Arc::<Recorder>::default();
        let relay =
            database.relay_through(&bus, database.config(Source::Replication), std::slice::from_ref(&url));
        let error = relay.provision().await.unwrap_err();
        assert!(
            matches!(&error, RelayError::Provision { reason, .. } if reason.contains("REPLICATION")),
            "{error}"
        );

        let relay = database.relay_through(&bus, database.config(Source::Auto), &[url]);
        let relay = Running::new(relay);
        let ids = commit(&mut sql, "a", 1..4).await;
        bus.hears_all(&ids).await;
        relay.stop().await;
        run(&mut sql, format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    })
    .await;
}

#[tokio::test]
async fn provisioning_is_idempotent_from_several_processes_at_once() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        let relays = [(); 4].map(|()| database.relay(&bus, database.config(Source::Auto)));
        let results = futures::future::join_all(relays.iter().map(|relay| relay.provision())).await;
        results.into_iter().for_each(|result| result.unwrap());
        relays[0].provision().await.unwrap();
        let mut sql = database.sql().await;
        let ids = commit(&mut sql, "a", 1..4).await;
        let relay = database.start(&bus, Source::Auto);
        bus.hears_all(&ids).await;
        let slots =
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name = current_database() AND active";
        assert_eq!(database.number(slots).await, 1, "a superuser replicates");
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn servers_that_are_away_or_unable_are_passed_over() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        let away = "postgres://nobody@127.0.0.1:9/none".to_owned();
        let urls = [away, database.url()];
        let relay = Running::new(database.relay_through(&bus, database.config(Source::Auto), &urls));
        let mut sql = database.sql().await;
        let ids = commit(&mut sql, "a", 1..4).await;
        bus.hears_all(&ids).await;
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_slot_of_another_database_is_refused_by_name() {
    on_postgres(async |database| {
        let mut sql = database.sql().await;
        let other = format!("{}x", database.name);
        run(&mut sql, format!("SELECT pg_create_logical_replication_slot('{other}', 'test_decoding')")).await;
        let config = CdcConfig { slot: other.clone(), ..database.config(Source::Replication) };
        let error = database.relay(&Arc::default(), config).provision().await.unwrap_err().to_string();
        run(&mut sql, format!("SELECT pg_drop_replication_slot('{other}')")).await;
        assert!(error.contains("cdc.slot"), "{error}");
    })
    .await;
}
