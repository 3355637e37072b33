//! How the client connects, and what happens when the connection comes and goes.

use super::{Inner, Redis, SKEW};
use crate::{Error, RedisConfig};
use fred::{
    clients::Client,
    error::ErrorKind,
    interfaces::{ClientLike, EventInterface},
    types::{
        Builder, RespVersion,
        config::{Config, Options, ReconnectPolicy},
    },
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Longest wait for a connection, its greeting, and answers to the client's own commands.
const CONNECT: Duration = Duration::from_millis(500);
/// The client takes what it does not know for a host.
const SCHEMES: [&str; 6] =
    ["redis", "rediss", "redis-cluster", "rediss-cluster", "redis-sentinel", "rediss-sentinel"];
/// Commands that wait to be written. More are refused: a server that does not read would have them all kept.
const BUFFER: usize = 10_000;
/// First and longest pause before the next try to connect, milliseconds.
const RECONNECT: (u32, u32) = (50, 1000);
/// How often a server that failed is tried.
const PROBE: Duration = Duration::from_millis(100);

/// A client that has not connected yet.
pub(super) fn client(config: &RedisConfig) -> Result<Client, Error> {
    let wrong = |field, wanted: &str| Error::Config { field, wanted: wanted.to_owned() };
    if config.timeout_ms == 0 || config.lease_ms == 0 {
        return Err(wrong("redis.timeout_ms", "at least 1, and so must lease_ms"));
    }
    let url =
        "redis://host:port, redis-cluster://host:port or redis-sentinel://host:port?sentinelServiceName=name";
    let scheme = config.url.expose().split_once("://").map_or("", |(scheme, _)| scheme);
    if !SCHEMES.contains(&scheme) {
        return Err(wrong("redis.url", url));
    }
    let mut server = Config::from_url(config.url.expose()).map_err(|_| wrong("redis.url", url))?;
    // About the first connection only: it is tried again like any other.
    server.fail_fast = false;
    server.version = RespVersion::RESP3;
    let timeout = Duration::from_millis(config.timeout_ms);
    let client = Builder::from_config(server)
        .with_performance_config(|performance| performance.default_command_timeout = timeout)
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT;
            connection.internal_command_timeout = CONNECT;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = BUFFER;
            connection.reconnect_on_auth_error = true;
            // A command must not wait until the server has acknowledged the one before.
            connection.tcp.nodelay = Some(true);
        })
        .set_policy(ReconnectPolicy::new_exponential(0, RECONNECT.0, RECONNECT.1, 2))
        .build();
    client
        .map_err(|error| Error::Config { field: "redis.url", wanted: format!("usable: {}", error.details()) })
}

impl Redis {
    /// Whether Redis is there and takes us: for the start of a process that should say so.
    ///
    /// # Errors
    /// [`Error::Refused`] over a wrong user or password, [`Error::Unavailable`] when nothing answers within 2 s.
    pub async fn check(&self) -> Result<(), Error> {
        let patient = Options { fail_fast: false, timeout: Some(CONNECT), ..Options::default() };
        let client = self.0.client.with_options(&patient);
        let mut said = "no connection within 2 s".to_owned();
        let mut errors = self.0.client.error_rx();
        let ask = async {
            loop {
                tokio::select! {
                    pong = client.ping::<String>(None) => match pong {
                        Ok(_) => return Ok(()),
                        Err(error) if error.kind() == &ErrorKind::Auth => return Err(error.details().to_owned()),
                        Err(_) => tokio::time::sleep(PROBE).await,
                    },
                    Ok((error, _)) = errors.recv() => match error.kind() {
                        ErrorKind::Auth => return Err(error.details().to_owned()),
                        _ => said = error.details().to_owned(),
                    },
                }
            }
        };
        match tokio::time::timeout(CONNECT * 4, ask).await {
            Ok(asked) => asked.map_err(Error::Refused),
            Err(_) => Err(Error::Unavailable(said)),
        }
    }

    /// Connects in the background, again and again.
    pub(super) fn keep_connected(&self) {
        let inner = Arc::downgrade(&self.0);
        self.0.client.on_error(move |(error, _)| {
            if let Some(inner) = inner.upgrade() {
                inner.lost.store(true, Ordering::Relaxed);
                tracing::debug!(%error, "redis connection failed");
            }
            std::future::ready(Ok(()))
        });
        let inner = Arc::downgrade(&self.0);
        self.0.client.on_reconnect(move |_| {
            if let Some(inner) = inner.upgrade() {
                inner.came_back();
            }
            std::future::ready(Ok(()))
        });
        // Ends with the client.
        drop(self.0.client.connect());
    }

    /// Closes the breaker when Redis answers in time again, after the floors that it has missed are raised.
    pub(super) fn recover(&self) {
        let redis = self.clone();
        tokio::spawn(self.0.closed.clone().run_until_cancelled_owned(async move {
            let client = redis.0.client.clone();
            // A connection that hangs is replaced; may itself hang until the server is back.
            let reconnected = tokio::spawn(async move { client.force_reconnection().await });
            loop {
                tokio::time::sleep(PROBE).await;
                let alive = redis.watched(redis.deadline(), redis.0.quick.ping::<String>(None)).await;
                if alive.is_ok() && redis.pay().await {
                    redis.0.breaker.close();
                    reconnected.abort();
                    tracing::info!("redis answers again");
                    return;
                }
            }
        }));
    }
}

impl Inner {
    fn came_back(&self) {
        if self.lost.swap(false, Ordering::Relaxed) {
            let since = self.clock.now().plus(SKEW);
            self.trusted_since.store(since.millis(), Ordering::Relaxed);
        }
    }
}
