//! Reading one's own writes.
//!
//! A write answers with `segue-consistency: subject@version`. Sent back with later calls, it keeps a cache or a replica that
//! holds less from answering them.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tonic::{body::Body, transport::Channel};
use tower::Service;

const HEADER: &str = "segue-consistency";
/// Songs, playlists and libraries that were changed last. A replica catches up in less time than it takes to change more.
const MOST: usize = 8;

/// A channel that remembers what it wrote.
#[derive(Debug, Clone)]
pub struct Consistent {
    channel: Channel,
    seen: Arc<Seen>,
}

/// Versions of what was changed last, newest last.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    marks: Mutex<VecDeque<(String, u64)>>,
}

impl Consistent {
    pub(crate) fn new(channel: Channel, seen: Arc<Seen>) -> Self {
        Self { channel, seen }
    }
}

impl Service<http::Request<Body>> for Consistent {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // Who says something himself is not corrected.
        if let Some(marks) = self.seen.header().filter(|_| !request.headers().contains_key(HEADER)) {
            request.headers_mut().insert(HEADER, marks);
        }
        let (seen, answer) = (self.seen.clone(), self.channel.call(request));
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(mark) = answer.headers().get(HEADER).and_then(|mark| mark.to_str().ok()) {
                seen.note(mark);
            }
            Ok(answer)
        })
    }
}

impl Seen {
    fn note(&self, mark: &str) {
        let Some((song, version)) = mark.split_once('@') else { return };
        let Ok(version) = version.parse::<u64>() else { return };
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = marks.iter().position(|(known, _)| known == song).and_then(|at| marks.remove(at));
        let version = before.map_or(version, |(_, known)| known.max(version));
        if marks.len() == MOST {
            marks.pop_front();
        }
        marks.push_back((song.to_owned(), version));
    }

    /// Marks of an earlier [`Seen::text`].
    pub(crate) fn note_all(&self, marks: &str) {
        marks.split(',').for_each(|mark| self.note(mark));
    }

    /// All marks, as the header has them.
    pub(crate) fn text(&self) -> String {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let text: Vec<String> = marks.iter().map(|(song, version)| format!("{song}@{version}")).collect();
        text.join(",")
    }

    fn header(&self) -> Option<http::HeaderValue> {
        Some(self.text()).filter(|text| !text.is_empty())?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(seen: &Seen) -> String {
        seen.header().map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_newest_version_of_each_song_is_sent() {
        let seen = Seen::default();
        assert_eq!(header(&seen), "");
        for mark in ["a@1", "b@7", "a@3", "a@2", "nonsense", "c@x"] {
            seen.note(mark);
        }
        assert_eq!(header(&seen), "b@7,a@3");
    }

    #[test]
    fn only_the_last_are_remembered() {
        let seen = Seen::default();
        for song in 0..100 {
            seen.note(&format!("{song}@1"));
        }
        assert_eq!(header(&seen), "92@1,93@1,94@1,95@1,96@1,97@1,98@1,99@1");
    }
}
