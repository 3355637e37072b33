//! Songs kept for offline.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How songs are kept.
#[derive(Args)]
pub(crate) struct KeepArgs {
    /// Best, or at most so many kbit/s. Never larger than what was uploaded, but for the smallest there is.
    #[arg(long, value_enum, default_value_t = QualityArg::Best)]
    pub(crate) quality: QualityArg,
    /// One tagged file per song, .m4a or .flac, instead of a folder.
    #[arg(long)]
    pub(crate) single_file: bool,
    /// Seconds to go on trying while the server is away.
    #[arg(long, default_value_t = 120)]
    pub(crate) patience: u64,
}

#[derive(Args)]
pub(crate) struct DownloadArgs {
    /// Id of a song, an album or a playlist, or its title when there is only one.
    pub(crate) what: String,
    /// Folder to keep it in.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
}

#[derive(Args)]
pub(crate) struct SyncArgs {
    /// Id or title of a playlist.
    pub(crate) playlist: String,
    /// Folder to keep in step.
    #[arg(value_name = "DIR")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QualityArg {
    /// The best that is no larger than what was uploaded.
    Best,
    /// AAC of at most 256 kbit/s.
    #[value(name = "256")]
    Aac256,
    /// AAC of at most 128 kbit/s.
    #[value(name = "128")]
    Aac128,
    /// AAC of at most 64 kbit/s.
    #[value(name = "64")]
    Aac64,
}
