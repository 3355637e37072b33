//! What every bus does.
