//! One's own account.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct SignupArgs {
    #[command(flatten)]
    pub(crate) login: LoginArgs,
    /// Name that others see.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) name: String,
    /// Invitation code, when the server wants one.
    #[arg(long, default_value = "", hide_default_value = true)]
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

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Set another password, and end your sessions elsewhere.
    #[command(
        after_help = "Examples:\n  segue account password\n  printf '%s\\n' \"$OLD\" \"$NEW\" | segue account password --passwords-stdin"
    )]
    Password {
        /// Read the password so far and the new one from standard input, a line each, and do not ask.
        #[arg(long)]
        passwords_stdin: bool,
    },
    /// Write everything that the server knows of you into one JSON file.
    #[command(after_help = "Example:\n  segue account export --to me.json")]
    Export {
        /// The file [default: standard output].
        #[arg(long)]
        to: Option<PathBuf>,
    },
    /// Delete your account for good, with your songs and playlists, or hand those over.
    #[command(after_help = "Example:\n  segue account delete --heir friend@example.org")]
    Delete {
        /// E-mail address of the account that gets your songs and playlists; they are deleted without it.
        #[arg(long)]
        heir: Option<String>,
        /// Do not ask whether you are sure.
        #[arg(long, short = 'y')]
        yes: bool,
        /// Read the password from standard input and do not ask for it.
        #[arg(long)]
        password_stdin: bool,
    },
}
