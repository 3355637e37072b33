//! The configuration: defaults, then a file, then `SEGUE__SECTION__KEY` variables, then flags.
//!
//! The only file of the product that reads the environment (the command line parser reads SEGUE_URL and
//! SEGUE_HOME, which are flags).
#![allow(clippy::disallowed_methods, reason = "the only file that reads the environment")]

use crate::{
    cli::{Role, UpArgs},
    settings,
};
use anyhow::Context;
use schemars::JsonSchema;
use segue_blob::{AzureConfig, AzureReaderConfig, SecretText};
use segue_bus::RabbitConfig;
use segue_cache::CacheConfig;
use segue_cdc::CdcConfig;
use segue_edge::EdgeConfig;
use segue_encoder::EncoderConfig;
use segue_gateway::GatewayConfig;
use segue_identity::IdentityConfig;
use segue_index::{OpenSearchConfig, Password};
use segue_mesh::{ListenConfig, ServerConfig, telemetry::TelemetryConfig};
use segue_playlist::PlaylistConfig;
use segue_search::SearchConfig;
use segue_song::SongConfig;
use segue_store::StoreConfig;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};
use toml::{Table, Value};

const PREFIX: &str = "SEGUE__";

/// A configuration that cannot be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {path}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not TOML: {message}")]
    Syntax { path: PathBuf, message: String },
    #[error("configuration, at {key}{place}: {message}; 'segue config print' shows every setting")]
    Value { key: String, place: String, message: String },
}

impl ConfigError {
    pub(crate) fn value(key: &str, message: impl Into<String>) -> Self {
        Self::Value { key: key.to_owned(), place: String::new(), message: message.into() }
    }

    /// Says where the value stands: the variable that sets it, else the file.
    fn at(self, file: Option<&Path>, variables: impl Iterator<Item = String>) -> Self {
        let Self::Value { key, message, .. } = self else { return self };
        let variables: Vec<(String, String)> = variables
            .filter_map(|name| {
                let path = name.strip_prefix(PREFIX)?.replace("__", ".").to_lowercase();
                Some((name, path))
            })
            .collect();
        let find = |wanted: &dyn Fn(&str) -> bool| variables.iter().find(|(_, path)| wanted(path));
        let below = |path: &str| key == "." || path.starts_with(&format!("{key}."));
        // An unknown key is named in the message only.
        let named = |path: &str| path.split('.').any(|part| message.contains(&format!("`{part}`")));
        let variable = find(&|path| path == key)
            .or_else(|| find(&|path| below(path) && named(path)))
            .or_else(|| find(&|path| file.is_none() && key != "." && below(path)));
        let place = match (variable, file) {
            _ if key.starts_with(PREFIX) => String::new(),
            (Some((name, _)), _) => format!(" (set by {name})"),
            (None, Some(file)) => format!(" (in {})", file.display()),
            (None, None) => String::new(),
        };
        Self::Value { key, place, message }
    }
}

/// Everything that can be set.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the process listens and keeps its data.
    pub(crate) process: Process,
    /// Connections.
    pub(crate) listen: ListenConfig,
    /// Calls.
    pub(crate) rpc: ServerConfig,
    /// Logs and traces.
    pub(crate) telemetry: TelemetryConfig,
    /// The database: PostgreSQL. Without a url: a SQLite file in the data folder.
    pub(crate) store: StoreConfig,
    /// The bus: RabbitMQ. Without a url: queues in a file of the data folder.
    pub(crate) bus: RabbitConfig,
    /// Where audio is: Azure Blob Storage. Without an account: the data folder.
    pub(crate) blob: BlobSection,
    /// Caches in front of the database.
    pub(crate) cache: CacheConfig,
    /// The index: OpenSearch. Without a url: tantivy in the data folder.
    pub(crate) index: IndexSection,
    /// Keys of the installation.
    pub(crate) keys: KeysSection,
    pub(crate) gateway: GatewayConfig,
    pub(crate) identity: IdentityConfig,
    pub(crate) song: SongConfig,
    pub(crate) playlist: PlaylistConfig,
    pub(crate) encoder: EncoderConfig,
    pub(crate) search: SearchConfig,
    pub(crate) cdc: CdcConfig,
    pub(crate) edge: EdgeConfig,
    /// Where roles are that do not run in this process: `song = ["http://10.0.0.7:4421", "http://10.0.0.8:4421"]`, or one
    /// name that resolves to all of them: `song = "http://song.segue.svc:4421"`.
    pub(crate) peers: BTreeMap<String, Peers>,
}

