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

const SHARDED: [Table; 30] = [
    Table { name: "songs", key: "id", aggregate: "song" },
    Table { name: "garbage", key: "song_id", aggregate: "song" },
    Table { name: "encodings", key: "song_id", aggregate: "song" },
    Table { name: "owner_songs", key: "owner_id", aggregate: "owner" },
    Table { name: "song_places", key: "song_id", aggregate: "song place" },
    Table { name: "song_fillings", key: "id", aggregate: "song filling" },
    Table { name: "gone_owners", key: "owner_id", aggregate: "gone owner" },
    Table { name: "albums", key: "id", aggregate: "album" },
    Table { name: "album_songs", key: "album_id", aggregate: "album" },
    Table { name: "artists", key: "id", aggregate: "artist" },
    Table { name: "artist_songs", key: "artist_id", aggregate: "artist" },
    Table { name: "owner_albums", key: "owner_id", aggregate: "owner" },
    Table { name: "owner_artists", key: "owner_id", aggregate: "owner" },
    Table { name: "libraries", key: "user_id", aggregate: "library" },
    Table { name: "likes", key: "user_id", aggregate: "library" },
    Table { name: "plays", key: "user_id", aggregate: "library" },
    Table { name: "user_song_plays", key: "user_id", aggregate: "library" },
    Table { name: "tallies", key: "user_id", aggregate: "library" },
    Table { name: "song_stats", key: "song_id", aggregate: "song stats" },
    Table { name: "song_likes", key: "song_id", aggregate: "song stats" },
    Table { name: "song_tallies", key: "song_id", aggregate: "song stats" },
    Table { name: "popularity", key: "series_id", aggregate: "popularity" },
    Table { name: "playlists", key: "id", aggregate: "playlist" },
    Table { name: "playlist_items", key: "playlist_id", aggregate: "playlist" },
    Table { name: "playlist_requests", key: "playlist_id", aggregate: "playlist" },
    Table { name: "playlist_collaborators", key: "playlist_id", aggregate: "playlist" },
    Table { name: "playlist_invitations", key: "playlist_id", aggregate: "playlist" },
    Table { name: "playlist_gone_owners", key: "owner_id", aggregate: "gone owner" },
    Table { name: "user_playlists", key: "user_id", aggregate: "user playlists" },
    Table { name: "outbox", key: "shard_key", aggregate: "outbox" },
];

/// Functions whose statements ask a whole shard, and are run on each: sweeps, sums, rebuilds. They only read. `file#function`,
/// or a folder.
const WHOLE_SHARD: [(&str, &str); 9] = [
    ("crates/song/src/repository/songs.rs#everywhere", "shares, quotas and sweeps are asked of every shard"),
    ("crates/song/src/repository/garbage.rs#due_now", "the reaper sweeps every shard"),
    ("crates/song/src/scan.rs#page", "a rebuild of the index reads every shard"),
    ("crates/song/src/repository/shelves/read.rs#all_after", "a rebuild of the index reads every shard"),
    (
        "crates/playlist/src/repository/playlists.rs#everywhere",
        "quotas, sweeps and what an account owns are asked of every shard",
    ),
    ("crates/playlist/src/repository/playlists.rs#scan", "a rebuild of the index reads every shard"),
    (
        "crates/playlist/src/library/repository/sweep.rs#everywhere",
        "what was left behind is looked for on every shard",
    ),
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
