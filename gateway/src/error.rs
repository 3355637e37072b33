//! Why a gateway cannot be built.

use segue_domain::{Code, Coded};
use segue_mesh::PolicyError;

/// Why a gateway cannot be built. Nothing of it changes by trying again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Change the configuration.
    #[error("gateway.{field} must be {wanted}")]
    Config {
        /// Below `gateway`.
        field: &'static str,
        /// What it must be.
        wanted: String,
    },
    /// Route only services of the contracts, each once.
    #[error("cannot route {service}: {reason}")]
    Route {
        /// Full name.
        service: String,
        /// Why.
        reason: &'static str,
    },
    /// The contracts cannot be enforced.
    #[error(transparent)]
    Contract(#[from] PolicyError),
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code::FailedPrecondition
    }
    fn reason(&self) -> &'static str {
        "GATEWAY_CONFIGURATION"
    }
}
