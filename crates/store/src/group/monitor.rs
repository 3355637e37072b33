//! The task that keeps looking at every server and says which are used.

use super::{
    Endpoint, View,
    choice::{self, Leader},
    lag::History,
    node::Node,
    patroni::{Cluster, Patroni},
    probe::Role,
};
use crate::{StoreConfig, StoreError};
use futures::future::join_all;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

/// Least time between two looks, however many statements fail.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// Time between looks while there is no primary, or a server has not answered in time.
const SEARCH_PAUSE: Duration = Duration::from_millis(200);
/// Members that Patroni may name beyond those that are configured.
const MOST_NODES: usize = 64;

/// What the task works on.
pub(super) struct Monitor {
    pub(super) config: StoreConfig,
    pub(super) nodes: Vec<Node>,
    pub(super) patroni: Option<Patroni>,
    pub(super) password: Option<String>,
    pub(super) view: watch::Sender<Arc<View>>,
    /// Woken by statements that fail.
    pub(super) failed: Arc<Notify>,
    history: History,
    writer: Option<usize>,
    /// The last one that there was.
    last_writer: Option<usize>,
    newest_timeline: u32,
    /// Who leads though it was replaced, and its timeline: what was complained of.
    replaced: Option<(usize, u32)>,
}

impl Monitor {
    /// Nothing is looked at yet.
    pub(super) fn new(config: StoreConfig, failed: Arc<Notify>) -> Result<Self, StoreError> {
        let password = read_password(config.password_file.as_deref())?;
        let servers = config.servers();
        let nodes = servers
            .into_iter()
            .map(|s| Node::new(s.key, s.url, s.may_lead, password.as_deref(), &config))
            .collect::<Result<_, _>>()?;
        let patroni = Patroni::new(&config.patroni);
        let (view, _) = watch::channel(Arc::default());
        Ok(Self {
            config,
            nodes,
            patroni,
            password,
            view,
            failed,
            history: History::default(),
            writer: None,
            last_writer: None,
            newest_timeline: 0,
            replaced: None,
        })
    }

    /// Looks until the task is ended.
    pub(super) async fn run(mut self, stop: Arc<Notify>) {
        let usual = Duration::from_millis(self.config.monitor_ms);
        loop {
            let calm = self.writer.is_some() && !self.nodes.iter().any(Node::is_late);
            let pause = if calm { usual } else { SEARCH_PAUSE.min(usual) };
            let least = sleep(LEAST_PAUSE.min(pause));
            tokio::select! {
                () = stop.notified() => break,
                () = sleep(pause) => {}
                () = async { least.await; self.failed.notified().await } => {}
            }
            self.round().await;
        }
        self.view.send_replace(Arc::default());
        for node in &mut self.nodes {
            node.hang_up().await;
        }
    }

    /// Looks at every server once, at the same time, and publishes what follows.
    pub(super) async fn round(&mut self) {
        self.renew_password();
        let cluster = async {
            match &mut self.patroni {
                Some(patroni) => timeout(Duration::from_secs(1), patroni.ask()).await.ok().flatten(),
                None => None,
            }
        };
        let (cluster, _) = tokio::join!(cluster, join_all(self.nodes.iter_mut().map(Node::look)));
        let leader = cluster.map_or(Leader::Unasked, |cluster| self.leader(&cluster));
        let candidates: Vec<_> = self.nodes.iter().map(Node::candidate).collect();
        let writer = choice::writer(&candidates, leader, self.writer, self.newest_timeline);
        self.complain(leader, writer);
        self.appoint(writer);
        self.publish();
    }

    /// Adds members that are new, and finds the one that leads.
    fn leader(&mut self, cluster: &Cluster) -> Leader {
        for member in cluster.members.iter().filter(|m| !m.host.is_empty()) {
            let known = self.nodes.iter().any(|node| node.is_at(&member.host, member.port));
            if !known && self.nodes.len() < MOST_NODES {
                tracing::info!(host = member.host, port = member.port, "patroni names another server");
                let node = self.nodes[0].sibling(&member.host, member.port);
                self.nodes.push(node);
            }
        }
        let leads = cluster.members.iter().find(|m| m.leads());
        let found = leads.and_then(|m| self.nodes.iter().position(|node| node.is_at(&m.host, m.port)));
        found.map_or(Leader::Nobody, Leader::Is)
    }

