//! A group of PostgreSQL 15: etcd and three nodes under Patroni, a primary and two replicas, one of them synchronous.

mod events;
mod node;
mod settled;

use super::{owner, probe::Probe, server::Server, site::Site};
pub(super) use events::events;
use node::Node;

/// The logical slot that Patroni keeps over a failover.
pub(super) const SLOT: &str = "segue_cdc";

/// etcd and the nodes, and the nodes' REST addresses with commas between. The superuser is postgres, without a password.
pub(super) fn start(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let owner = owner::instead_of_root("postgres")?;
    let etcd = site.launch(etcd(site)?)?;
    let mut nodes = Vec::new();
    for number in 1..=3 {
        nodes.push(Node { number, postgres: site.port()?, rest: site.port()? });
    }
    let mut servers = Vec::new();
    for node in &nodes {
        servers.push(node.server(site, owner, etcd.ports["client"])?);
    }
    // One first, so that the other two do not race it to make the group, and lose a retry interval each.
    let mut started = vec![etcd, site.launch(servers.remove(0))?];
    started.extend(site.launch_all(servers)?);
    settled::wait(&nodes)?;
    let urls: Vec<String> = nodes.iter().map(|node| format!("http://127.0.0.1:{}", node.rest)).collect();
    Ok((started, urls.join(",")))
}

fn etcd(site: &Site) -> anyhow::Result<Server> {
    let folder = site.folder("etcd", None)?;
    let (client, peer) = (site.port()?, site.port()?);
    let (client_url, peer_url) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
    let data = folder.join("data").display().to_string();
    let server = Server::new("etcd", "etcd", folder, Probe::http(client, "/health"));
    let args = [
        "--name=etcd".to_owned(),
        format!("--data-dir={data}"),
        format!("--listen-client-urls={client_url}"),
        format!("--advertise-client-urls={client_url}"),
        format!("--listen-peer-urls={peer_url}"),
        format!("--initial-advertise-peer-urls={peer_url}"),
        format!("--initial-cluster=etcd={peer_url}"),
        "--enable-v2".to_owned(),
        // Processes are killed here, machines are not; and a lease that waits for a slow disk is a primary lost.
        "--unsafe-no-fsync".to_owned(),
    ];
    Ok(server.args(args).port("client", client).port("peer", peer))
}
