//! Songs: uploading, listing, changing, finding, playing.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct UploadArgs {
    /// Files or folders.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Do not wait for the encoder.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Who may see the songs.
    #[arg(long, value_enum)]
    pub(crate) visibility: Option<VisibilityArg>,
    /// Seconds to go on trying while the server is away.
    #[arg(long, default_value_t = 120)]
    pub(crate) patience: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VisibilityArg {
    /// You.
    Private,
    /// Anyone who knows the id.
    Unlisted,
    /// Anyone.
    Public,
}

/// Where a song is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateArg {
    /// Its bytes are on their way.
    Created,
    /// It waits for an encoder.
    Uploaded,
    /// An encoder works on it.
    Processing,
    /// It plays.
    Ready,
    /// It does not; 'segue show' says why.
    Failed,
}

#[derive(Args)]
pub(crate) struct SongsArgs {
    /// Only songs in this state; may be given several times.
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) state: Vec<StateArg>,
    /// At most this many.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Args)]
pub(crate) struct SearchArgs {
    /// What you remember: words, "a phrase", artist:name, album:name, title:name, genre:name, year:1990..1999, -word;
    /// in quotes where the shell would take them apart.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// At most this many answers.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only these kinds; may be given several times.
    #[arg(long, value_enum)]
    pub(crate) kind: Vec<FoundKind>,
    /// List names that begin so instead, as while typing; at most 50.
    #[arg(long)]
    pub(crate) suggest: bool,
}

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FoundKind {
    /// Songs.
    Song,
    /// Albums.
    Album,
    /// Artists.
    Artist,
    /// Playlists.
    Playlist,
}

#[derive(Args)]
pub(crate) struct RetryArgs {
    /// The song: its id or its title.
    pub(crate) song: String,
    /// The file, when the server asks for its bytes again.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Do not wait for the encoder.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Args)]
pub(crate) struct EditArgs {
    /// The song: its id or its title.
    pub(crate) song: String,
    #[command(flatten)]
    pub(crate) changes: SongChanges,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct SongChanges {
    /// New title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// New artists; give it once for each.
    #[arg(long = "artist")]
    pub(crate) artists: Vec<String>,
    /// New album.
    #[arg(long)]
    pub(crate) album: Option<String>,
    /// New album artist.
    #[arg(long)]
    pub(crate) album_artist: Option<String>,
    /// New genre.
    #[arg(long)]
    pub(crate) genre: Option<String>,
    /// New year.
    #[arg(long)]
    pub(crate) year: Option<u32>,
    /// New track number.
    #[arg(long)]
    pub(crate) track: Option<u32>,
    /// New disc number.
    #[arg(long)]
    pub(crate) disc: Option<u32>,
    /// Who may see it.
    #[arg(long, value_enum)]
    pub(crate) visibility: Option<VisibilityArg>,
}

/// What a name names, where it could be several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// A song.
    Song,
    /// A playlist.
    Playlist,
    /// An album.
    Album,
}

#[derive(Args)]
pub(crate) struct PlayArgs {
    /// A song, playlist or album: its id or its title.
    pub(crate) what: String,
    /// What it is, when several things have this title.
    #[arg(long = "as", value_enum)]
    pub(crate) kind: Option<KindArg>,
    /// Write the queue of a playlist or album into this file (queue.m3u8).
    #[arg(long)]
    pub(crate) to: Option<PathBuf>,
}
