#![forbid(unsafe_code)]
mod cache;
mod lru;
mod path;