    /// Says once that Patroni is led by a server that was replaced before, which is why nothing is written to it.
    fn complain(&mut self, leader: Leader, writer: Option<usize>) {
        let replaced = match (leader, writer) {
            (Leader::Is(index), None) => match self.nodes[index].role {
                Some(Role::Primary { timeline, .. }) => Some((index, timeline)),
                _ => return,
            },
            (_, Some(_)) => None,
            _ => return,
        };
        if replaced == self.replaced {
            return;
        }
        self.replaced = replaced;
        if let Some((index, timeline)) = replaced {
            tracing::error!(
                leader = &*self.nodes[index].name,
                timeline,
                newest = self.newest_timeline,
                "patroni is led by a server that was replaced, without what was written since; nothing is written until \
                 another leads or this process starts again"
            );
        }
    }

    fn appoint(&mut self, writer: Option<usize>) {
        if let Some(Role::Primary { timeline, position }) = writer.and_then(|index| self.nodes[index].role) {
            if self.last_writer != writer || self.newest_timeline != timeline {
                self.history.clear();
            }
            self.newest_timeline = self.newest_timeline.max(timeline);
            self.history.note(Instant::now(), position);
        }
        if self.writer == writer {
            return;
        }
        match writer {
            Some(index) => {
                let failover = self.last_writer.is_some_and(|last| last != index);
                if failover {
                    metrics::counter!("segue_store_failovers_total").increment(1);
                }
                tracing::info!(primary = &*self.nodes[index].name, failover, "primary found");
                self.last_writer = writer;
            }
            None => tracing::warn!("no primary; writes fail until there is one"),
        }
        self.writer = writer;
    }

    fn publish(&mut self) {
        let now = Instant::now();
        let most_lag = Duration::from_millis(self.config.max_replica_lag_ms);
        let mut view = View { removals: self.view.borrow().removals, ..View::default() };
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let replica = match node.role {
                Some(Role::Replica { position }) => {
                    let lag = self.history.lag(now, position);
                    metrics::gauge!("segue_store_replica_lag_seconds", "server" => node.name.to_string())
                        .set(lag.as_secs_f64());
                    lag <= most_lag
                }
                _ => false,
            };
            let before = node.endpoint.as_ref().map(|e| e.writer);
            let writer = Some(index) == self.writer;
            if writer || replica {
                let endpoint = node.employ(writer, &self.config, &self.failed);
                measure(&endpoint);
                if writer {
                    view.writer = Some(endpoint);
                } else {
                    view.readers.push(endpoint);
                }
            } else {
                node.dismiss();
            }
            if before.is_some() && node.endpoint.as_ref().map(|e| e.writer) != before {
                tracing::warn!(server = &*node.name, "server is not used as before");
                view.removals += 1;
            }
        }
        metrics::gauge!("segue_store_primary_known").set(if view.writer.is_some() { 1.0 } else { 0.0 });
        metrics::gauge!("segue_store_replicas_used").set(view.readers.len() as f64);
        self.view.send_if_modified(|old| {
            let same = old.is_like(&view);
            if !same {
                *old = Arc::new(view);
            }
            !same
        });
    }

    /// A new password is used for every new connection; pools are made anew for it.
    fn renew_password(&mut self) {
        match read_password(self.config.password_file.as_deref()) {
            Ok(Some(password)) if self.password.as_ref() != Some(&password) => {
                tracing::info!("the password of the database has changed");
                for node in &mut self.nodes {
                    node.set_password(&password);
                    node.dismiss();
                }
                self.password = Some(password);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the password of the database cannot be read again"),
        }
    }
}

fn measure(endpoint: &Endpoint) {
    let Endpoint { pool, name, writer, .. } = endpoint;
    let role = if *writer { "primary" } else { "replica" };
    let idle = pool.num_idle();
    let busy = (pool.size() as usize).saturating_sub(idle);
    for (state, count) in [("idle", idle), ("busy", busy)] {
        metrics::gauge!("segue_store_connections", "server" => name.to_string(), "role" => role, "state" => state)
            .set(count as f64);
    }
}

/// The file's text without the line end that editors leave.
fn read_password(file: Option<&Path>) -> Result<Option<String>, StoreError> {
    let Some(file) = file else { return Ok(None) };
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => {
            let problem = format!("names a file that cannot be read: {}: {error}", file.display());
            Err(StoreError::config("store.password_file", problem))
        }
    }
}
