//! What the rules know of each table.

/// A table whose rows are spread over shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The column whose hash chooses the shard.
    pub(super) key: &'static str,
    /// Tables of the same aggregate live on the same shard for the same key.
    pub(super) aggregate: &'static str,
}

const SHARDED: [Table; 14] = [
    Table { name: "songs", key: "id", aggregate: "song" },
    Table { name: "garbage", key: "song_id", aggregate: "song" },
    Table { name: "encodings", key: "song_id", aggregate: "song" },
    Table { name: "owner_songs", key: "owner_id", aggregate: "owner" },
    Table { name: "libraries", key: "user_id", aggregate: "library" },
    Table { name: "likes", key: "user_id", aggregate: "library" },
    Table { name: "plays", key: "user_id", aggregate: "library" },
    Table { name: "user_song_plays", key: "user_id", aggregate: "library" },
    Table { name: "tallies", key: "user_id", aggregate: "library" },
    Table { name: "song_stats", key: "song_id", aggregate: "song stats" },
    Table { name: "song_likes", key: "song_id", aggregate: "song stats" },
    Table { name: "song_tallies", key: "song_id", aggregate: "song stats" },
    Table { name: "popularity", key: "series_id", aggregate: "popularity" },
    Table { name: "outbox", key: "shard_key", aggregate: "outbox" },
];

/// Functions whose statements ask a whole shard, and are run on each: sweeps, sums, rebuilds. They only read. `file#function`,
/// or a folder.
const WHOLE_SHARD: [(&str, &str); 6] = [
    ("crates/song/src/repository/songs.rs#everywhere", "shares, quotas and sweeps are asked of every shard"),
    ("crates/song/src/repository/garbage.rs#due_now", "the reaper sweeps every shard"),
    ("crates/song/src/scan.rs#page", "a rebuild of the index reads every shard"),
    ("crates/playlist/src/library/repository/sweep.rs#everywhere", "what was left behind is looked for on every shard"),
    (
        "crates/playlist/src/library/repository/popularity.rs",
        "songs whose counts have changed are told together, in the database that has them",
    ),
    (RELAY, "a relay carries the outbox of one shard, in that shard's own database"),
];
const RELAY: &str = "crates/cdc/src/";

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sharded(Table),
    /// Lives in one database whatever the topology.
    Whole,
    /// Nobody has said.
    Unknown,
}

pub(super) fn kind(name: &str) -> Kind {
    if let Some(table) = SHARDED.iter().find(|table| table.name == name) {
        return Kind::Sharded(*table);
    }
    // Those of tests are theirs alone.
    let whole = ["identity_", "relay_", "test_"].iter().any(|start| name.starts_with(start));
    let whole = whole || name.ends_with("_migrations");
    let catalogue = name.starts_with("pg_") || ["columns", "tables", "sequences"].contains(&name);
    if whole || catalogue { Kind::Whole } else { Kind::Unknown }
}

/// Whether one of these functions may read a whole shard.
pub(super) fn may_read_a_whole_shard(functions: &str) -> bool {
    let mut functions = functions.split(' ');
    functions.any(|function| WHOLE_SHARD.iter().any(|(allowed, _)| function.starts_with(allowed)))
}

/// Whether one of these functions is the relay's, which prunes its own shard's outbox.
pub(super) fn is_the_relay(functions: &str) -> bool {
    functions.split(' ').any(|function| function.starts_with(RELAY))
}
