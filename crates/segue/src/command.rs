//! Commands. Each file is one family; this one builds what they share and chooses.

mod account;
mod catalogue;
mod configuration;
mod download;
mod index;
mod jobs;
mod library;
mod name;
mod play;
mod playlist;
mod search;
mod sink;
mod song;
mod sync;
mod table;
mod upload;
mod users;

use crate::{
    cli::{self, Command, Global, IndexCommand, PlaylistCommand},
    config, home, output, provision, serve,
};
use segue_client::{Client, CredentialStore};
use std::sync::Arc;

/// What a command that talks to a server works with.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) home: home::Home,
    pub(crate) credentials: Arc<dyn CredentialStore>,
    pub(crate) json: bool,
}

impl Session {
    fn open(global: Global) -> anyhow::Result<Self> {
        let home = home::Home::open(global.home.map_or_else(config::home_folder, Ok)?)?;
        let url = home.server(global.url);
        let credentials = home.credentials(&url);
        let client = Client::new(&url, Arc::clone(&credentials))?;
        client.has_seen(&home.seen(&url));
        Ok(Self { client, home, credentials, json: global.json })
    }
}

/// Runs a command to its end.
pub(crate) fn run(global: Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => serve::up(args, global.json),
        Command::Serve(args) => serve::serve(args, global.json),
        Command::Provision(args) => provision::run(args, global.json),
        Command::Config { command } => configuration::run(command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut cli::command(), "segue", &mut script);
            output::bytes(&script);
            Ok(())
        }
        command => {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let session = Session::open(global)?;
                let (stopped, before) = (stopped(&command), session.client.seen());
                let done = tokio::select! {
                    done = talk(&session, command) => done,
                    _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!(stopped)),
                };
                let after = session.client.seen();
                if after != before {
                    session.home.set_seen(session.client.url(), after);
                }
                done
            })
        }
    }
}

/// What Ctrl-C leaves behind.
fn stopped(command: &Command) -> &'static str {
    match command {
        Command::Upload(_) => "stopped; run it again to go on where it was",
        Command::Retry(_) => "stopped waiting; the song is on its way, and 'segue watch' follows it",
        Command::Watch { .. } => "stopped watching; the song goes on by itself",
        Command::Playlist { command: PlaylistCommand::Watch { .. } } => "stopped watching",
        Command::Index { command: IndexCommand::Rebuild } => {
            "stopped following; the rebuild goes on, and 'segue index rebuild' follows it again"
        }
        _ => "stopped",
    }
}

async fn talk(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Signup(args) => account::sign_up(session, args).await,
        Command::Login(args) => account::sign_in(session, args).await,
        Command::Logout => account::sign_out(session).await,
        Command::Account { command } => account::run(session, command).await,
        Command::Whoami => account::who_am_i(session).await,
        Command::Upload(args) => upload::upload(session, args).await,
        Command::Songs(args) => song::list(session, args).await,
        Command::Show { song } => song::show(session, &song).await,
        Command::Edit(args) => song::edit(session, args).await,
        Command::Rm { songs, yes } => song::remove(session, &songs, yes).await,
        Command::Retry(args) => song::retry(session, args).await,
        Command::Watch { song } => song::watch(session, &song).await,
        Command::Play(args) => play::play(session, args).await,
        Command::Playlist { command } => playlist::run(session, command).await,
        Command::Like(args) => library::like(session, args, true).await,
        Command::Unlike(args) => library::like(session, args, false).await,
        Command::Likes(args) => library::likes(session, args).await,
        Command::History(args) => library::history(session, args).await,
        Command::Played(args) => library::played(session, args).await,
        Command::Albums(args) => catalogue::albums(session, args).await,
        Command::Artists(args) => catalogue::artists(session, args).await,
        Command::Lyrics { song } => catalogue::lyrics(session, &song).await,
        Command::Search(args) => search::search(session, args).await,
        Command::Download(args) => download::download(session, args).await,
        Command::Sync(args) => sync::sync(session, args).await,
        Command::Index { command } => index::run(session, command).await,
        Command::Jobs { command } => jobs::run(session, command).await,
        Command::Users { command } => users::run(session, command).await,
        Command::Up(_)
        | Command::Serve(_)
        | Command::Provision(_)
        | Command::Config { .. }
        | Command::Completions { .. } => {
            unreachable!("these do not talk to a server")
        }
    }
}