/// The servers of a role: one URL or a list of them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Peers {
    One(String),
    Several(Vec<String>),
}

impl Peers {
    /// The servers' addresses, or what is wrong with them.
    pub(crate) fn uris(&self) -> Result<Vec<http::Uri>, String> {
        let urls = match self {
            Self::One(url) => std::slice::from_ref(url),
            Self::Several(urls) => urls,
        };
        let wrong = |url: &str| format!("{url:?} is not a URL such as http://10.0.0.7:4421");
        let parse = |url: &String| {
            let uri: http::Uri = url.parse().map_err(|_| wrong(url))?;
            let good = uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/";
            if good { Ok(uri) } else { Err(wrong(url)) }
        };
        if urls.is_empty() {
            return Err("wants at least one URL".into());
        }
        urls.iter().map(parse).collect()
    }
}

/// The `process` section.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Process {
    /// Address to listen on.
    pub(crate) listen: IpAddr,
    /// Port; 0 picks a free one.
    pub(crate) port: u16,
    /// Port for other roles, when this process has some for them and some for the world. A process whose roles are all
    /// for other roles serves them on `port`.
    pub(crate) inner_port: Option<u16>,
    /// Folder of everything that is kept. Empty: ~/.local/share/segue.
    pub(crate) data: PathBuf,
    /// Worker threads of the runtime; 0 is one per core.
    pub(crate) threads: usize,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 4420,
            inner_port: None,
            data: PathBuf::new(),
            threads: 0,
        }
    }
}

/// The `blob` section.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BlobSection {
    /// First part of the path of the embedded store's URLs, as an Azure account name.
    pub(crate) account: String,
    /// Second part, as an Azure container name.
    pub(crate) container: String,
    /// Azure Blob Storage, or Azurite, with the account's key.
    pub(crate) azure: AzureConfig,
    /// The same container as an edge sees it: reading only, by a SAS that `segue provision` writes to `sas_file`.
    pub(crate) reader: AzureReaderConfig,
    /// How long the SAS that `segue provision` makes for edges is good, days.
    pub(crate) reader_sas_days: u32,
}

impl Default for BlobSection {
    fn default() -> Self {
        Self {
            account: "segueblob".into(),
            container: "segue".into(),
            azure: AzureConfig::default(),
            reader: AzureReaderConfig::default(),
            reader_sas_days: 90,
        }
    }
}

/// The `index` section.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IndexSection {
    /// URL of the cluster: `http://10.0.0.9:9200`.
    pub(crate) url: String,
    /// Distinguishes indexes of several installations in one cluster: `[a-z0-9_]`, 1 to 40 characters.
    pub(crate) prefix: String,
    /// User, where the cluster wants one.
    pub(crate) user: String,
    /// The user's password.
    pub(crate) password: SecretText,
    /// How long a search may take, milliseconds.
    pub(crate) search_timeout_ms: u64,
    /// How long a batch of writes may take, milliseconds.
    pub(crate) write_timeout_ms: u64,
    /// Shards of a new index.
    pub(crate) shards: u32,
    /// Copies of each shard beside the first.
    pub(crate) replicas: u32,
}

impl Default for IndexSection {
    fn default() -> Self {
        Self {
            url: String::new(),
            prefix: "segue".into(),
            user: String::new(),
            password: SecretText::default(),
            search_timeout_ms: 2_000,
            write_timeout_ms: 10_000,
            shards: 1,
            replicas: 0,
        }
    }
}

impl IndexSection {
    pub(crate) fn engine(&self) -> OpenSearchConfig {
        let mut config = OpenSearchConfig::new(&self.url, &self.prefix);
        config.user =
            (!self.user.is_empty()).then(|| (self.user.clone(), Password::new(self.password.expose())));
        config.search_timeout = Duration::from_millis(self.search_timeout_ms);
        config.write_timeout = Duration::from_millis(self.write_timeout_ms);
        config.shards = self.shards;
        config.replicas = self.replicas;
        config
    }
}

