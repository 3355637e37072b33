//! Starting, preparing and configuring a server.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A part of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Role {
    /// The public door.
    Gateway,
    /// Accounts and sessions.
    Identity,
    /// Songs and uploads.
    Song,
    /// Playlists, likes and history.
    Playlist,
    /// Encodings.
    Encoder,
    /// The query side of the index.
    Search,
    /// The change relay.
    Cdc,
    /// A cache of media.
    Edge,
}

impl Role {
    /// Clients outside of the mesh talk to it.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::Gateway | Self::Edge)
    }
    /// As on the command line and in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Identity => "identity",
            Self::Song => "song",
            Self::Playlist => "playlist",
            Self::Encoder => "encoder",
            Self::Search => "search",
            Self::Cdc => "cdc",
            Self::Edge => "edge",
        }
    }
    pub(crate) const ALL: [Role; 8] = [
        Role::Gateway,
        Role::Identity,
        Role::Song,
        Role::Playlist,
        Role::Encoder,
        Role::Search,
        Role::Cdc,
        Role::Edge,
    ];
}

#[derive(Args)]
pub(crate) struct UpArgs {
    /// Where everything is kept [default: ~/.local/share/segue].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Port; 0 picks a free one [default: 4420].
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Address to listen on; 0.0.0.0 opens it to your network [default: 127.0.0.1].
    #[arg(long)]
    pub(crate) listen: Option<std::net::IpAddr>,
    /// Address that clients use, when it is not the one they say (behind a proxy).
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// Configuration file.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Roles to run in this process.
    #[arg(required = true)]
    pub(crate) roles: Vec<Role>,
    #[command(flatten)]
    pub(crate) up: UpArgs,
}

#[derive(Args)]
pub(crate) struct ProvisionArgs {
    /// Configuration file.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the whole configuration with defaults, as TOML. Secrets are not printed.
    Print {
        /// Configuration file.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Only the sections that a role reads.
        #[arg(long)]
        role: Option<Role>,
    },
}
