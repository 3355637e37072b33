//! Playlists.

use super::song::VisibilityArg;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum PlaylistCommand {
    /// List your playlists: own, shared with you, followed. Those changed last come first.
    #[command(after_help = "Example:\n  segue playlist ls --only shared")]
    Ls {
        /// Only these.
        #[arg(long, value_enum)]
        only: Option<RelationArg>,
    },
    /// Show a playlist and its songs in order.
    ///
    /// Songs that were deleted, hidden from you or are not ready keep their place and are marked. With --json one item
    /// per line.
    #[command(after_help = "Example:\n  segue playlist show 'Road trip'")]
    Show {
        /// The playlist: its id or its title.
        playlist: String,
    },
    /// Make an empty playlist.
    #[command(after_help = "Example:\n  segue playlist create 'Road trip' --visibility public")]
    Create(CreateArgs),
    /// Change a playlist's title, description or visibility.
    #[command(after_help = "Example:\n  segue playlist edit 'Road trip' --title 'Road trip 2'")]
    Edit(PlaylistEditArgs),
    /// Delete playlists. Their songs stay.
    #[command(after_help = "Example:\n  segue playlist delete 'Road trip'")]
    Delete {
        /// The playlists: ids or titles.
        #[arg(required = true)]
        playlists: Vec<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Add songs in the order given, at the end unless said otherwise.
    #[command(
        after_help = "Examples:\n  segue playlist add 'Road trip' 'Jóga' 'Hunter'\n  segue playlist add 'Road trip' --album Homogenic --first\n  segue songs --json | jq -r .song_id | segue playlist add Everything -"
    )]
    Add(AddArgs),
    /// Remove songs from a playlist.
    #[command(
        after_help = "Examples:\n  segue playlist rm 'Road trip' 3        (the third)\n  segue playlist rm 'Road trip' 'Jóga'"
    )]
    Rm {
        /// The playlist: its id or its title.
        playlist: String,
        /// Items: their numbers in 'segue playlist show', item ids, or songs.
        #[arg(required = true)]
        items: Vec<String>,
    },
    /// Move a song to another place.
    #[command(after_help = "Example:\n  segue playlist mv 'Road trip' 7 --before 2")]
    Mv {
        /// The playlist: its id or its title.
        playlist: String,
        /// The item: its number in 'segue playlist show', its item id, or its song.
        item: String,
        #[command(flatten)]
        place: WhitherArgs,
    },
    /// Let others in: make an invitation for one person, or name their account.
    #[command(
        after_help = "Examples:\n  segue playlist share 'Road trip'                              (an invitation to view)\n  segue playlist share 'Road trip' --role editor --days 2\n  segue playlist share 'Road trip' --role editor --user friend@example.org"
    )]
    Share(ShareArgs),
    /// List who works on a playlist.
    #[command(after_help = "Example:\n  segue playlist members 'Road trip'")]
    Members {
        /// The playlist: its id or its title.
        playlist: String,
    },
    /// Take somebody away again. What they added stays.
    #[command(
        after_help = "Example:\n  segue playlist unshare 'Road trip' 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    Unshare {
        /// The playlist: its id or its title.
        playlist: String,
        /// Account id, as 'segue playlist members' shows it, or e-mail address.
        user: String,
    },
    /// Join a playlist by the invitation that its owner sent you.
    #[command(after_help = "Example:\n  segue playlist join 3q2-7wEcU4…", visible_alias = "accept")]
    Join {
        /// The invitation.
        invitation: String,
    },
    /// Leave a playlist that is shared with you.
    #[command(after_help = "Example:\n  segue playlist leave 'Road trip'")]
    Leave {
        /// The playlist: its id or its title.
        playlist: String,
    },
    /// Keep somebody else's public playlist in your list.
    #[command(after_help = "Example:\n  segue playlist follow 01890a5d-ac96-774b-bcce-b302099a8057")]
    Follow {
        /// The playlist: its id or its title.
        playlist: String,
    },
    /// Take a followed playlist out of your list.
    #[command(after_help = "Example:\n  segue playlist unfollow 'Their best'")]
    Unfollow {
        /// The playlist: its id or its title.
        playlist: String,
    },
    /// Write a playlist as a file for other programs.
    #[command(after_help = "Example:\n  segue playlist export 'Road trip' --format xspf --to trip.xspf")]
    Export {
        /// The playlist: its id or its title.
        playlist: String,
        /// The file's format [default: by the file's name, else m3u8].
        #[arg(long, value_enum)]
        format: Option<FormatArg>,
        /// The file [default: standard output].
        #[arg(long)]
        to: Option<PathBuf>,
    },
    /// Make a playlist from a file of another program (M3U8, M3U or XSPF).
    ///
    /// Entries are found among your songs by id, ISRC or MusicBrainz id, else by title, artist and length. What is not
    /// found is listed.
    #[command(after_help = "Example:\n  segue playlist import trip.m3u8 --title 'Road trip'")]
    Import {
        /// The file; - reads standard input.
        file: PathBuf,
        /// Title [default: the file's own].
        #[arg(long)]
        title: Option<String>,
        /// The file's format [default: found out by looking].
        #[arg(long, value_enum)]
        format: Option<FormatArg>,
    },
    /// Follow the changes of a playlist until Ctrl-C.
    #[command(after_help = "Example:\n  segue playlist watch 'Road trip'")]
    Watch {
        /// The playlist: its id or its title.
        playlist: String,
    },
}

