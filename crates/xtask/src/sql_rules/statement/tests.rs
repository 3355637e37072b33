use super::broken;

const ROLE: &str = "crates/song/src/repository/songs.rs#find crates/song/src/read.rs#get";
const SWEEP: &str = "crates/song/src/repository/songs.rs#everywhere";
const RELAY: &str = "crates/cdc/src/postgres/prune.rs#prune";

/// The statement breaks one rule, which says these words.
fn rejected(sql: &str, words: &str) {
    let found = broken(sql, ROLE);
    assert_eq!(found.len(), 1, "{sql}: {found:?}");
    assert!(found[0].contains(words), "{sql}: {found:?}");
}

fn accepted(sql: &str) {
    assert_eq!(broken(sql, ROLE), [""; 0], "{sql}");
}

#[test]
fn what_repositories_ask_is_accepted() {
    accepted(r#"SELECT "songs"."id", "songs"."version" FROM "songs" WHERE "songs"."id" = $1 LIMIT $2"#);
    accepted(r#"SELECT "id" FROM "songs" WHERE "songs"."id" IN ($1, $2)"#);
    accepted("SELECT id FROM songs WHERE id = ANY($1)");
    accepted("SELECT id FROM songs WHERE (id = CAST($1 AS uuid)) AND version > $2 FOR UPDATE");
    accepted(r#"UPDATE "songs" SET "version" = $1 WHERE "id" = $2 AND "version" = $3 RETURNING "id""#);
    accepted("DELETE FROM garbage WHERE song_id = $1 AND prefix = $2");
    accepted(
        r#"INSERT INTO "owner_songs" ("owner_id", "song_id", "sequence") VALUES ($1, $2, $3) ON CONFLICT ("owner_id", "song_id") DO UPDATE SET "sequence" = "excluded"."sequence" WHERE "owner_songs"."sequence" < "excluded"."sequence""#,
    );
    accepted("SELECT * FROM identity_users WHERE email = $1");
    accepted("SELECT g.prefix FROM songs JOIN garbage g ON songs.id = g.song_id WHERE songs.id = $1");
}

#[test]
fn a_statement_that_cannot_be_parsed() {
    rejected("SELEKT 1", "cannot be parsed");
}

#[test]
fn a_table_that_no_rule_knows() {
    rejected("SELECT a FROM podcasts WHERE id = $1", "no rule knows the table podcasts");
}

#[test]
fn a_join_across_aggregates() {
    rejected(
        "SELECT s.id FROM songs s JOIN owner_songs o ON s.id = o.owner_id WHERE s.id = $1",
        "one aggregate",
    );
    rejected(
        "SELECT id FROM songs WHERE id = $1 AND owner_id IN (SELECT user_id FROM identity_users)",
        "one aggregate",
    );
}

#[test]
fn a_join_by_another_column_than_the_key() {
    rejected(
        "SELECT s.id FROM songs s JOIN encodings e ON s.encoding_id = e.encoding_id WHERE s.id = $1",
        "ON their shard keys",
    );
}

#[test]
fn a_read_without_the_shard_key() {
    for sql in [
        "SELECT id FROM songs WHERE owner_id = $1",
        "SELECT id FROM songs",
        "SELECT id FROM songs WHERE id = $1 OR owner_id = $2",
        "SELECT id FROM songs WHERE id > $1",
        "SELECT id FROM songs WHERE id = encoding_id",
        "SELECT id FROM songs WHERE NOT id = $1",
    ] {
        rejected(sql, "SELECT of songs has id = …");
    }
    rejected(
        "SELECT id FROM songs WHERE id IN (SELECT song_id FROM encodings WHERE song_id = $1)",
        "SELECT of songs",
    );
    assert_eq!(broken("SELECT id FROM songs WHERE owner_id = $1", SWEEP), [""; 0]);
}

#[test]
fn a_write_without_the_shard_key() {
    rejected("UPDATE songs SET released = TRUE WHERE owner_id = $1", "UPDATE of songs has id = …");
    rejected("DELETE FROM outbox WHERE created_at < $1", "DELETE of outbox has shard_key = …");
    assert_eq!(broken("DELETE FROM songs WHERE owner_id = $1", SWEEP).len(), 1, "sweeps only read");
    assert_eq!(broken("DELETE FROM outbox WHERE created_at < $1", RELAY), [""; 0]);
}

#[test]
fn a_write_to_the_shard_key() {
    rejected("UPDATE songs SET id = $1 WHERE id = $2", "does not set the shard key");
}

#[test]
fn an_insert_without_the_shard_key() {
    rejected("INSERT INTO encodings (encoding_id) VALUES ($1)", "names the shard key song_id");
}

#[test]
fn an_upsert_by_a_key_that_is_not_the_shards() {
    rejected(
        "INSERT INTO songs (id, isrc) VALUES ($1, $2) ON CONFLICT (isrc) DO NOTHING",
        "names the shard key id among its columns",
    );
}

#[test]
fn an_upsert_that_calls_a_function() {
    rejected(
        "INSERT INTO songs (id, title) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET title = upper(excluded.title)",
        "calls no functions",
    );
}

#[test]
fn an_upsert_that_takes_the_time_from_the_server() {
    let sql = "INSERT INTO songs (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = now()";
    assert!(broken(sql, ROLE).iter().any(|rule| rule.starts_with("now()")), "{:?}", broken(sql, ROLE));
}

#[test]
fn a_volatile_function() {
    for call in
        ["now()", "CURRENT_TIMESTAMP", "gen_random_uuid()", "random()", "nextval('a')", "pg_catalog.now()"]
    {
        rejected(&format!("UPDATE songs SET x = {call} WHERE id = $1"), "bind ids, times and chance");
    }
    rejected("SELECT id FROM songs WHERE id = $1 AND created_at < now()", "bind ids, times and chance");
}

#[test]
fn an_offset() {
    rejected("SELECT id FROM songs WHERE id = $1 LIMIT $2 OFFSET $3", "no OFFSET");
}

#[test]
fn a_lock_without_the_shard_key() {
    let sql = "SELECT id FROM songs WHERE state = 'UPLOADED' LIMIT 1 FOR UPDATE SKIP LOCKED";
    rejected(sql, "FOR UPDATE of songs has id = …");
    assert_eq!(broken(sql, SWEEP).len(), 1, "sweeps lock nothing");
}

#[test]
fn anything_that_is_no_query() {
    rejected("CREATE INDEX a ON songs (id)", "only selects, inserts");
    rejected("TRUNCATE songs", "only selects, inserts");
}
