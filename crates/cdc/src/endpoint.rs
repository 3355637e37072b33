//! A PostgreSQL server, as a URL names it.

use crate::RelayError;
use percent_encoding::percent_decode_str;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use segue_store::DatabaseUrl;
use std::{fmt, str::FromStr};
use url::Url;

/// A server of a database. Does not print its password.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
    /// For statements, which may use TLS.
    pub(crate) options: PgConnectOptions,
}

impl Endpoint {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`. `password` is for a URL that holds none.
    /// Errors do not repeat the URL, because of its password.
    pub(crate) fn new(url: &DatabaseUrl, password: Option<&str>) -> Result<Self, RelayError> {
        let wrong = |what: &str| RelayError::Url(what.to_owned());
        let parsed = Url::parse(url.expose()).map_err(|e| RelayError::Url(e.to_string()))?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(wrong("the scheme is not postgres://"));
        }
        let host =
            parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it has no host"))?;
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(String::from).map_err(|_| wrong("user, password or database is not UTF-8"))
        };
        let database = decoded(parsed.path().trim_start_matches('/'))?;
        if parsed.username().is_empty() || database.is_empty() {
            return Err(wrong("it needs a user and a database: postgres://user:password@host:port/database"));
        }
        let mut options =
            PgConnectOptions::from_str(url.expose()).map_err(|_| wrong("a parameter is not understood"))?;
        let password = match (parsed.password(), password) {
            (Some(password), _) => decoded(password)?,
            (None, Some(password)) => {
                options = options.password(password);
                password.to_owned()
            }
            (None, None) => String::new(),
        };
        Ok(Self {
            // An IPv6 address stands in brackets in a URL, and without them in an address.
            host: host.trim_matches(['[', ']']).to_owned(),
            port: parsed.port().unwrap_or(5432),
            user: decoded(parsed.username())?,
            password,
            database,
            options,
        })
    }

    /// The same database on another server.
    pub(crate) fn on(&self, host: &str, port: u16) -> Self {
        let options = self.options.clone().host(host).port(port);
        Self { host: host.to_owned(), port, options, ..self.clone() }
    }

    /// Whether statements insist on TLS, which the replication stream does not speak.
    pub(crate) fn insists_on_tls(&self) -> bool {
        matches!(
            self.options.get_ssl_mode(),
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
        )
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}:{}/{}", self.host, self.port, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;
    use segue_store::DatabaseUrl;

    #[test]
    fn parts_are_decoded_and_the_password_is_not_printed() {
        let url = DatabaseUrl::new("postgres://seg%40ue:s%2Fcr@[::1]:5433/so%20ngs?sslmode=require");
        let endpoint = Endpoint::new(&url, Some("unused")).unwrap();
        assert_eq!((endpoint.user.as_str(), endpoint.password.as_str()), ("seg@ue", "s/cr"));
        assert_eq!(
            (endpoint.host.as_str(), endpoint.port, endpoint.database.as_str()),
            ("::1", 5433, "so ngs")
        );
        assert!(endpoint.insists_on_tls());
        assert_eq!(format!("{endpoint:?}"), "postgres://::1:5433/so ngs");
        let url = DatabaseUrl::new("postgres://segue@db/segue");
        assert_eq!(Endpoint::new(&url, Some("from a file")).unwrap().password, "from a file");
    }

    #[test]
    fn what_is_no_database_is_refused_without_repeating_it() {
        for url in
            ["mysql://u:secret@h/d", "postgres://u:secret@h", "postgres://h/d", "postgres:///d", "secret"]
        {
            let error = Endpoint::new(&DatabaseUrl::new(url), None).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
