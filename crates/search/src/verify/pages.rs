//! Documents one by one, read in pages: those that should be in the index, and those that are.

use crate::{Error, role::Inner};
use segue_ports::index::{Document, Kind};
use std::collections::VecDeque;

/// Documents of a page.
const INDEX_PAGE: u32 = 500;

/// Where the next page begins.
enum Next {
    Page(Option<String>),
    End,
}

impl Next {
    fn after(cursor: Option<String>) -> Self {
        cursor.map_or(Self::End, |cursor| Self::Page(Some(cursor)))
    }
}

/// What the database says should be found, ascending by id.
pub(super) struct InDatabase<'a> {
    search: &'a Inner,
    kind: Kind,
    page: VecDeque<Document>,
    next: Next,
}

impl<'a> InDatabase<'a> {
    pub(super) fn new(search: &'a Inner, kind: Kind) -> Self {
        Self { search, kind, page: VecDeque::new(), next: Next::Page(None) }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Document>, Error> {
        // A page may be empty and not the last.
        while self.page.is_empty() {
            let Next::Page(after) = &self.next else { return Ok(None) };
            let page = self.search.sources.scan(self.kind, after.clone()).await?;
            self.page = page.documents.into();
            self.next = Next::after(page.next);
        }
        Ok(self.page.pop_front())
    }
}

/// What the index has, ascending by id.
pub(super) struct InIndex<'a> {
    search: &'a Inner,
    kind: Kind,
    page: VecDeque<Document>,
    next: Next,
}

impl<'a> InIndex<'a> {
    pub(super) fn new(search: &'a Inner, kind: Kind) -> Self {
        Self { search, kind, page: VecDeque::new(), next: Next::Page(None) }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Document>, Error> {
        while self.page.is_empty() {
            let Next::Page(after) = &self.next else { return Ok(None) };
            let scan = self.search.index.scan(self.kind, after.as_deref(), INDEX_PAGE).await?;
            self.page = scan.documents.into();
            self.next = Next::after(scan.next);
        }
        Ok(self.page.pop_front())
    }
}
