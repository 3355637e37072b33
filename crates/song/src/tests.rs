//! What the role promises, on every store engine, with a blob store and a bus in memory.

mod blob;
mod bus;
mod cached;
mod create;
mod edit;
mod events;
mod fairness;
mod list;
mod playback;
mod reaper;
mod run;
mod scan;
mod states;
mod upload;
mod visibility;
mod watch;
mod world;
