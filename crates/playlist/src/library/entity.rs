pub(crate) mod likes;
pub(crate) mod plays;
pub(crate) mod song_likes;
pub(crate) mod song_stats;
pub(crate) mod tallies;
pub(crate) mod user_song_plays;
