//! The library on each store engine, with a song role and an identity of straw.

mod counts;
mod endings;
mod export;
mod histories;
mod history;
mod likes;
mod popularity;
mod run;
mod world;
