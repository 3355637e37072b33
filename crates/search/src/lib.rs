//! The search role.
#![forbid(unsafe_code)]
