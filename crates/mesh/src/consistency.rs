//! Reading one's own writes across roles, and asking one role in the name of another's caller.

use crate::ORIGIN_HEADER;
use std::fmt::Display;
use tonic::{
    Request, Response,
    metadata::{Ascii, MetadataValue},
};

/// Metadata in which a write says `id@version`; sent back with a read, that reads at least this version. A caller who
/// wrote several things sends a list with commas.
pub const CONSISTENCY_HEADER: &str = "segue-consistency";
/// Versions of one call that are looked at.
const MOST_SEEN: usize = 16;

/// Versions that a caller has seen, by id.
#[derive(Debug, Clone, Default)]
pub struct Seen(Vec<(String, u64)>);

impl Seen {
    /// What the metadata of a call says. What is no mark is passed over.
    pub fn of<T>(request: &Request<T>) -> Self {
        let marks = request
            .metadata()
            .get(CONSISTENCY_HEADER)
            .and_then(|marks| marks.to_str().ok())
            .unwrap_or_default();
        let versions = marks.split(',').take(MOST_SEEN).filter_map(|mark| {
            let (id, version) = mark.trim().split_once('@')?;
            Some((id.to_owned(), version.parse().ok()?))
        });
        Self(versions.collect())
    }

    /// The least version of a thing that the caller may be shown; 0 when they have seen none.
    pub fn at_least(&self, id: impl Display) -> u64 {
        if self.0.is_empty() {
            return 0;
        }
        let id = id.to_string();
        let versions = self.0.iter().filter(|(seen, _)| *seen == id).map(|(_, version)| *version);
        versions.max().unwrap_or(0)
    }
}

/// Says in the answer to a write which version it made.
pub fn mark_written<T>(response: &mut Response<T>, id: &str, version: &str) {
    if let Ok(mark) = MetadataValue::try_from(format!("{id}@{version}")) {
        response.metadata_mut().insert(CONSISTENCY_HEADER, mark);
    }
}

const HEADERS: [&str; 3] = ["authorization", ORIGIN_HEADER, CONSISTENCY_HEADER];

/// What of a call travels along on calls that are made for it: whose it is, the address by which they reached us, and
/// what they have seen.
#[derive(Debug, Clone, Default)]
pub struct Passport([Option<MetadataValue<Ascii>>; 3]);

impl Passport {
    /// Of a call.
    pub fn of<T>(request: &Request<T>) -> Self {
        Self(HEADERS.map(|name| request.metadata().get(name).cloned()))
    }

    /// A call in the same name.
    pub fn stamp<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in HEADERS.into_iter().zip(&self.0) {
            if let Some(value) = value {
                request.metadata_mut().insert(name, value.clone());
            }
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(marks: &str) -> Request<()> {
        let mut request = Request::new(());
        request.metadata_mut().insert(CONSISTENCY_HEADER, marks.parse().expect("it is text"));
        request
    }

    #[test]
    fn the_newest_version_that_was_seen_counts() {
        let seen = Seen::of(&call("a@3, b@9,a@7,a@5,nonsense,c@x,@1"));
        assert_eq!((seen.at_least("a"), seen.at_least("b"), seen.at_least("c")), (7, 9, 0));
        assert_eq!(Seen::of(&Request::new(())).at_least("a"), 0);
        let many = (0..1_000).map(|n| format!("{n}@1")).collect::<Vec<_>>().join(",");
        let seen = Seen::of(&call(&many));
        assert_eq!((seen.at_least(15), seen.at_least(16)), (1, 0));
    }

    #[test]
    fn a_passport_carries_what_it_was_given_and_no_more() {
        let mut call = call("a@1");
        call.metadata_mut().insert("x-other", "1".parse().expect("it is text"));
        let request = Passport::of(&call).stamp(());
        assert_eq!(request.metadata().len(), 1);
        assert_eq!(Seen::of(&request).at_least("a"), 1);
    }

    #[test]
    fn a_write_says_what_it_made() {
        let mut response = Response::new(());
        mark_written(&mut response, "a", "4");
        let mark = response.metadata().get(CONSISTENCY_HEADER).and_then(|mark| mark.to_str().ok());
        assert_eq!(mark, Some("a@4"));
    }
}
