//! Engines of the index port: tantivy in a folder, and OpenSearch.
//!
//! What a text is cut into (`analyse`), what a hit is worth (`rank`) and what is kept of a document
//! (`entry`) is the same for both; an engine only says it in its own words. Only the binary names an engine.

mod analyse;
mod cursor;
mod embedded;
mod entry;
mod meter;
mod rank;
mod remote;

pub use embedded::{Config as TantivyConfig, Tantivy};
pub use remote::{Config as OpenSearchConfig, OpenSearch, Password};
