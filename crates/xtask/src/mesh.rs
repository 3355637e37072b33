//! `cargo xtask mesh up`: the real engines, and every role as processes of its own.

mod configuration;
mod roles;
mod supervise;

use crate::{
    engines::{self, Engine, Guarded, Server},
    install, process, progress,
    workspace::Workspace,
};
use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use signal_hook::{consts::TERM_SIGNALS, flag};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// What a mesh stands on.
pub(crate) const ENGINES: [Engine; 5] =
    [Engine::Patroni, Engine::RedisCluster, Engine::Rabbitmq, Engine::Azurite, Engine::Opensearch];

/// Run the mesh: PostgreSQL under Patroni, a Redis cluster, RabbitMQ, Azurite and OpenSearch, and two processes of each
/// role.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Up(Up),
}

/// Start everything, print how to reach it, and stay until Ctrl-C or SIGTERM, which stop all of it
///
/// A process or engine that dies is started again after a second. With --json, one line is printed when everything is
/// ready: url, email, password, and pids by name.
#[derive(clap::Args)]
struct Up {
    /// One JSON line, for scripts
    #[arg(long)]
    json: bool,
    /// Program to run instead of a release build of this checkout
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Nodes of RabbitMQ: 1, or 3 in a cluster
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    rabbitmq_nodes: u8,
    /// Send traces, metrics and logs there, by OTLP over gRPC
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Another address of an engine, as 'section.key=url'; for tests that put something between
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

/// Settings of a mesh in which everybody comes from one address.
pub(crate) fn without_limits() -> [String; 3] {
    ["credential", "read", "write"]
        .map(|bucket| format!("gateway.limits.{bucket}={{ per_second = 1000000.0, burst = 1000000 }}"))
}

/// What `segue provision --json` prints.
#[derive(Deserialize)]
struct Provisioned {
    email: Option<String>,
    password: Option<String>,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let Action::Up(up) = args.action;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        // The second one ends this process at once; the guard of the engines then ends the rest.
        flag::register_conditional_shutdown(*signal, 1, Arc::clone(&stop))?;
        flag::register(*signal, Arc::clone(&stop))?;
    }
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let program = match &up.program {
        Some(program) => program.canonicalize().with_context(|| format!("no {}", program.display()))?,
        None => workspace.release()?,
    };
    let mut set = Guarded::start_with(&workspace, &ENGINES, up.rabbitmq_nodes)?;
    let mesh = Mesh::raise(&mut set, &program, up.otlp.as_deref(), &up.settings)?;
    if up.json {
        println!("{}", mesh.json(&set));
    } else {
        mesh.announce(&set);
    }
    while !stop.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(100));
    }
    progress::step("stop the mesh", || {
        drop(mesh);
        drop(set);
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The roles beside a set of engines; what dies of both is started again until this is dropped.
pub(crate) struct Mesh {
    plan: roles::Plan,
    first: Provisioned,
    stop: Arc<AtomicBool>,
    supervisor: Option<JoinHandle<()>>,
}

impl Mesh {
    /// Provisions the engines and starts every role.
    ///
    /// # Errors
    /// When a step fails or a role does not become ready; what was started ends with the set.
    pub(crate) fn raise(
        set: &mut Guarded,
        program: &Path,
        otlp: Option<&str>,
        settings: &[String],
    ) -> anyhow::Result<Self> {
        let plan = roles::Plan::new(set.state())?;
        let file = configuration::write(set.state(), &plan, otlp, settings)?;
        let first = progress::step("segue provision", || provision(program, &file))?;
        let servers = plan.servers(set.state(), program, &file)?;
        progress::step("start the roles", || set.launch(servers))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (ended, path) = (Arc::clone(&stop), set.path().to_owned());
        let supervisor = thread::spawn(move || supervise::until(&ended, &path));
        Ok(Self { plan, first, stop, supervisor: Some(supervisor) })
    }

    /// How to reach it, for programs.
    pub(crate) fn json(&self, set: &Guarded) -> Value {
        let pid = |server: &Server| Some((server.name.clone(), server.pid?));
        let pids: BTreeMap<_, _> = set.state().servers.iter().filter_map(pid).collect();
        let Provisioned { email, password } = &self.first;
        json!({ "url": self.plan.url(), "urls": self.plan.urls(), "email": email, "password": password,
                "pids": pids, "state": set.path() })
    }

    fn announce(&self, set: &Guarded) {
        let (url, others) = (self.plan.url(), self.plan.urls()[1..].join(", "));
        println!("\nThe mesh is ready at {url} (and {others})");
        if let Provisioned { email: Some(email), password: Some(password) } = &self.first {
            println!("  e-mail    {email}\n  password  {password}\n");
            println!("Next, in another terminal:\n  export SEGUE_URL={url}");
            println!("  segue login --email {email}\n  segue upload ~/Music");
        }
        println!("\nData and logs are in {}. Ctrl-C stops all of it.", set.state().folder.display());
        println!("To disturb it: cargo xtask engines status|kill|pause|resume NAME, after");
        println!("  export {}={}", engines::STATE, set.path().display());
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(supervisor) = self.supervisor.take() {
            // It has said what went wrong.
            let _ = supervisor.join();
        }
    }
}

fn provision(program: &Path, file: &Path) -> anyhow::Result<Provisioned> {
    let mut command = Command::new(program);
    command.args(["provision", "--json", "--config"]).arg(file);
    let done = command.output().with_context(|| format!("{} does not start", program.display()))?;
    anyhow::ensure!(
        done.status.success(),
        "{} failed: {}",
        process::line(&command),
        String::from_utf8_lossy(&done.stderr).trim()
    );
    serde_json::from_slice(&done.stdout)
        .context("'segue provision --json' printed something else than expected")
}
