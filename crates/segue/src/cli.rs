//! The command line: what can be said and what it means. Each file below is one subject; this one is the list of commands.

mod account;
mod admin;
mod download;
mod everywhere;
mod library;
mod playlist;
mod server;
mod song;

pub(crate) use account::{AccountCommand, LoginArgs, SignupArgs};
pub(crate) use admin::{IndexCommand, JobsCommand, UsersCommand};
pub(crate) use download::{DownloadArgs, KeepArgs, QualityArg, SyncArgs};
pub(crate) use everywhere::{Global, command, parse};
pub(crate) use library::{AlbumsArgs, ArtistsArgs, HistoryArgs, LimitArg, PlayedArgs, SongNames};
pub(crate) use playlist::{
    AddArgs, CreateArgs, FormatArg, PlaceArgs, PlaylistCommand, PlaylistEditArgs, RelationArg, RoleArg,
    ShareArgs,
};
pub(crate) use server::{ConfigCommand, ProvisionArgs, Role, ServeArgs, UpArgs};
pub(crate) use song::{
    EditArgs, FoundKind, KindArg, PlayArgs, RetryArgs, SearchArgs, SongChanges, SongsArgs, StateArg,
    UploadArgs, VisibilityArg,
};

use clap::{Parser, Subcommand};

/// Music streaming: upload a song, and it becomes an adaptive stream.
///
/// `segue up` starts a whole server with nothing else installed. From `signup` to `users`, commands talk to a server. Songs,
/// playlists, albums and artists are named by title, or by id.
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
    #[command(after_help = "Example:\n  segue signup --email you@example.org --name You")]
    Signup(SignupArgs),
    /// Sign in.
    Login(LoginArgs),
    /// Sign out; the session ends everywhere.
    Logout,
    /// Show who is signed in, and where.
    Whoami,
    /// Take your data with you, or delete your account.
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Upload files or whole folders, and wait until they play.
    ///
    /// Reads MP3, FLAC and WAV. Interrupted and run again, it sends only what the server does not have. A file that you
    /// uploaded before is skipped; one that failed is tried again.
    #[command(after_help = "Example:\n  segue upload ~/Music --visibility public")]
    Upload(UploadArgs),
    /// List your songs, newest first.
    #[command(after_help = "Example:\n  segue songs --state failed")]
    Songs(SongsArgs),
    /// Show one song.
    Show {
        /// The song: its id or its title.
        song: String,
    },
    /// Change a song's metadata.
    #[command(after_help = "Example:\n  segue edit 'Joga' --title 'Jóga' --artist Björk --visibility public")]
    Edit(EditArgs),
    /// Delete songs and their audio.
    ///
    /// Whoever has a playback URL of one may hear it until that expires, where an edge has kept it.
    Rm {
        /// The songs: ids or titles.
        #[arg(required = true)]
        songs: Vec<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Try a failed song again, and wait until it plays.
    #[command(after_help = "Example:\n  segue retry 'Jóga' --file ~/Music/joga.flac")]
    Retry(RetryArgs),
    /// Follow a song until it is ready.
    Watch {
        /// The song: its id or its title.
        song: String,
    },
    /// Print a URL that any HLS player plays; of a playlist or album, a queue of them.
    ///
    /// A queue is an extended M3U file. Its links end after two hours, or twice a song if that is longer.
    #[command(
        after_help = "Examples:\n  ffplay \"$(segue play 'Jóga')\"\n  segue play 'Road trip' --to queue.m3u8 && mpv queue.m3u8"
    )]
    Play(PlayArgs),
    /// Find songs, albums, artists and playlists by a few words of title, artist, album, genre or year.
    ///
    /// Typos, unfinished words and missing accents are fine: 'segue search bjork yoga' finds Björk's Jóga. Finds what
    /// is public and, signed in, what you own; administrators find everything. Best answers come first.
    #[command(
        after_help = "Examples:\n  segue search 'artist:björk -live year:1993..1997'\n  segue search --kind playlist road trip"
    )]
    Search(SearchArgs),
    /// Make playlists, change them, share them.
    #[command(visible_alias = "pl")]
    Playlist {
        #[command(subcommand)]
        command: PlaylistCommand,
    },
    /// Like songs.
    #[command(after_help = "Example:\n  segue like 'Jóga' 'Hunter'")]
    Like(SongNames),
    /// Like songs no longer.
    #[command(after_help = "Example:\n  segue unlike 'Hunter'")]
    Unlike(SongNames),
    /// List the songs that you like, liked last first.
    #[command(
        after_help = "Example:\n  segue likes --json | jq -r .song_id | segue playlist add Favourites -"
    )]
    Likes(LimitArg),
    /// List what you heard, newest first; or delete it.
    #[command(after_help = "Examples:\n  segue history --limit 20\n  segue history --clear")]
    History(HistoryArgs),
    /// List the songs that you heard most often, or last.
    #[command(after_help = "Example:\n  segue played --recent --limit 10")]
    Played(PlayedArgs),
    /// List your albums, or show one with its songs.
    #[command(after_help = "Examples:\n  segue albums --artist Björk\n  segue albums Homogenic")]
    Albums(AlbumsArgs),
    /// List the artists of your songs, or show one with their songs.
    #[command(after_help = "Example:\n  segue artists Björk")]
    Artists(ArtistsArgs),
    /// Print the words of a song; with their times when the file has them.
    #[command(after_help = "Example:\n  segue lyrics 'Jóga' > joga.lrc")]
    Lyrics {
        /// The song: its id or its title.
        song: String,
    },
    /// Keep a song, or all songs of an album or a playlist, on this machine.
    ///
    /// Each song becomes a folder with a master playlist that plays without network, or with --single-file one tagged
    /// file. An album or a playlist also gets a queue, playlist.m3u8. Interrupted and run again, it fetches only what is
    /// not there; what was deleted or damaged is made whole.
    Download(DownloadArgs),
    /// Keep a folder in step with a playlist: download what is new, delete what it wrote and left the playlist, rename.
    ///
    /// Only files that it wrote itself, and that are as it wrote them, are ever deleted.
    Sync(SyncArgs),
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
    #[command(
        after_help = "Example:\n  segue completions bash > ~/.local/share/bash-completion/completions/segue"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}
