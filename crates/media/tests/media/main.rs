//! The crate as its caller sees it, with ffmpeg as the judge of what comes out.

mod bad_input;
mod boxes;
mod exact_samples;
mod judge;
mod loudness;
mod playlists;
mod real_mp3;
mod single;
mod song;
mod tags;
