//! Redis 7: a single node, and a cluster of three primaries. Nothing is kept on disk, as in production: it is a cache.

use super::{probe::Probe, server::Server, site::Site};
use crate::process;
use anyhow::bail;
use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Until every node knows that all slots are served.
const AGREE_LIMIT: Duration = Duration::from_secs(30);

/// One node, and `redis://host:port`.
pub(super) fn start_single(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let server = site.launch(node(site, "redis")?)?;
    let url = format!("redis://127.0.0.1:{}", server.ports["redis"]);
    Ok((vec![server], url))
}

/// Three primaries, and `redis-cluster://host:port?node=host:port&node=host:port`.
pub(super) fn start_cluster(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let mut servers = Vec::new();
    for number in 1..=3 {
        let bus = site.port()?;
        let server = node(site, &format!("redis-cluster-{number}"))?;
        // The time after which a node counts as dead: the default of 15 s makes tests wait.
        let args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port"];
        servers.push(server.args(args).args([bus.to_string()]).port("bus", bus));
    }
    let servers = site.launch_all(servers)?;
    let nodes: Vec<String> =
        servers.iter().map(|server| format!("127.0.0.1:{}", server.ports["redis"])).collect();
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create"]).args(&nodes);
    process::quiet(create.args(["--cluster-replicas", "0", "--cluster-yes"]))?;
    wait_until_agreed(&servers)?;
    Ok((servers, format!("redis-cluster://{}?node={}&node={}", nodes[0], nodes[1], nodes[2])))
}

fn node(site: &Site, name: &str) -> anyhow::Result<Server> {
    let folder = site.folder(name, None)?;
    let port = site.port()?;
    let own = folder.display().to_string();
    let port_text = port.to_string();
    let server = Server::new(name, "redis-server", folder, Probe::redis(port));
    let place = ["--bind", "127.0.0.1", "--port", &port_text, "--dir", &own, "--save", ""];
    Ok(server
        .args(place)
        .args(["--maxmemory", "128mb", "--maxmemory-policy", "allkeys-lru"])
        .port("redis", port))
}

/// `redis-cli --cluster create` returns when one of them agrees.
fn wait_until_agreed(servers: &[Server]) -> anyhow::Result<()> {
    let start = Instant::now();
    let agrees = |server: &Server| {
        let mut ask = Command::new("redis-cli");
        ask.args(["-p", &server.ports["redis"].to_string(), "cluster", "info"]);
        ask.output().is_ok_and(|done| String::from_utf8_lossy(&done.stdout).contains("cluster_state:ok"))
    };
    while !servers.iter().all(agrees) {
        if start.elapsed() > AGREE_LIMIT {
            bail!("the Redis cluster is not complete after {} s", AGREE_LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
