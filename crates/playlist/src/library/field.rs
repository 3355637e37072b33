//! What may be in the fields of a request.

use crate::Error;
use segue_domain::{PageSize, PageToken, UserId};
use segue_mesh::to_proto;
use std::str::FromStr;

/// An id in a request.
pub(super) fn id<T: FromStr<Err = segue_domain::IdError>>(field: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::field(field, e.to_string()))
}

/// A time in an answer.
pub(super) fn instant(time: segue_domain::Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_proto(time))
}

/// Which page of a list of the caller's is asked for.
#[derive(Debug)]
pub(super) struct Page {
    query: [String; 3],
    size: u32,
    cursor: Option<String>,
}

impl Page {
    /// `filter` is what else decides which rows are listed, and how.
    pub(super) fn read(
        method: &str,
        user: UserId,
        filter: &str,
        size: i32,
        token: &str,
    ) -> Result<Self, Error> {
        let size = PageSize::new(size).map_err(|e| Error::field("page_size", e.to_string()))?.get();
        let query = [method.to_owned(), user.to_string(), filter.to_owned()];
        let cursor = PageToken::decode(&query.each_ref().map(String::as_str), token)
            .map_err(|e| Error::field("page_token", e.to_string()))?;
        Ok(Self { query, size, cursor })
    }

    /// The place after which it begins, from the parts of the cursor; `None` for the first page.
    pub(super) fn after<const N: usize, T>(
        &self,
        read: impl FnOnce([&str; N]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let parts: Vec<&str> = cursor.split(':').collect();
        let place = <[&str; N]>::try_from(parts).ok().and_then(read);
        let text = "page_token is not one that this service made; begin again without it";
        place.map(Some).ok_or_else(|| Error::field("page_token", text))
    }

    /// How many rows to ask for: one more than is shown tells whether there is a next page.
    pub(super) fn ask(&self) -> u32 {
        self.size + 1
    }

    /// The rows that are shown, and the token of the next page; empty on the last.
    pub(super) fn cut<T>(&self, mut rows: Vec<T>, place: impl FnOnce(&T) -> String) -> (Vec<T>, String) {
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
