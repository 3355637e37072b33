//! One server of a group, as the monitor sees it.

use super::{
    Endpoint,
    choice::Candidate,
    probe::{self, Answer, Role},
};
use crate::{DatabaseUrl, StoreConfig, StoreError, pool};
use sea_orm::sqlx::{self, PgConnection, PgPool, postgres::PgConnectOptions};
use std::sync::Arc;
use tokio::sync::Notify;

/// Looks without an answer after which a server counts as gone. One may be late because it is busy.
const MOST_LATE: u32 = 3;

/// A server.
pub(super) struct Node {
    /// Host and port.
    pub(super) name: Arc<str>,
    /// The key that names it in the configuration.
    pub(super) key: String,
    pub(super) role: Option<Role>,
    /// Why it is gone.
    pub(super) failure: Option<sqlx::Error>,
    /// What it is used as; none while it is not used.
    pub(super) endpoint: Option<Endpoint>,
    options: PgConnectOptions,
    may_lead: bool,
    link: Option<PgConnection>,
    late: u32,
}

impl Node {
    /// A server that nothing is known of yet.
    pub(super) fn new(
        key: String,
        url: &DatabaseUrl,
        may_lead: bool,
        password: Option<&str>,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let options = pool::postgres_options(&key, url, password, config)?;
        Ok(Self::with(key, options, may_lead))
    }

    fn with(key: String, options: PgConnectOptions, may_lead: bool) -> Self {
        let name = format!("{}:{}", options.get_host(), options.get_port()).into();
        Self { name, key, role: None, failure: None, endpoint: None, options, may_lead, link: None, late: 0 }
    }

    /// Another server of the same group, with the same user, password and database.
    pub(super) fn sibling(&self, host: &str, port: u16) -> Self {
        Self::with(self.key.clone(), self.options.clone().host(host).port(port), true)
    }

    pub(super) fn is_at(&self, host: &str, port: u16) -> bool {
        self.options.get_host() == host && self.options.get_port() == port
    }

    pub(super) fn candidate(&self) -> Candidate {
        Candidate { role: self.role, may_lead: self.may_lead }
    }

    /// From now on it is reached with another password.
    pub(super) fn set_password(&mut self, password: &str) {
        self.options = self.options.clone().password(password);
        self.link = None;
    }

    /// Looks at it.
    pub(super) async fn look(&mut self) {
        match probe::look(&mut self.link, &self.options).await {
            Answer::Is(role) => {
                self.role = Some(role);
                self.failure = None;
                self.late = 0;
            }
            Answer::Late => {
                self.late += 1;
                if self.late >= MOST_LATE {
                    self.role = None;
                }
            }
            Answer::Gone(error) => {
                self.role = None;
                self.failure = Some(error);
                self.late = MOST_LATE;
            }
        }
    }

    /// Makes the pool that it is used through as `writer`, or as a replica. The one of another use is closed: nothing is
    /// written over connections that were opened to what was a primary then.
    pub(super) fn employ(&mut self, writer: bool, config: &StoreConfig, failed: &Arc<Notify>) -> Endpoint {
        if let Some(endpoint) = self.endpoint.as_ref().filter(|e| e.writer == writer) {
            return endpoint.clone();
        }
        self.dismiss();
        let pool = pool::postgres_pool(self.options.clone(), config);
        let db = pool::handle(pool.clone(), failed.clone());
        let endpoint = Endpoint { name: self.name.clone(), writer, pool, db };
        self.endpoint.insert(endpoint).clone()
    }

    /// A pool on which everything fails at once.
    pub(super) fn closed_pool(&self, config: &StoreConfig) -> PgPool {
        let pool = pool::postgres_pool(self.options.clone(), config);
        // It is closed from this call on; nothing is open that would have to be waited for.
        drop(pool.close());
        pool
    }

    /// Ends its pool: who waits for a connection hears so at once, and those in use are closed when they come back.
    pub(super) fn dismiss(&mut self) {
        if let Some(endpoint) = self.endpoint.take() {
            tokio::spawn(async move { endpoint.pool.close().await });
        }
    }

    pub(super) async fn hang_up(&mut self) {
        probe::hang_up(self.link.take()).await;
        if let Some(endpoint) = self.endpoint.take() {
            endpoint.pool.close().await;
        }
    }

    /// It did not answer in time, and that is not yet held against it.
    pub(super) fn is_late(&self) -> bool {
        (1..MOST_LATE).contains(&self.late)
    }

    /// What is wrong with it, for a person. `None` while it works.
    pub(super) fn complaint(&self) -> Option<StoreError> {
        if self.role.is_some() {
            return None;
        }
        let (user, name) = (self.options.get_username(), &self.name);
        let database = self.options.get_database().unwrap_or(user);
        let code = self.failure.as_ref().and_then(|e| e.as_database_error()).and_then(|e| e.code());
        let problem = match (code.as_deref(), &self.failure) {
            (Some("28P01" | "28000"), _) => format!(
                "is not accepted: {name} refuses user '{user}' or its password; correct them there, or in the file \
                 that store.password_file names"
            ),
            (Some("3D000"), _) => {
                format!("names the database '{database}', which {name} does not have; create it first")
            }
            (_, Some(error)) => {
                format!("cannot be reached: {name} says: {error}; is PostgreSQL running and reachable there?")
            }
            (_, None) => format!("cannot be reached: {name} does not answer; is PostgreSQL running there?"),
        };
        Some(StoreError::config(self.key.as_str(), problem))
    }

    /// True when waiting will not help: a refused user, a database that is not there.
    pub(super) fn is_hopeless(&self) -> bool {
        let code = self.failure.as_ref().and_then(|e| e.as_database_error()).and_then(|e| e.code());
        code.is_some_and(|code| code.starts_with("28") || code == "3D000")
    }
}
