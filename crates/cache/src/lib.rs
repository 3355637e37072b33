//! Engines of the cache port: [moka] in this process, and Redis behind it.
#![forbid(unsafe_code)]