/// The `keys` section.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeysSection {
    /// File with the keys that sign playback grants and role tokens. `segue provision` makes it. Empty: `secrets.json` in
    /// the data folder, made on the first run.
    pub(crate) file: PathBuf,
    /// File with the public halves, written beside it: all that an edge needs.
    pub(crate) public_file: PathBuf,
}

/// Reads defaults, file and environment.
pub(crate) fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let table = match file {
        None => Table::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
            text.parse::<Table>()
                .map_err(|e| ConfigError::Syntax { path: path.to_owned(), message: e.to_string() })?
        }
    };
    let read = |mut table: Table| {
        overlay(&mut table, std::env::vars())?;
        resolve_files(&mut table, "")?;
        read(table)
    };
    read(table).map_err(|error: ConfigError| error.at(file, std::env::vars().map(|(name, _)| name)))
}

/// Reads the configuration of a server: as [`load`], then flags and derived paths.
pub(crate) fn load_server(args: &UpArgs) -> Result<Config, ConfigError> {
    let mut config = load(args.config.as_deref())?;
    if let Some(data) = &args.data {
        config.process.data.clone_from(data);
    }
    if let Some(port) = args.port {
        config.process.port = port;
    }
    if let Some(listen) = args.listen {
        config.process.listen = listen;
    }
    if let Some(url) = &args.public_url {
        config.gateway.public_url = url.trim_end_matches('/').to_owned();
    }
    if config.process.data.as_os_str().is_empty() {
        let home = var("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(var("HOME")?).join(".local/share")));
        config.process.data = home.unwrap_or_else(|| PathBuf::from(".")).join("segue");
    }
    Ok(config)
}

/// The folder of the command line's own state.
pub(crate) fn home_folder() -> anyhow::Result<PathBuf> {
    let base = var("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(var("HOME")?).join(".config")));
    Ok(base.context("no HOME: say where to keep sessions with SEGUE_HOME")?.join("segue"))
}

/// The configuration as TOML, whole or what one role reads.
pub(crate) fn print(config: &Config, role: Option<Role>) -> anyhow::Result<String> {
    let mut table = Table::try_from(config)?;
    if let Some(role) = role {
        let read = sections(role);
        table.retain(|key, _| read.contains(&key));
    }
    Ok(settings::document(&table))
}

/// The sections that a role reads.
fn sections(role: Role) -> Vec<&'static str> {
    let engines: &[&str] = match role {
        Role::Gateway => &["rpc", "bus", "cache", "peers"],
        Role::Identity => &["rpc", "store", "bus"],
        Role::Song => &["rpc", "store", "bus", "blob", "cache", "peers"],
        Role::Playlist => &["rpc", "store", "bus", "cache", "peers"],
        Role::Encoder => &["rpc", "store", "bus", "blob", "peers"],
        Role::Search => &["rpc", "bus", "index", "peers"],
        Role::Cdc => &["store", "bus"],
        Role::Edge => &["blob"],
    };
    [&["process", "listen", "telemetry", "keys", role.name()], engines].concat()
}

/// The crash point of a test build, as `name` or `name:n` for the n-th time it is passed.
#[cfg(feature = "crashpoints")]
pub(crate) fn crash_point() -> Option<(String, u32)> {
    let text = var("SEGUE_CRASH_POINT")?;
    let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
    Some((name.to_owned(), nth.parse().unwrap_or(1)))
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

fn read(table: Table) -> Result<Config, ConfigError> {
    serde_path_to_error::deserialize(Value::Table(table))
        .map_err(|e| ConfigError::value(&e.path().to_string(), one_line(&e.inner().to_string())))
}

/// TOML's errors are several lines with a picture of the place.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value `{ file = "path" }` is the text of that file without its last line end, so that a secret need not stand in the
/// configuration or the environment: `store.url = { file = "/run/secrets/store-url" }`.
fn resolve_files(table: &mut Table, path: &str) -> Result<(), ConfigError> {
    for (key, value) in table.iter_mut() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(inner) = value.as_table_mut() else { continue };
        // A section is none, whatever its keys are called.
        let lone = inner.len() == 1 && path.contains('.');
        match inner.get("file").and_then(Value::as_str).filter(|_| lone) {
            None => resolve_files(inner, &path)?,
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|e| ConfigError::value(&path, format!("cannot read the file {file}: {e}")))?;
                *value = Value::String(text.trim_end_matches(['\r', '\n']).to_owned());
            }
        }
    }
    Ok(())
}

