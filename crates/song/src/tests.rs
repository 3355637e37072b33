//! What the role promises, on every store engine, with a blob store and a bus in memory.

mod album_history;
mod albums;
mod artists;
mod blob;
mod bus;
mod cached;
mod create;
mod edit;
mod events;
mod fairness;
mod fill;
mod heir;
mod list;
mod lyrics;
mod matching;
mod playback;
mod reaper;
mod run;
mod scan;
mod states;
mod upload;
mod visibility;
mod watch;
mod world;
