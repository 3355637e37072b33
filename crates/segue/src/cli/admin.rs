//! What administrators do.

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum IndexCommand {
    /// Compare the index with the database.
    ///
    /// Prints one difference per line and exits with 1; a script reads nothing and exit code 0 when there is none.
    /// MISSING: in the database and not found. STALE: found with old or altered content. FOREIGN: found and should not
    /// be. What differs is looked at again a moment later, so changes on their way are no differences.
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
