//! Engines of the index port: tantivy in a folder, and OpenSearch.
#![forbid(unsafe_code)]
