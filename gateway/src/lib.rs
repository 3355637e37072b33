//! The public door: routing by the contracts, gRPC and gRPC-Web, CORS, authentication, rate limits, reflection
//! and health of all services, and the few plain pages that machines ask for.
//!
//! It decodes no message and knows no role: what a path may do is read from the descriptor set, and where it
//! leads is handed in. It holds no state but rate limits.
#![forbid(unsafe_code)]

mod address;
mod answer;
mod calls;
mod config;
mod cors;
mod door;
mod error;
mod forward;
mod gateway;
mod jwks;
mod measured;
mod meter;
mod methods;
mod origin;
mod plain;
mod rate;
mod reflection;
mod refused;
mod timeout;
mod wire;

pub use config::{BudgetConfig, GatewayConfig, LimitsConfig};
pub use error::Error;
pub use gateway::{Deps, Gateway, Route};
