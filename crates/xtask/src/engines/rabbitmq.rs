//! RabbitMQ 3.10: one node, or three in a cluster. Everything is private: port mapper, cookie, data, plugins.

use super::{
    owner::{self, Ids},
    probe::Probe,
    server::Server,
    site::Site,
};
use anyhow::Context;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Debian's wrappers in /usr/sbin insist on their own user and folders; the scripts below this do not.
const SCRIPTS: &str = "/usr/lib/rabbitmq/lib";

/// The nodes with their port mapper, and `amqp://guest:guest@host:port,host:port/%2f`.
pub(super) fn start(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let owner = owner::instead_of_root("rabbitmq")?;
    let mapper = site.launch(mapper(site, owner)?)?;
    let mapper_port = mapper.ports["epmd"];
    let mut nodes = Vec::new();
    for number in 1..=site.rabbitmq_nodes {
        nodes.push(node(site, owner, number, mapper_port)?);
    }
    let hosts: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.ports["amqp"])).collect();
    let address = format!("amqp://guest:guest@{}/%2f", hosts.join(","));
    // The others join the first, so it must be there.
    let mut servers = vec![mapper, site.launch(nodes.remove(0))?];
    servers.extend(site.launch_all(nodes)?);
    Ok((servers, address))
}

/// On its own, so that killing a node takes it from no other.
fn mapper(site: &Site, owner: Option<Ids>) -> anyhow::Result<Server> {
    let port = site.port()?;
    let folder = site.folder("epmd", owner)?;
    let mut server = Server::new("epmd", "epmd", folder, Probe::epmd(port))
        .args(["-address", "127.0.0.1", "-port", &port.to_string()])
        .port("epmd", port);
    server.user = owner;
    Ok(server)
}

fn node(site: &Site, owner: Option<Ids>, number: u8, mapper: u16) -> anyhow::Result<Server> {
    let name = if number == 1 { "rabbitmq".to_owned() } else { format!("rabbitmq-{number}") };
    let folder = site.folder(&name, owner)?;
    let (amqp, distribution, first_tool) = (site.port()?, site.port()?, site.port()?);
    owner::write_file(&folder.join("rabbitmq.conf"), &configuration(site.rabbitmq_nodes), owner)?;
    owner::write_file(&folder.join("plugins"), "[].\n", owner)?;
    // Nodes of a cluster show each other this; Erlang wants it readable by its owner only.
    let cookie = folder.join(".erlang.cookie");
    owner::write_file(&cookie, "segue", owner)?;
    fs::set_permissions(&cookie, std::os::unix::fs::PermissionsExt::from_mode(0o400))?;

    let environment = environment(&folder, number, [amqp, distribution, first_tool, mapper]);
    let ready = Probe::amqp(amqp);
    let mut server = Server::new(&name, scripts()?.join("rabbitmq-server"), folder, ready)
        .port("amqp", amqp)
        .port("distribution", distribution);
    server.environment = environment;
    server.user = owner;
    Ok(server)
}

fn environment(folder: &Path, number: u8, ports: [u16; 4]) -> BTreeMap<String, String> {
    let [amqp, distribution, tool, mapper] = ports.map(|port| port.to_string());
    let path = |name: &str| folder.join(name).display().to_string();
    let one_core = "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none";
    let variables = [
        ("NODENAME", format!("segue{number}@localhost")),
        ("NODE_IP_ADDRESS", "127.0.0.1".into()),
        ("NODE_PORT", amqp),
        ("DIST_PORT", distribution),
        ("CTL_DIST_PORT_MIN", tool.clone()),
        ("CTL_DIST_PORT_MAX", tool),
        ("MNESIA_BASE", path("data")),
        ("LOG_BASE", path("logs")),
        ("CONFIG_FILE", path("rabbitmq.conf")),
        ("ENABLED_PLUGINS_FILE", path("plugins")),
        ("CONF_ENV_FILE", "/dev/null".into()),
        ("SERVER_ADDITIONAL_ERL_ARGS", one_core.into()),
    ];
    let mut environment: BTreeMap<String, String> =
        variables.into_iter().map(|(name, value)| (format!("RABBITMQ_{name}"), value)).collect();
    environment.insert("ERL_EPMD_PORT".into(), mapper);
    environment.insert("ERL_EPMD_ADDRESS".into(), "127.0.0.1".into());
    environment
}

fn configuration(nodes: u8) -> String {
    // Only the first is listed: were all of them, each would wait for the others before it starts.
    let peers = "cluster_formation.peer_discovery_backend = classic_config\n\
                 cluster_formation.classic_config.nodes.1 = segue1@localhost\n\
                 cluster_partition_handling = pause_minority\n";
    let log = "log.console = true\nlog.console.level = warning\nlog.file = false\n";
    if nodes == 1 { log.into() } else { format!("{log}{peers}") }
}

/// The folder has the version in its name.
fn scripts() -> anyhow::Result<PathBuf> {
    let folders =
        fs::read_dir(SCRIPTS).into_iter().flatten().flatten().map(|entry| entry.path().join("sbin"));
    let newest = folders.filter(|folder| folder.join("rabbitmq-server").exists()).max();
    newest.with_context(|| format!("no RabbitMQ under {SCRIPTS}; run: cargo xtask install"))
}
