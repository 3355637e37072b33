//! Which engines there are.

use super::{azurite, opensearch, patroni, postgres, rabbitmq, redis, server::Server, site::Site};
use std::collections::BTreeMap;

/// An engine as one asks for it; some are several servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Engine {
    /// PostgreSQL 15, a single server with logical replication
    Postgres,
    /// etcd and three Patroni nodes: a primary and two replicas of PostgreSQL 15
    Patroni,
    /// Redis 7, a single node
    Redis,
    /// Redis 7, three primaries
    RedisCluster,
    /// RabbitMQ 3.10
    Rabbitmq,
    /// Azurite, for Azure Blob Storage
    Azurite,
    /// OpenSearch 3.8, one node
    Opensearch,
}

/// What starting one gave.
pub(crate) struct Started {
    pub(crate) servers: Vec<Server>,
    /// For tests.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Engine {
    pub(crate) const ALL: [Self; 7] = [
        Self::Postgres,
        Self::Patroni,
        Self::Redis,
        Self::RedisCluster,
        Self::Rabbitmq,
        Self::Azurite,
        Self::Opensearch,
    ];

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Patroni => "Patroni",
            Self::Redis => "Redis",
            Self::RedisCluster => "Redis cluster",
            Self::Rabbitmq => "RabbitMQ",
            Self::Azurite => "Azurite",
            Self::Opensearch => "OpenSearch",
        }
    }

    /// The variable that tells a test where it is.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "SEGUE_TEST_POSTGRES",
            Self::Patroni => "SEGUE_TEST_PATRONI",
            Self::Redis => "SEGUE_TEST_REDIS",
            Self::RedisCluster => "SEGUE_TEST_REDIS_CLUSTER",
            Self::Rabbitmq => "SEGUE_TEST_RABBITMQ",
            Self::Azurite => "SEGUE_TEST_AZURITE",
            Self::Opensearch => "SEGUE_TEST_OPENSEARCH",
        }
    }

    /// The servers that it starts.
    pub(crate) fn server_names(self, rabbitmq_nodes: u8) -> Vec<String> {
        let fixed: &[&str] = match self {
            Self::Postgres => &["postgres"],
            Self::Patroni => &["etcd", "patroni-1", "patroni-2", "patroni-3"],
            Self::Redis => &["redis"],
            Self::RedisCluster => &["redis-cluster-1", "redis-cluster-2", "redis-cluster-3"],
            Self::Rabbitmq => &["epmd", "rabbitmq"],
            Self::Azurite => &["azurite"],
            Self::Opensearch => &["opensearch"],
        };
        let more = (2..=rabbitmq_nodes).filter(|_| self == Self::Rabbitmq);
        let more = more.map(|number| format!("rabbitmq-{number}"));
        fixed.iter().map(|name| (*name).to_owned()).chain(more).collect()
    }

    /// Makes its data and starts its servers, until all of it is ready.
    ///
    /// # Errors
    /// When a program is missing or does not become ready.
    pub(crate) fn start(self, site: &Site) -> anyhow::Result<Started> {
        let (servers, address) = match self {
            Self::Postgres => postgres::start(site)?,
            Self::Patroni => patroni::start(site)?,
            Self::Redis => redis::start_single(site)?,
            Self::RedisCluster => redis::start_cluster(site)?,
            Self::Rabbitmq => rabbitmq::start(site)?,
            Self::Azurite => azurite::start(site)?,
            Self::Opensearch => opensearch::start(site)?,
        };
        let variables = [(self.variable().to_owned(), address)].into();
        Ok(Started { servers, variables })
    }
}
