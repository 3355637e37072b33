//! What every role stands on: channels that are local or remote, the server that roles register with, its
//! layers, authentication by policy, the mapping of errors to gRPC statuses, and telemetry.
//!
//! It knows no role and no engine. Only this crate builds a `tonic::Status`.
#![forbid(unsafe_code)]

mod caller;
mod channel;
mod consistency;
mod health;
mod layer;
mod listen;
mod origin;
mod pages;
mod policy;
mod server;
mod status;
pub mod telemetry;
mod time;
mod token;

pub use caller::{Caller, User};
pub use channel::Channel;
pub use consistency::{CONSISTENCY_HEADER, Passport, Seen, mark_written};
pub use health::{Ready, health_router};
pub use layer::auth::{Auth, Door};
pub use layer::deadline;
pub use listen::{ListenConfig, serve};
pub use origin::{ORIGIN_HEADER, origin};
pub use pages::{Metrics, pages};
pub use policy::{MethodPolicy, Policies, PolicyError};
pub use server::{Server, ServerConfig};
pub use status::{Reply, from_status, status};
pub use time::{from_proto, to_proto};
pub use token::{
    Claims, RoleSigner, TokenError, Verifier, VerifierConfig, VerifyingKey, sign_token, verifying_keys,
};
