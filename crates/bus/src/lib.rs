//! Engines of the bus port. [`Embedded`] keeps durable queues in a SQLite file of its own and serves one process;
//! [`Rabbit`] is a RabbitMQ broker for many. An engine knows nothing of what the messages mean: it never decodes a
//! payload, and no role names this crate; only the binary chooses an engine.
#![forbid(unsafe_code)]

mod embedded;
mod rabbit;

pub use embedded::{Config, Embedded};
pub use rabbit::{BrokerUrl, Rabbit, RabbitConfig, RabbitError};
