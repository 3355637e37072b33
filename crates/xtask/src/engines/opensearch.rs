//! OpenSearch 3.8, one node, started from its jars without security: plain HTTP.

use super::{probe::Probe, server::Server, site::Site};

/// Small, as an index of tests is; without the second compiler it starts faster.
const JVM: [&str; 5] = [
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--enable-native-access=ALL-UNNAMED",
];

/// The node and its URL. Ready when its shards are: HTTP answers earlier.
pub(super) fn start(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let folder = site.folder("opensearch", None)?;
    let (http, transport) = (site.port()?, site.port()?);
    let ready = Probe::http(http, "/_cluster/health?wait_for_status=yellow&timeout=1s");
    let own = folder.display().to_string();
    let server = Server::new("opensearch", site.opensearch.java()?, folder, ready)
        .args(JVM)
        .args(["-cp", &site.opensearch.class_path(), "SearchNode"])
        .args([http.to_string(), transport.to_string(), own])
        .port("http", http)
        .port("transport", transport);
    Ok((vec![site.launch(server)?], format!("http://127.0.0.1:{http}")))
}
