//! One node: Patroni and the PostgreSQL that it starts.

use super::SLOT;
use crate::engines::{
    owner::{self, Ids},
    postgres::{DATABASE, PROGRAMS},
    probe::Probe,
    server::Server,
    site::Site,
};
use serde_json::{Value, json};
use std::path::Path;

/// Its number and ports.
pub(super) struct Node {
    pub(super) number: u8,
    pub(super) postgres: u16,
    pub(super) rest: u16,
}

impl Node {
    fn name(&self) -> String {
        format!("patroni-{}", self.number)
    }

    /// Ready when its PostgreSQL runs, in whatever role.
    pub(super) fn server(&self, site: &Site, owner: Option<Ids>, etcd: u16) -> anyhow::Result<Server> {
        let name = self.name();
        let folder = site.folder(&name, owner)?;
        let configuration = folder.join("patroni.yml");
        // JSON is YAML.
        let text = serde_json::to_string_pretty(&self.configuration(&folder, etcd))?;
        owner::write_file(&configuration, &text, owner)?;
        // Patroni calls it once, on the first primary, with a connection string.
        let script = format!("exec {PROGRAMS}/psql \"$1\" --quiet --command 'CREATE DATABASE {DATABASE}'\n");
        owner::write_file(&folder.join("first.sh"), &script, owner)?;
        let ready = Probe::http(self.rest, "/health");
        let mut server = Server::new(&name, "patroni", folder, ready)
            .args([configuration.display().to_string()])
            .port("rest", self.rest)
            .port("postgres", self.postgres);
        server.user = owner;
        Ok(server)
    }

    fn configuration(&self, folder: &Path, etcd: u16) -> Value {
        let rest = format!("127.0.0.1:{}", self.rest);
        let postgres = format!("127.0.0.1:{}", self.postgres);
        let path = |name: &str| folder.join(name).display().to_string();
        json!({
            "scope": "segue",
            "name": self.name(),
            "restapi": { "listen": rest, "connect_address": rest },
            // The API of etcd 2: by that of 3, Patroni 3.0 writes the leader's key without a comparison, and a
            // primary that was frozen for longer than `ttl` takes the lead back from the one that was promoted meanwhile,
            // with everything undone that was written there.
            "etcd": { "host": format!("127.0.0.1:{etcd}") },
            "bootstrap": {
                "dcs": group(),
                "initdb": ["no-sync", { "encoding": "UTF8" }, { "locale": "C" }, { "auth": "trust" }],
                "post_bootstrap": format!("/bin/sh {}", path("first.sh")),
            },
            "postgresql": {
                "listen": postgres,
                "connect_address": postgres,
                "data_dir": path("data"),
                "bin_dir": PROGRAMS,
                "pgpass": path("pgpass"),
                "pg_hba": [
                    "host all all 127.0.0.1/32 trust",
                    "host replication all 127.0.0.1/32 trust",
                ],
                "authentication": {
                    "superuser": { "username": "postgres" },
                    "replication": { "username": "replicator" },
                    "rewind": { "username": "rewinder" },
                },
                // Else a new replica waits for a spread checkpoint: more than 60 s.
                "basebackup": [{ "checkpoint": "fast" }],
                "parameters": {
                    "unix_socket_directories": "",
                    "shared_buffers": "32MB",
                    // Processes are killed here, machines are not.
                    "fsync": "off",
                    "max_wal_size": "256MB",
                    "log_min_messages": "warning",
                },
            },
        })
    }
}

/// What all nodes share. A dead node is replaced after `ttl`; Patroni demands that it is no less than
/// `loop_wait + 2 × retry_timeout`. Much less than this, and a machine that stands still for some seconds, as one that
/// writes back what a compiler left does, loses its primary. A dead PostgreSQL under a live Patroni is replaced at once.
fn group() -> Value {
    json!({
        "ttl": 15,
        "loop_wait": 1,
        "retry_timeout": 7,
        "primary_start_timeout": 0,
        "synchronous_mode": true,
        "slots": { SLOT: { "type": "logical", "database": DATABASE, "plugin": "pgoutput" } },
        "postgresql": {
            "use_pg_rewind": true,
            "use_slots": true,
            "parameters": {
                "wal_level": "logical",
                "max_connections": 100,
                "max_wal_senders": 20,
                "max_replication_slots": 20,
                // Tests provision a shorter one where they need it.
                "wal_keep_size": "64MB",
            },
        },
    })
}
