//! Where bodies are kept: hot ones in memory, the rest in files.

pub(crate) mod admission;
pub(crate) mod disk;
pub(crate) mod format;
pub(crate) mod index;
pub(crate) mod memory;
