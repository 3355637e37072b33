//! Where bodies are kept: hot ones in memory, the rest in files.

pub(crate) mod admission;
pub(crate) mod index;
