//! What may be in the fields of a request, and pages of lists.

use crate::{
    Error,
    field::{page_size, page_token},
};
use segue_domain::{PageToken, Timestamp, UserId};
use segue_mesh::to_proto;

/// A time in an answer.
pub(super) fn instant(time: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_proto(time))
}

/// Which page of a list of the caller's is asked for.
#[derive(Debug)]
pub(super) struct Page<T> {
    query: [String; 3],
    size: u32,
    /// The place after which it begins; `None` for the first.
    pub(super) after: Option<T>,
}

impl<T> Page<T> {
    /// `filter` is what else decides which rows are listed, and how; `place` reads a place as [`Page::cut`] wrote it.
    pub(super) fn read(
        (method, user, filter): (&str, UserId, &str),
        size: i32,
        token: &str,
        place: impl Fn(&str) -> Option<T>,
    ) -> Result<Self, Error> {
        let size = page_size(size)?;
        let query = [method.to_owned(), user.to_string(), filter.to_owned()];
        let after = page_token(&query.each_ref().map(String::as_str), token, place)?;
        Ok(Self { query, size, after })
    }

    /// How many rows to ask for: one more than is shown tells whether there is a next page.
    pub(super) fn ask(&self) -> u32 {
        self.size + 1
    }

    /// The rows that are shown, and the token of the next page; empty on the last.
    pub(super) fn cut<R>(&self, mut rows: Vec<R>, place: impl FnOnce(&R) -> String) -> (Vec<R>, String) {
        let more = rows.len() > self.size as usize;
        rows.truncate(self.size as usize);
        let query = self.query.each_ref().map(String::as_str);
        let token = match rows.last() {
            Some(last) if more => PageToken::encode(&query, &place(last)),
            _ => String::new(),
        };
        (rows, token)
    }
}

/// A time and an id, of which [`at`] made a text.
pub(super) fn placed<T: std::str::FromStr>(text: &str) -> Option<(Timestamp, T)> {
    let (time, id) = text.split_once(':')?;
    Some((Timestamp(time.parse().ok()?), id.parse().ok()?))
}

/// A place in a list that is ordered by time and id.
pub(super) fn at(time: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{}:{id}", time.millis())
}