/// `SEGUE__SONG__BLOCK_BYTES=4194304` sets `song.block_bytes`. Values are TOML; what is not TOML is text.
fn overlay(table: &mut Table, vars: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
    for (name, text) in vars {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        let wrong = |message: &str| ConfigError::value(&name, message);
        let (last, sections) = keys.split_last().ok_or_else(|| wrong("is not SEGUE__SECTION__KEY"))?;
        let mut place = &mut *table;
        for section in sections {
            let entry = place.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            place = entry.as_table_mut().ok_or_else(|| wrong("is not a section"))?;
        }
        let parsed = format!("v = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
        place.insert(last.clone(), parsed.unwrap_or(Value::String(text)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(list: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut table = Table::new();
        overlay(&mut table, list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))?;
        read(table)
    }

    #[test]
    fn a_variable_sets_a_key_of_its_section() {
        let config =
            vars(&[("SEGUE__PROCESS__PORT", "5000"), ("SEGUE__TELEMETRY__LOG", "debug"), ("OTHER", "x")])
                .unwrap();
        assert_eq!((config.process.port, config.telemetry.log.as_str()), (5000, "debug"));
    }

    #[test]
    fn an_unknown_key_and_a_wrong_value_are_named() {
        let error = vars(&[("SEGUE__PROCESS__PROT", "1")]).unwrap_err().to_string();
        assert!(error.contains("prot"), "{error}");
        let error = vars(&[("SEGUE__PROCESS__PORT", "many")]).unwrap_err().to_string();
        assert!(error.contains("process.port"), "{error}");
    }

    #[test]
    fn an_error_says_which_variable_or_file_it_is_about() {
        let file = Path::new("segue.toml");
        for (key, message, variables, said) in [
            (
                "process.port",
                "not a number",
                &["SEGUE__PROCESS__PORT", "SEGUE_URL"][..],
                "(set by SEGUE__PROCESS__PORT)",
            ),
            (
                "process",
                "unknown field `prot`",
                &["SEGUE__PROCESS__LISTEN", "SEGUE__PROCESS__PROT"],
                "SEGUE__PROCESS__PROT)",
            ),
            (".", "unknown field `proces`", &["SEGUE__PROCES__PORT"], "(set by SEGUE__PROCES__PORT)"),
            ("process.port", "not a number", &["SEGUE__PROCESS__LISTEN"], "(in segue.toml)"),
        ] {
            let variables = variables.iter().map(|v| (*v).to_owned());
            let error = ConfigError::value(key, message).at(Some(file), variables).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_value_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "postgres://u:p@h/d\n").unwrap();
        let path = file.path().to_str().unwrap();
        let mut table: Table = format!("[gateway]\npublic_url = {{ file = {path:?} }}").parse().unwrap();
        resolve_files(&mut table, "").unwrap();
        assert_eq!(read(table).unwrap().gateway.public_url, "postgres://u:p@h/d");
        let mut table: Table = "[keys]\nfile = 'keys.json'".parse().unwrap();
        resolve_files(&mut table, "").unwrap();
        assert_eq!(read(table).unwrap().keys.file, PathBuf::from("keys.json"));
        let mut table: Table = "[gateway]\npublic_url = { file = '/nowhere' }".parse().unwrap();
        let error = resolve_files(&mut table, "").unwrap_err().to_string();
        assert!(error.contains("gateway.public_url") && error.contains("/nowhere"), "{error}");
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let text = print(&Config::default(), None).unwrap();
        read(text.parse().unwrap()).unwrap();
    }
}
