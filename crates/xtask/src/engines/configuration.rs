//! The part of segue.toml that leads to a set of engines.

use super::{engine::Engine, state::State};

/// The account of every Azurite, as its documentation prints it: no secret.
const AZURITE_ACCOUNT: &str = "devstoreaccount1";
const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// As TOML, with a section for each engine that is there. Of two kinds of one engine the larger is taken: the Patroni
/// group, the Redis cluster.
pub(crate) fn of(state: &State) -> String {
    let address = |engine: Engine| state.variables.get(engine.variable()).cloned();
    let mut sections = Vec::new();
    if let Some(rest) = address(Engine::Patroni) {
        let patroni: Vec<String> = rest.split(',').map(|url| format!("{url:?}")).collect();
        let primary = state.servers.iter().find(|server| server.name == "patroni-1");
        let port = primary.and_then(|server| server.ports.get("postgres")).copied().unwrap_or_default();
        sections.push(format!(
            "[store]\nurl = \"postgres://postgres@127.0.0.1:{port}/segue\"\npatroni = [{}]\nmax_connections = 6\nwait_s = 30\n",
            patroni.join(", ")
        ));
        // Patroni makes the slot, and keeps it over a failover.
        sections.push("[cdc]\nmanage_slot = false\n".to_owned());
    } else if let Some(url) = address(Engine::Postgres) {
        sections.push(format!("[store]\nurl = \"{url}/segue\"\n"));
    }
    if let Some(url) = address(Engine::RedisCluster).or_else(|| address(Engine::Redis)) {
        sections.push(format!("[cache.redis]\nurl = \"{url}\"\n"));
    }
    if let Some(url) = address(Engine::Rabbitmq) {
        sections.push(format!("[bus]\nurl = \"{url}\"\n"));
    }
    if let Some(url) = address(Engine::Azurite) {
        let account = format!("account = \"{AZURITE_ACCOUNT}\"\nkey = \"{AZURITE_KEY}\"");
        sections.push(format!("[blob.azure]\nendpoint = \"{url}\"\n{account}\n"));
    }
    if let Some(url) = address(Engine::Opensearch) {
        sections.push(format!("[index]\nurl = \"{url}\"\n"));
    }
    sections.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::{probe::Probe, server::Server};

    fn state(variables: &[(&str, &str)]) -> State {
        let server =
            Server::new("patroni-1", "patroni", "/d".into(), Probe::http(2, "/")).port("postgres", 5001);
        State {
            folder: "/d".into(),
            servers: vec![server],
            variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        }
    }

    #[test]
    fn the_larger_of_two_kinds_is_taken() {
        let text = of(&state(&[
            ("SEGUE_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5000"),
            ("SEGUE_TEST_PATRONI", "http://127.0.0.1:1,http://127.0.0.1:2"),
            ("SEGUE_TEST_REDIS", "redis://127.0.0.1:3"),
            ("SEGUE_TEST_REDIS_CLUSTER", "redis-cluster://127.0.0.1:4?node=127.0.0.1:5"),
        ]));
        let expected = "[store]\nurl = \"postgres://postgres@127.0.0.1:5001/segue\"\n\
                        patroni = [\"http://127.0.0.1:1\", \"http://127.0.0.1:2\"]\nmax_connections = 6\nwait_s = 30\n\n\
                        [cdc]\nmanage_slot = false\n\n\
                        [cache.redis]\nurl = \"redis-cluster://127.0.0.1:4?node=127.0.0.1:5\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_single_database_is_enough() {
        let text = of(&state(&[("SEGUE_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5000")]));
        assert_eq!(text, "[store]\nurl = \"postgres://postgres@127.0.0.1:5000/segue\"\n");
    }
}
