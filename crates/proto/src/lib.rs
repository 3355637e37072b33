//! The contracts: generated bindings of `proto/` and the descriptor set that carries their policies.
//!
//! Nothing here is written by hand but this file. The gateway, authentication and reflection read
//! [`FILE_DESCRIPTOR_SET`]; adding a method to a `.proto` is all it takes to have it routed and checked.
#![forbid(unsafe_code)]
#![allow(
    clippy::all,
    clippy::redundant_clone,
    clippy::disallowed_methods,
    unreachable_pub,
    unused_qualifications,
    rustdoc::all
)]

/// The encoded `FileDescriptorSet` of every contract, imports included, custom options kept.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/segue.fds.bin"));

/// `segue.policy.v1`: who may call a method and what it costs.
pub mod policy {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.policy.v1.rs"));
    }
}
/// `segue.event.v1`: facts in the past tense.
pub mod event {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.event.v1.rs"));
    }
}
/// `segue.identity.v1`: accounts and sessions.
pub mod identity {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.identity.v1.rs"));
    }
}
/// `segue.song.v1`: songs.
pub mod song {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.song.v1.rs"));
    }
}
/// `segue.playlist.v1`: playlists, likes and listening history.
pub mod playlist {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.playlist.v1.rs"));
    }
}
/// `segue.search.v1`: finding things by words.
pub mod search {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.search.v1.rs"));
    }
}
/// `segue.encoder.v1`: encodings.
pub mod encoder {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/segue.encoder.v1.rs"));
    }
}
