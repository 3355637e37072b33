//! The encoder role: it owns encodings, the jobs that turn an uploaded original into an adaptive stream.
//!
//! A worker takes a job from the bus, spools the original to a temporary file while hashing it, and has a
//! **child process** decode and encode it ([`worker_main`]): untrusted bytes are never looked at in the process
//! that serves calls. The parent streams what the child makes into the blob store and commits the output with
//! its manifest and one transaction. A job may run any number of times; one output is ever announced.
//!
//! It must not touch songs: it hears of them by events and answers with events. It never skips a job by its
//! sequence number, only by the state of its row.
#![forbid(unsafe_code)]

mod child;
mod config;
mod encoder;
mod encoding;
mod entity;
mod error;
mod event;
mod job;
mod migration;
mod queue;
mod repository;
mod running;
mod service;
mod songs;

pub use child::worker_main;
pub use config::EncoderConfig;
pub use encoder::{Deps, Encoder, WorkerCommand};
pub use error::Error;
