//! Comparing the index with the database: both are read in the order of ids and merged.
//!
//! Both move while they are read. So what differs is looked at again a moment later, and only a difference that is
//! still the same, version by version, is one: a change on its way has arrived by then, or has moved on.

mod difference;
mod pages;

use crate::{Error, consume::rest, role::Inner};
pub(crate) use difference::{Difference, How};
use pages::{InDatabase, InIndex};
use segue_ports::index::Kind;
use std::{cmp::Ordering, collections::BTreeMap};
use tokio::sync::mpsc;

/// What a comparison says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// So many songs were compared.
    Compared(u64),
    /// A difference.
    Difference(Difference),
    /// That was all, unless there are more than can be listed.
    Done { songs: u64, truncated: bool },
}

type Found = BTreeMap<(Kind, String), Difference>;

/// Compares everything and says what it finds. Ends early when nobody listens any more.
pub(crate) async fn verify(search: &Inner, listener: &mpsc::Sender<Said>) -> Result<(), Error> {
    search.index.refresh().await?;
    let first = pass(search, listener, None).await?;
    let mut lasting = Found::new();
    if !first.found.is_empty() {
        rest(search, search.config.settle()).await.ok_or(Error::Closing)?;
        search.index.refresh().await?;
        lasting = pass(search, listener, Some(&first.found)).await?.found;
    }
    metrics::gauge!("segue_search_index_differences").set(lasting.len() as f64);
    for difference in lasting.into_values() {
        tell(listener, Said::Difference(difference)).await?;
    }
    tell(listener, Said::Done { songs: first.songs, truncated: first.truncated }).await
}

#[derive(Default)]
struct Pass {
    found: Found,
    songs: u64,
    /// It stopped before the end: there were too many.
    truncated: bool,
}

/// Everything once, kind by kind. With `before`, only what is found there and is the same now, and no further than that.
async fn pass(search: &Inner, listener: &mpsc::Sender<Said>, before: Option<&Found>) -> Result<Pass, Error> {
    let mut pass = Pass::default();
    for kind in Kind::ALL {
        let last = before.map(|found| found.keys().rfind(|(of, _)| *of == kind).map(|(_, id)| id));
        // Nothing differed: nothing is looked at again.
        if last == Some(None) {
            continue;
        }
        of_kind(search, listener, kind, before, last.flatten(), &mut pass).await?;
        if pass.truncated {
            break;
        }
    }
    Ok(pass)
}

async fn of_kind(
    search: &Inner,
    listener: &mpsc::Sender<Said>,
    kind: Kind,
    before: Option<&Found>,
    last: Option<&String>,
    pass: &mut Pass,
) -> Result<(), Error> {
    let mut database = InDatabase::new(search, kind);
    let mut index = InIndex::new(search, kind);
    let (mut wanted, mut indexed) = (database.next().await?, index.next().await?);
    loop {
        let order = match (&wanted, &indexed) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(wanted), Some(indexed)) => wanted.id.cmp(&indexed.id),
        };
        let (left, right) = match order {
            Ordering::Less => (wanted.take(), None),
            Ordering::Equal => (wanted.take(), indexed.take()),
            Ordering::Greater => (None, indexed.take()),
        };
        if let Some(difference) = Difference::between(left.as_ref(), right.as_ref()) {
            let key = (kind, difference.id.clone());
            if before.is_none_or(|found| found.get(&key) == Some(&difference)) {
                pass.found.insert(key, difference);
            }
        }
        let id = left.as_ref().or(right.as_ref()).map(|document| &document.id);
        if last.is_some() && id >= last {
            return Ok(());
        }
        if left.is_some() {
            pass.songs += u64::from(kind == Kind::Song);
            if before.is_none()
                && kind == Kind::Song
                && pass.songs.is_multiple_of(u64::from(search.config.scan_page))
            {
                tell(listener, Said::Compared(pass.songs)).await?;
            }
            wanted = database.next().await?;
        }
        if right.is_some() {
            indexed = index.next().await?;
        }
        if pass.found.len() >= search.config.max_differences {
            pass.truncated = wanted.is_some() || indexed.is_some() || Some(&kind) != Kind::ALL.last();
            return Ok(());
        }
    }
}

async fn tell(listener: &mpsc::Sender<Said>, said: Said) -> Result<(), Error> {
    listener.send(said).await.map_err(|_| Error::Closing)
}
