//! The listener's library: likes, history, albums, artists, lyrics.

use clap::Args;

#[derive(Args)]
pub(crate) struct SongNames {
    /// Songs: their ids or titles.
    #[arg(required = true)]
    pub(crate) songs: Vec<String>,
}

#[derive(Args)]
pub(crate) struct LimitArg {
    /// At most this many.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) limit: LimitArg,
    /// Delete your whole listening history.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) clear: bool,
    /// Do not ask before deleting.
    #[arg(long, short = 'y', requires = "clear")]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct PlayedArgs {
    /// Heard last first, instead of most often first.
    #[arg(long)]
    pub(crate) recent: bool,
    #[command(flatten)]
    pub(crate) limit: LimitArg,
}

#[derive(Args)]
pub(crate) struct AlbumsArgs {
    /// Show this album with its songs: its id or its title.
    pub(crate) album: Option<String>,
    /// Only albums of this artist: id or name.
    #[arg(long, conflicts_with = "album")]
    pub(crate) artist: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArg,
}

#[derive(Args)]
pub(crate) struct ArtistsArgs {
    /// Show this artist with their songs: id or name.
    pub(crate) artist: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArg,
}
