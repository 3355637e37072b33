//! The playlist role: playlists with their items and people, and each listener's likes and history.
#![forbid(unsafe_code)]
