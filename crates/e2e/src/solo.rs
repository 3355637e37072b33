//! Every role of a mesh in one process on real engines of its own names, reached through proxies in which the network
//! breaks on command.

use crate::{fault_proxy::FaultProxy, world::Server};
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// The account of every Azurite, as its documentation prints it: no secret.
const AZURITE_ACCOUNT: &str = "devstoreaccount1";
const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Time in which database and slot are given back.
const GIVE_BACK: Duration = Duration::from_secs(10);

/// An engine that is reached through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Store,
    /// Redis.
    Cache,
    /// RabbitMQ.
    Bus,
    /// Azurite.
    Blob,
    /// OpenSearch.
    Index,
}

impl Engine {
    const ALL: [Self; 5] = [Self::Store, Self::Cache, Self::Bus, Self::Blob, Self::Index];

    fn variable(self) -> &'static str {
        match self {
            Self::Store => "SEGUE_TEST_POSTGRES",
            Self::Cache => "SEGUE_TEST_REDIS",
            Self::Bus => "SEGUE_TEST_RABBITMQ",
            Self::Blob => "SEGUE_TEST_AZURITE",
            Self::Index => "SEGUE_TEST_OPENSEARCH",
        }
    }
}

/// What `segue provision --json` and `segue serve --json` print.
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    url: String,
    email: Option<String>,
    password: Option<String>,
}

/// The process. Killed when dropped.
pub struct Solo {
    children: Vec<Child>,
    runtime: Runtime,
    proxies: Vec<FaultProxy>,
    url: String,
    email: String,
    password: String,
    /// Its PostgreSQL, without a proxy between.
    server: url::Url,
    /// Its database.
    name: String,
    _folder: tempfile::TempDir,
}

impl Solo {
    /// Provisions names of its own on the engines and starts; `None`, with a line that says so, when an engine is not there.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(more: &str) -> Option<Self> {
        let mut urls = Vec::new();
        for engine in Engine::ALL {
            match std::env::var(engine.variable()) {
                Ok(url) => urls.push(first_server(&url)),
                Err(_) => {
                    eprintln!(
                        "{} is not set: nothing is tested here; run: cargo xtask test",
                        engine.variable()
                    );
                    return None;
                }
            }
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let name = format!("solo{:08x}", rand::random::<u32>());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let direct = urls.clone();
        let mut proxies = Vec::new();
        for url in &mut urls {
            let target = format!("127.0.0.1:{}", url.port().expect("a port"));
            let proxy = runtime.block_on(FaultProxy::start(target)).expect("a proxy");
            url.set_port(Some(proxy.address().port())).expect("it has a host");
            proxies.push(proxy);
        }
        let server = direct[0].clone();
        database(&server, &name);
        let inner = free_port();
        let text = configuration(&name, &urls, &direct[3], folder.path(), inner) + more;
        let file = folder.path().join("segue.toml");
        std::fs::write(&file, text).expect("it can be written");
        let provisioned = provision(&file);
        let (child, said) = serve(
            &["gateway", "identity", "song", "playlist", "encoder", "search", "cdc", "edge"],
            &file,
            folder.path(),
        );
        Some(Self {
            children: vec![child],
            runtime,
            proxies,
            url: said.url,
            email: provisioned.email.expect("a new installation has a first account"),
            password: provisioned.password.expect("and its password"),
            server,
            name,
            _folder: folder,
        })
    }

    /// The way to an engine.
    pub fn proxy(&self, engine: Engine) -> &FaultProxy {
        let at = Engine::ALL.iter().position(|e| *e == engine).unwrap_or_default();
        &self.proxies[at]
    }

    /// Where proxies run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Server for Solo {
    fn url(&self) -> &str {
        &self.url
    }
    fn email(&self) -> &str {
        &self.email
    }
    fn password(&self) -> &str {
        &self.password
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        // A server has room for few slots, and one outlives the process that read it by a moment.
        let end = Instant::now() + GIVE_BACK;
        while !give_back(&self.server, &self.name) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Of a cluster whose URL names every server, the first.
fn first_server(url: &str) -> url::Url {
    let (first, others) = url.split_once(',').unwrap_or((url, ""));
    let path = others.find('/').map_or("", |at| &others[at..]);
    url::Url::parse(&format!("{first}{path}")).expect("a URL")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn database(server: &url::Url, name: &str) {
    let done = psql(server, &[&format!("CREATE DATABASE {name}")]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Drops the database and its slot, if nobody reads that any more.
fn give_back(server: &url::Url, name: &str) -> bool {
    let slots = format!("FROM pg_replication_slots WHERE database = '{name}'");
    let commands = [
        &format!("SELECT pg_terminate_backend(active_pid) {slots}"),
        &format!("SELECT pg_drop_replication_slot(slot_name) {slots}"),
        &format!("DROP DATABASE {name} WITH (FORCE)"),
    ];
    psql(server, &commands.map(String::as_str)).status.success()
}

fn psql(server: &url::Url, commands: &[&str]) -> std::process::Output {
    let mut psql = Command::new("/usr/lib/postgresql/15/bin/psql");
    psql.args([&format!("{server}/postgres"), "--quiet", "--set", "ON_ERROR_STOP=1"]);
    psql.args(commands.iter().flat_map(|command| ["--command", command])).output().expect("psql starts")
}

fn configuration(name: &str, urls: &[url::Url], azurite: &url::Url, folder: &Path, inner: u16) -> String {
    let [store, cache, bus, blob, index] = urls else { unreachable!("one for each engine") };
    let (store, cache) = (store.as_str().trim_end_matches('/'), cache.as_str().trim_end_matches('/'));
    let at = |file: &str| folder.join(file).display().to_string();
    format!(
        "[process]\ninner_port = {inner}\n\n\
         [store]\nurl = \"{store}/{name}\"\nmax_connections = 6\n\n\
         [cdc]\nslot = \"{name}\"\n\n\
         [cache.redis]\nurl = \"{cache}\"\n\n\
         [bus]\nurl = \"{bus}\"\nprefix = \"{name}.\"\n\n\
         [blob.azure]\nendpoint = \"{blob}\"\npublic_endpoint = \"{azurite}\"\naccount = \"{AZURITE_ACCOUNT}\"\n\
         key = \"{AZURITE_KEY}\"\ncontainer = \"{name}\"\n\n\
         [index]\nurl = \"{}\"\nprefix = \"{name}\"\n\n\
         [keys]\nfile = {:?}\n\n\
         [encoder]\nworkers = 1\n\n",
        index.as_str().trim_end_matches('/'),
        at("keys.json"),
    )
}

fn provision(file: &Path) -> Said {
    let done = Command::new(crate::binary())
        .args(["provision", "--json", "--config"])
        .arg(file)
        .output()
        .expect("the binary starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("one JSON line")
}

/// Starts roles and waits until they are ready.
fn serve(roles: &[&str], file: &Path, folder: &Path) -> (Child, Said) {
    let data: PathBuf = folder.join(format!("data-{}", roles[0]));
    let mut child = Command::new(crate::binary())
        .arg("serve")
        .args(roles)
        .args(["--json", "--port", "0", "--config"])
        .arg(file)
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let _ = BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line);
    match serde_json::from_str(&line) {
        Ok(said) => (child, said),
        Err(error) => {
            let _ = child.kill();
            panic!("{roles:?} are not ready: {error}: {line:?}");
        }
    }
}
