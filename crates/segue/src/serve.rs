//! Runs a server until it is told to stop.

use crate::{
    cli::{Role, ServeArgs, UpArgs},
    compose::{self, System},
    config::{self, Config, ConfigError},
    lock, output,
};
use anyhow::Context;
use segue_mesh::telemetry;
use serde::Serialize;
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, signal::unix};
use tokio_util::sync::CancellationToken;

/// `segue up`.
pub(crate) fn up(args: UpArgs, json: bool) -> anyhow::Result<()> {
    run(config::load_server(&args)?, &Role::ALL, Doors::Public, json)
}

/// `segue serve`.
pub(crate) fn serve(args: ServeArgs, json: bool) -> anyhow::Result<()> {
    run(config::load_server(&args.up)?, &args.roles, Doors::Both, json)
}

/// Where a process listens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doors {
    /// For the world only: every role is here.
    Public,
    /// For the world, and for roles in other processes.
    Both,
}

fn run(mut config: Config, roles: &[Role], doors: Doors, json: bool) -> anyhow::Result<()> {
    // People read the address and not the log; scripts read standard output. What is not logged is not traced either.
    let quiet = !config.telemetry.json && config.telemetry.otlp_endpoint.is_empty();
    if config.telemetry.log == "info" && quiet {
        config.telemetry.log = "warn".into();
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.process.threads > 0 {
        runtime.worker_threads(config.process.threads);
    }
    // Files and argon2 run on these; idle ones end quickly and give their memory back.
    runtime.max_blocking_threads(32).thread_keep_alive(Duration::from_secs(2)).enable_all();
    let telemetry_config = config.telemetry.clone();
    let runtime = runtime.build()?;
    runtime.block_on(async {
        let telemetry = telemetry::start(&telemetry_config)?;
        let done = serve_until_stopped(config, roles, doors, json, &telemetry).await;
        // Sending the last spans blocks.
        let _ = tokio::task::spawn_blocking(move || telemetry.flush()).await;
        done
    })
}

async fn serve_until_stopped(
    config: Config,
    roles: &[Role],
    doors: Doors,
    json: bool,
    telemetry: &telemetry::Telemetry,
) -> anyhow::Result<()> {
    let data = config.process.data.clone();
    // For nobody else: keys, passwords' hashes and everybody's music are in it.
    tokio::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&data)
        .await
        .with_context(|| format!("cannot make {}; choose another folder with --data", data.display()))?;
    let _lock = lock::take(&data)?;
    // Taken before anything is opened: a port that is in use is the commonest mistake.
    let port = bind(&config, config.process.port, "--port").await?;
    let inner_port = match (doors, config.process.inner_port) {
        (Doors::Both, Some(inner)) => Some(bind(&config, inner, "process.inner_port").await?),
        _ => None,
    };
    let bound = port.local_addr()?;
    let grace = Duration::from_millis(config.listen.grace_ms);
    let drain = Duration::from_millis(if doors == Doors::Both { config.listen.drain_ms } else { 0 });

    let stop_accepting = CancellationToken::new();
    let stop_working = CancellationToken::new();
    let system = compose::assemble(&config, roles, telemetry.metrics(), stop_working.clone()).await?;
    let System { public, inner, tasks, ready, first_account, closing } = system;
    let served = match (public, inner_port) {
        (Some(public), Some(inner_port)) => vec![(port, public), (inner_port, inner)],
        (Some(public), None) if doors == Doors::Public || roles.iter().all(|r| r.is_public()) => {
            vec![(port, public)]
        }
        (Some(_), None) => Err(ConfigError::value(
            "process.inner_port",
            "is needed here: some of these roles are for the world and some for other roles, which must not share a port",
        ))?,
        (None, None) => vec![(port, inner)],
        (None, Some(_)) => Err(ConfigError::value(
            "process.inner_port",
            "is not needed here: none of these roles is for the world, and process.port serves them",
        ))?,
    };
    let serving = served.into_iter().map(|(listener, router)| {
        segue_mesh::serve(listener, router, config.listen.clone(), stop_accepting.clone())
    });
    let mut serving = tokio::spawn(futures::future::join_all(serving.collect::<Vec<_>>()));
    ready.set(true);
    announce(bound, first_account.as_ref(), &data, json);

    stop_signal().await?;
    if !json {
        eprintln!("stopping; press Ctrl-C again to stop at once");
    }
    let orderly = async {
        // Readiness off, so that balancers look elsewhere; then no new connections; then open calls get a moment, and
        // what would go on for ever (watches, consumers) is ended.
        ready.set(false);
        tokio::time::sleep(drain).await;
        stop_accepting.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut serving).await;
        stop_working.cancel();
        if !serving.is_finished() {
            let _ = serving.await;
        }
        tasks.close();
        tasks.wait().await;
        closing.await;
    };
    tokio::select! {
        () = orderly => {}
        () = tokio::time::sleep(drain + grace + Duration::from_secs(5)) => tracing::warn!("grace time is over"),
        stopped = stop_signal() => stopped?,
    }
    Ok(())
}

async fn bind(config: &Config, port: u16, setting: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(config.process.listen, port);
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is another server running? Choose another port with {setting}, 0 for a free one")
    })
}

#[derive(Serialize)]
struct Ready<'a> {
    url: String,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

fn announce(
    bound: SocketAddr,
    first: Option<&segue_identity::FirstAccount>,
    data: &std::path::Path,
    json: bool,
) {
    let url = local_url(bound);
    if json {
        let (email, password) = (first.map(|f| f.email.as_str()), first.map(|f| f.password.as_str()));
        return output::json(&Ready { url, data: data.display().to_string(), email, password });
    }
    output::text(&format!("Segue is ready at {url}   (data in {})", data.display()));
    if let Some(first) = first {
        output::text("");
        output::text("  The first account, shown this once:");
        output::text(&format!("    e-mail    {}", first.email));
        output::text(&format!("    password  {}", first.password));
        output::text("");
        output::text("  Next, in another terminal:");
        // Without a word the command line goes to the usual port.
        let whither = if bound.port() == 4420 { String::new() } else { format!("--url {url} ") };
        output::text(&format!("    segue login {whither}--email {}", first.email));
        output::text("    segue upload ~/Music");
    }
}

/// An address that a client on this machine can use.
fn local_url(bound: SocketAddr) -> String {
    match bound.ip().is_unspecified() {
        true => format!("http://127.0.0.1:{}", bound.port()),
        false => format!("http://{bound}"),
    }
}

async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
