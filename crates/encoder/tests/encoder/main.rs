//! The encoder role from the outside: facts go in, facts and objects come out, calls are answered.

mod bad_input;
mod calls;
mod cancel;
mod dead_letters;
mod faults;
mod memory_blob;
mod original;
mod replay;
mod song_service;
mod stack;
mod success;