/// How a playlist came into one's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RelationArg {
    /// Yours.
    Owned,
    /// You may edit or view it.
    Shared,
    /// You follow it.
    Followed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Extended M3U in UTF-8.
    M3u8,
    /// XSPF.
    Xspf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Sees it.
    Viewer,
    /// Changes it.
    Editor,
}

#[derive(Args)]
pub(crate) struct CreateArgs {
    /// Title.
    pub(crate) title: String,
    /// What it is about.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) description: String,
    /// Who may see it.
    #[arg(long, value_enum, default_value_t = VisibilityArg::Private)]
    pub(crate) visibility: VisibilityArg,
    /// Refuse songs that are in it already.
    #[arg(long)]
    pub(crate) refuse_duplicates: bool,
}

#[derive(Args)]
pub(crate) struct PlaylistEditArgs {
    /// The playlist: its id or its title.
    pub(crate) playlist: String,
    #[command(flatten)]
    pub(crate) changes: PlaylistChanges,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct PlaylistChanges {
    /// New title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// New description.
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Who may see it.
    #[arg(long, value_enum)]
    pub(crate) visibility: Option<VisibilityArg>,
    /// Whether songs that are in it already are refused.
    #[arg(long)]
    pub(crate) refuse_duplicates: Option<bool>,
}

#[derive(Args)]
pub(crate) struct AddArgs {
    /// The playlist: its id or its title.
    pub(crate) playlist: String,
    /// Songs: ids or titles; - reads one per line from standard input.
    #[arg(required_unless_present = "album")]
    pub(crate) songs: Vec<String>,
    /// All songs of this album: its id or its title.
    #[arg(long)]
    pub(crate) album: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// A place among the items of a playlist; none of these is the end.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct PlaceArgs {
    /// To the front.
    #[arg(long)]
    pub(crate) first: bool,
    /// Right before this item: its number, its item id, or its song.
    #[arg(long, value_name = "ITEM")]
    pub(crate) before: Option<String>,
    /// Right after this item: its number, its item id, or its song.
    #[arg(long, value_name = "ITEM")]
    pub(crate) after: Option<String>,
}

/// As [`PlaceArgs`], where the end has to be said.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhitherArgs {
    /// To the front.
    #[arg(long)]
    first: bool,
    /// To the end.
    #[arg(long)]
    last: bool,
    /// Right before this item: its number, its item id, or its song.
    #[arg(long, value_name = "ITEM")]
    before: Option<String>,
    /// Right after this item: its number, its item id, or its song.
    #[arg(long, value_name = "ITEM")]
    after: Option<String>,
}

impl From<WhitherArgs> for PlaceArgs {
    fn from(args: WhitherArgs) -> Self {
        Self { first: args.first, before: args.before, after: args.after }
    }
}

#[derive(Args)]
pub(crate) struct ShareArgs {
    /// The playlist: its id or its title.
    pub(crate) playlist: String,
    /// What they may do.
    #[arg(long, value_enum, default_value_t = RoleArg::Viewer)]
    pub(crate) role: RoleArg,
    /// E-mail address or account id; may be given several times. Without it, an invitation is made.
    #[arg(long)]
    pub(crate) user: Vec<String>,
    /// Days that the invitation is good.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=30), conflicts_with = "user")]
    pub(crate) days: u32,
}
