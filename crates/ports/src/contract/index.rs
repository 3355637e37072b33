//! What every index does.

pub mod catalogue;
mod find;
mod highlight;
mod hostile;
mod kinds;
mod language;
mod paging;
mod popular;
mod rank;
mod rebuild;
pub mod recall;
mod suggest;
mod version;
mod visible;

use crate::index::{Document, Index, Kind, Query, Viewer, Write};
use async_trait::async_trait;
use futures::future::BoxFuture;
use segue_domain::{Timestamp, UserId, Visibility};
use std::sync::Arc;

/// A durable state with an index on it, of an engine under test.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The index on the state.
    fn index(&self) -> Arc<dyn Index>;
    /// Ends the index (the suite holds nothing any more), without letting anybody finish, and opens another on
    /// the same state.
    async fn reopen(&mut self);
    /// Removes the state.
    async fn end(self: Box<Self>);
}

/// Runs the suite. `make` gives an engine with nothing in it, not even prepared.
///
/// # Panics
/// When the engine does not do what an index does.
pub async fn run(make: impl Fn() -> BoxFuture<'static, Box<dyn Engine>>) {
    macro_rules! each {
        ($($module:ident::$name:ident),* $(,)?) => {$(
            let mut engine = make().await;
            assert!(engine.index().prepare().await.expect("prepared"), "a new index wants to be filled");
            $module::$name(engine.as_mut()).await;
            engine.end().await;
        )*};
    }
    each!(
        find::by_every_field,
        find::with_typos_and_prefixes,
        find::in_any_case_and_without_diacritics,
        find::in_every_script,
        find::names_with_punctuation,
        kinds::are_found_together_and_apart,
        kinds::have_ids_of_their_own,
        language::phrases_are_words_in_order,
        language::fields_are_looked_at_alone,
        language::years_are_numbers,
        language::what_must_not_be_there,
        language::at_most_so_many_words,
        highlight::says_what_was_found,
        suggest::names_that_begin_as_typed,
        suggest::the_most_popular_first_and_each_once,
        suggest::only_what_the_viewer_may_see,
        popular::decides_between_equals_and_then_age,
        popular::stays_whatever_is_written,
        popular::is_known_before_what_it_is_of,
        popular::pages_hold_what_is_equally_popular,
        rank::exact_before_prefix_before_typo,
        rank::title_and_artist_before_album_before_genre,
        rank::all_words_before_some,
        rank::the_very_name_before_longer_ones,
        rank::titles_that_begin_so_before_others,
        visible::only_what_the_viewer_may_see,
        visible::as_soon_as_it_is_hidden_no_more,
        visible::collaborators_find_it_until_they_leave,
        version::stale_changes_nothing,
        version::deleted_stays_deleted,
        version::any_order_gives_the_newest,
        version::one_batch_may_name_a_document_twice,
        version::applied_is_there_after_a_restart,
        version::is_prepared_by_many_at_once,
        paging::of_equal_scores_repeats_and_misses_nothing,
        paging::takes_no_foreign_cursor,
        paging::scans_everything_in_order,
        rebuild::replaces_at_once_and_takes_writes_meanwhile,
        rebuild::dropped_leaves_the_old,
        rebuild::is_one_at_a_time,
        rebuild::remembers_what_was_deleted,
        hostile::every_text_is_a_question,
        hostile::every_text_can_be_a_document,
        hostile::documents_come_back_as_they_were,
        recall::is_good_enough,
    );
}

/// A public song of nobody in particular.
fn song(id: &str, title: &str) -> Document {
    Document { created: Timestamp(1_700_000_000_000), ..of(Kind::Song, id, title) }
}

/// Something public of nobody in particular.
fn of(kind: Kind, id: &str, title: &str) -> Document {
    let document = Document::new(kind, id, 1, UserId::new(), Visibility::Public);
    Document { title: title.to_owned(), ..document }
}

fn by(id: &str, title: &str, artist: &str) -> Document {
    Document { artists: vec![artist.to_owned()], ..song(id, title) }
}

fn put(document: Document) -> Write {
    Write::Put(Box::new(document))
}

fn delete(id: &str, version: u64) -> Write {
    Write::Delete { kind: Kind::Song, id: id.to_owned(), version }
}

/// Applies and makes findable.
async fn add(index: &dyn Index, documents: impl IntoIterator<Item = Document>) {
    let writes: Vec<Write> = documents.into_iter().map(put).collect();
    apply(index, &writes).await;
}

async fn apply(index: &dyn Index, writes: &[Write]) {
    for some in writes.chunks(1000) {
        index.apply(some).await.expect("applied");
    }
    index.refresh().await.expect("refreshed");
}

fn query(text: &str) -> Query {
    Query { text: text.to_owned(), kinds: Vec::new(), viewer: Viewer::Everything, limit: 100, after: None }
}

/// Ids of what answers `text`, best first, to somebody who sees everything.
async fn ask(index: &dyn Index, text: &str) -> Vec<String> {
    ids(index, &query(text)).await
}

async fn ids(index: &dyn Index, query: &Query) -> Vec<String> {
    let hits = index.search(query).await.unwrap_or_else(|e| panic!("{:?}: {e}", query.text));
    hits.hits.into_iter().map(|hit| hit.document.id).collect()
}

/// Ids of all songs in the index.
async fn everything(index: &dyn Index) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = index.scan(Kind::Song, after.as_deref(), 7).await.expect("scanned");
        ids.extend(page.documents.into_iter().map(|document| document.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return ids,
        }
    }
}
