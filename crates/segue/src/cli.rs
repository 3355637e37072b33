//! The command line: what can be said and what it means.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Music streaming: upload a song, and it becomes an adaptive stream.
///
/// `segue up` starts a whole server with nothing else installed. Everything below `login` talks to a server.
///
/// Exit codes: 0 done, 1 it failed, 2 wrong usage or configuration, 3 not signed in, 4 server not reachable.
#[derive(Parser)]
#[command(name = "segue", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// Server to talk to [default: the one you signed in to last, else http://127.0.0.1:4420].
    #[arg(long, env = "SEGUE_URL", global = true)]
    pub(crate) url: Option<String>,
    /// Folder of sessions and unfinished uploads [default: ~/.config/segue].
    #[arg(long, env = "SEGUE_HOME", global = true, hide = true)]
    pub(crate) home: Option<PathBuf>,
    /// One JSON object per line, for scripts.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a whole server in one process, on embedded engines.
    ///
    /// Prints its address, and on the first run the account to sign in with. Ctrl-C stops it.
    Up(UpArgs),
    /// Run named roles with a configuration file.
    Serve(ServeArgs),
    /// Make what the roles of a mesh need before they start: tables, queues, container, index, keys, the first account.
    ///
    /// Repeating it changes nothing. Prints the first account on the first run.
    Provision(ProvisionArgs),
    /// Make an account and sign in.
    Signup(SignupArgs),
    /// Sign in.
    Login(LoginArgs),
    /// Sign out; the session ends everywhere.
    Logout,
    /// Show who is signed in, and where.
    Whoami,
    /// Upload files or whole folders, and wait until they play.
    ///
    /// Interrupted and run again, it sends only what the server does not have. A file that you uploaded before
    /// is skipped.
    Upload(UploadArgs),
    /// List your songs, newest first.
    Songs(SongsArgs),
    /// Show one song.
    Show {
        /// Song id.
        song: String,
    },
    /// Change a song's metadata.
    Edit(EditArgs),
    /// Delete songs and their audio.
    Rm {
        /// Song ids.
        #[arg(required = true)]
        songs: Vec<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Try a failed song again.
    Retry {
        /// Song id.
        song: String,
        /// The file, when the server asks for its bytes again.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Follow a song until it is ready.
    Watch {
        /// Song id.
        song: String,
    },
    /// Print a URL that any HLS player plays.
    Play {
        /// Song id.
        song: String,
    },
    /// Find songs by a few words of title, artist, album, genre or year.
    ///
    /// Typos, unfinished words and missing accents are fine: 'segue search bjork yoga' finds Björk's Jóga. Finds what
    /// is public and, signed in, what you own; administrators find everything. Best answers come first.
    Search(SearchArgs),
    /// The search index, for administrators.
    Index {
        #[command(subcommand)]
        command: IndexCommand,
    },
    /// Show jobs that were set aside because they failed again and again; try them again, or throw them away.
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Other people's accounts, for administrators.
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// The server's configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print a completion script for your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Decodes and encodes one file; started by the encoder role.
    #[command(hide = true)]
    EncodeWorker,
}

#[derive(Subcommand)]
pub(crate) enum IndexCommand {
    /// Compare the index with the database.
    ///
    /// Prints one difference per line and exits with 1; prints nothing and exits with 0 when there is none. MISSING: in
    /// the database and not found. STALE: found with old or altered content. FOREIGN: found and should not be. What
    /// differs is looked at again a moment later, so changes on their way are no differences.
    Verify,
    /// Build the index anew from the database, beside the one that answers, and put it in its place.
    ///
    /// Searching goes on meanwhile. Stopped and run again, this follows the rebuild that is going on.
    Rebuild,
}

#[derive(Subcommand)]
pub(crate) enum UsersCommand {
    /// List accounts, oldest first.
    Ls {
        /// Only accounts whose e-mail address begins with this.
        prefix: Option<String>,
    },
    /// Sign an account out everywhere and let nobody sign in to it. Its songs stay.
    Disable {
        /// E-mail address or account id.
        user: String,
    },
    /// Let a disabled account sign in again.
    Enable {
        /// E-mail address or account id.
        user: String,
    },
    /// Give an account a new password and sign it out everywhere.
    ///
    /// Prints a password made by the server, unless you send one.
    ResetPassword {
        /// E-mail address or account id.
        user: String,
        /// Read the new password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum JobsCommand {
    /// List them, oldest first within a queue.
    Ls {
        /// Only of this work queue (encoder.jobs, song.encodings, …).
        #[arg(long)]
        queue: Option<String>,
    },
    /// Show one, with its event.
    Show {
        /// Its id.
        job: String,
        /// Its work queue, when it is in several.
        #[arg(long)]
        queue: Option<String>,
    },
    /// Put them back into their queue, as if they had never been tried.
    Retry {
        /// Their ids.
        #[arg(required_unless_present = "all")]
        jobs: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "jobs")]
        all: bool,
        /// Only of this work queue.
        #[arg(long)]
        queue: Option<String>,
    },
    /// Throw them away for good.
    Drop {
        /// Their ids.
        #[arg(required_unless_present = "all")]
        jobs: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "jobs")]
        all: bool,
        /// Only of this work queue.
        #[arg(long)]
        queue: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
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

/// A part of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Role {
    /// The public door.
    Gateway,
    /// Accounts and sessions.
    Identity,
    /// Songs and uploads.
    Song,
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
            Self::Encoder => "encoder",
            Self::Search => "search",
            Self::Cdc => "cdc",
            Self::Edge => "edge",
        }
    }
    pub(crate) const ALL: [Role; 7] =
        [Role::Gateway, Role::Identity, Role::Song, Role::Encoder, Role::Search, Role::Cdc, Role::Edge];
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

#[derive(Args)]
pub(crate) struct SignupArgs {
    #[command(flatten)]
    pub(crate) login: LoginArgs,
    /// Name that others see.
    #[arg(long, default_value = "")]
    pub(crate) name: String,
    /// Invitation code, when the server wants one.
    #[arg(long, default_value = "")]
    pub(crate) invitation: String,
}

#[derive(Args)]
pub(crate) struct LoginArgs {
    /// E-mail address; asked for when not given.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Read the password from standard input and do not ask.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

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

#[derive(Args)]
pub(crate) struct SearchArgs {
    /// What you remember.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// At most this many answers.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Args)]
pub(crate) struct SongsArgs {
    /// Only songs in this state (READY, FAILED, …); may be given several times.
    #[arg(long)]
    pub(crate) state: Vec<String>,
    /// At most this many.
    #[arg(long)]
    pub(crate) limit: Option<usize>,
}

#[derive(Args)]
pub(crate) struct EditArgs {
    /// Song id.
    pub(crate) song: String,
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
