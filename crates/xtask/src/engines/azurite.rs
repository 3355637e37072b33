//! Azurite, which speaks the protocol of Azure Blob Storage.

use super::{owner, probe::Probe, server::Server, site::Site};

/// Makes an acknowledged write survive kill -9.
const DURABLE: &str = include_str!("../../azurite/durable.cjs");

/// The server, and the URL of its one account, whose key is public.
pub(super) fn start(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let folder = site.folder("azurite", None)?;
    let port = site.port()?;
    let durable = folder.join("durable.cjs");
    owner::write_file(&durable, DURABLE, None)?;
    let program = site.node_modules.join("azurite/dist/src/blob/main.js");
    let data = folder.join("data");
    let server = Server::new("azurite", "node", folder, Probe::any_http(port))
        .args(["--require", &durable.display().to_string(), &program.display().to_string()])
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
        .args(["--location", &data.display().to_string()])
        // Clients are newer than its list of versions, and some of their headers are unknown to it.
        .args(["--loose", "--skipApiVersionCheck", "--silent", "--disableTelemetry"])
        .port("http", port);
    Ok((vec![site.launch(server)?], format!("http://127.0.0.1:{port}/devstoreaccount1")))
}
