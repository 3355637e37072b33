//! Commands. Each file is one family; this one builds what they share and chooses.

mod account;
mod configuration;
mod index;
mod jobs;
mod play;
mod search;
mod song;
mod table;
mod upload;
mod users;

use crate::{
    cli::{Cli, Command, Global},
    config, home, provision, serve,
};
use clap::CommandFactory;
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
        Ok(Self {
            client: Client::new(&url, Arc::clone(&credentials))?,
            home,
            credentials,
            json: global.json,
        })
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
            clap_complete::generate(shell, &mut Cli::command(), "segue", &mut std::io::stdout());
            Ok(())
        }
        command => {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let session = Session::open(global)?;
                tokio::select! {
                    done = talk(&session, command) => done,
                    _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped; run it again to go on where it was"),
                }
            })
        }
    }
}

async fn talk(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Signup(args) => account::sign_up(session, args).await,
        Command::Login(args) => account::sign_in(session, args).await,
        Command::Logout => account::sign_out(session).await,
        Command::Whoami => account::who_am_i(session).await,
        Command::Upload(args) => upload::upload(session, args).await,
        Command::Songs(args) => song::list(session, args).await,
        Command::Show { song } => song::show(session, song).await,
        Command::Edit(args) => song::edit(session, args).await,
        Command::Rm { songs, yes } => song::remove(session, songs, yes).await,
        Command::Retry { song, file } => song::retry(session, song, file).await,
        Command::Watch { song } => song::watch(session, song).await,
        Command::Play { song } => play::play(session, song).await,
        Command::Search(args) => search::search(session, args).await,
        Command::Index { command } => index::run(session, command).await,
        Command::Jobs { command } => jobs::run(session, command).await,
        Command::Users { command } => users::run(session, command).await,
        Command::Up(_)
        | Command::Serve(_)
        | Command::Provision(_)
        | Command::Config { .. }
        | Command::Completions { .. }
        | Command::EncodeWorker => {
            unreachable!("these do not talk to a server")
        }
    }
}
