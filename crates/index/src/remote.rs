//! OpenSearch, for many processes.
//!
//! Two aliases. `segue-<prefix>` names the index that answers; `segue-<prefix>-building` the one that a rebuild
//! fills beside it, if any. Every process writes to both: before a batch it looks which there are, at most once
//! a second, and a rebuild waits longer than that before it reads the first row. Whoever still believed that
//! there is no second index when they wrote, wrote what was in the database by then.
//!
//! A write carries the aggregate's version as an external version, so that OpenSearch itself refuses what is
//! stale. It forgets the versions of what is deleted after a minute; so nothing is ever deleted: a tombstone
//! takes the document's place.

mod batch;
mod building;
mod config;
mod door;
mod layout;
mod popular;
mod question;
mod rebuild;

pub use config::{Config, Password};

use crate::{
    analyse::{Question, highlights},
    cursor::Cursor,
    entry, meter,
};
use async_trait::async_trait;
use batch::Target;
use building::Building;
use door::{Answer, Door};
use layout::{Meta, Names};
use opensearch::http::Method;
use segue_domain::EventId;
use segue_ports::index::{
    Beginning, Document, Hit, Hits, Index, IndexError, Kind, Query, Rating, Rebuild, Scan, Suggestion, Write,
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Most documents of one bulk request.
const MOST_WRITES: usize = 1_000;
/// Making, swapping and removing indexes goes through the cluster's leader and may take this long.
const ADMINISTRATION: Duration = Duration::from_secs(30);

/// An index in an OpenSearch cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OpenSearch(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    door: Door,
    names: Names,
    config: Config,
    building: Building,
    /// Distinguishes this client from those of other processes.
    name: String,
    /// One rebuild of this process.
    rebuild: Arc<Semaphore>,
}

impl OpenSearch {
    /// A client; connects when it is used. Fails when the URL or the prefix cannot be one.
    pub fn new(config: Config) -> Result<Self, IndexError> {
        let names = Names::new(&config.prefix)?;
        let door = Door::new(&config)?;
        let building = Building::new(names.clone());
        let name = EventId::new().to_string();
        let rebuild = Arc::new(Semaphore::new(1));
        Ok(Self(Arc::new(Engine { door, names, config, building, name, rebuild })))
    }
}

impl Engine {
    async fn apply(&self, writes: &[Write], target: Target) -> Result<(), IndexError> {
        for some in writes.chunks(MOST_WRITES) {
            batch::apply(self, some, target).await?;
        }
        Ok(())
    }

    async fn refresh(&self) -> Result<(), IndexError> {
        let path = format!("{}/_refresh", self.names.live);
        self.door.call(Method::Post, &path, None, self.config.write_timeout).await?.ok().map(drop)
    }

    async fn search(&self, body: &Value, deadline: Duration) -> Result<Vec<Value>, IndexError> {
        let path = format!("{}/_search?allow_partial_search_results=false", self.names.live);
        match self.door.call(Method::Post, &path, Some(body), deadline).await? {
            Answer { status: 200, mut body } => match body["hits"]["hits"].take() {
                Value::Array(hits) => Ok(hits),
                _ => Err(IndexError::unavailable("an answer without hits")),
            },
            answer => Err(answer.error()),
        }
    }
}

fn document(hit: &mut Value) -> Result<Document, IndexError> {
    let stored: entry::Stored =
        serde_json::from_value(hit["_source"]["source"].take()).map_err(IndexError::unavailable)?;
    let document: Document = stored.try_into().map_err(IndexError::unavailable)?;
    Ok(Document { popularity: popular::popularity(hit), ..document })
}

fn key(hit: &Value) -> String {
    hit["_id"].as_str().unwrap_or_default().to_owned()
}

#[async_trait]
impl Index for OpenSearch {
    async fn prepare(&self) -> Result<bool, IndexError> {
        let Engine { door, names, config, .. } = &*self.0;
        for _ in 0..3 {
            let behind = layout::behind(door, &names.live).await?;
            if !behind.is_empty() {
                let whole =
                    matches!(behind.as_slice(), [(name, meta)] if names.is_ours(name) && meta.is_whole());
                return Ok(!whole);
            }
            // The name is the same whoever makes it, so that one of two who do it at once is told so.
            let first = names.index("0");
            let made = layout::make(door, &first, config, &Meta::empty(), &names.live).await?;
            if made.status == 400 && made.is("resource_already_exists_exception") {
                let add = json!({"actions": [{"add": {"index": first, "alias": names.live}}]});
                door.call(Method::Post, "_aliases", Some(&add), ADMINISTRATION).await?.ok()?;
            } else {
                made.ok()?;
            }
        }
        Err(IndexError::unavailable("the alias of the index does not stay"))
    }

    async fn apply(&self, writes: &[Write]) -> Result<(), IndexError> {
        self.0.apply(writes, Target::Live).await
    }

    async fn refresh(&self) -> Result<(), IndexError> {
        self.0.refresh().await
    }

    async fn search(&self, query: &Query) -> Result<Hits, IndexError> {
        let begin = Instant::now();
        let after = Cursor::of(query)?;
        let Some(words) = Question::new(&query.text) else {
            return Ok(Hits::default());
        };
        let limit = query.limit.clamp(1, 200) as usize;
        // One more than asked for tells whether there is another page.
        let body = question::build(&words, query, after.as_ref(), limit + 1);
        let found = self.0.search(&body, self.0.config.search_timeout).await;
        meter::searched("opensearch", begin);
        let mut found = found?;
        let more = found.len() > limit;
        found.truncate(limit);
        // Scores are sums of whole numbers below 2^24.
        let score = |hit: &Value| hit["_score"].as_f64().unwrap_or(0.0);
        let mut hits = Vec::with_capacity(found.len());
        let mut last = None;
        for hit in &mut found {
            let (score, key) = (score(hit), key(hit));
            let document = document(hit)?;
            last = Some(Cursor {
                score: score as u32,
                popularity: document.popularity,
                created: document.created.0,
                key,
            });
            let highlights = highlights(&words, &document);
            hits.push(Hit { document, score: score as f32, highlights });
        }
        let next = last.filter(|_| more).map(|last| last.text(query));
        Ok(Hits { hits, next })
    }

    async fn rate(&self, ratings: &[Rating]) -> Result<(), IndexError> {
        for some in ratings.chunks(MOST_WRITES) {
            popular::rate(&self.0, some).await?;
        }
        Ok(())
    }

    async fn suggest(&self, beginning: &Beginning) -> Result<Vec<Suggestion>, IndexError> {
        let begin = Instant::now();
        let Some(body) = question::begun(beginning) else { return Ok(Vec::new()) };
        let found = self.0.search(&body, self.0.config.search_timeout).await;
        meter::suggested("opensearch", begin);
        let suggestion = |mut hit: Value| {
            let Document { title, kind, id, .. } = document(&mut hit)?;
            Ok(Suggestion { text: title, kind, id })
        };
        found?.into_iter().map(suggestion).collect()
    }

    async fn scan(&self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Scan, IndexError> {
        let limit = limit.clamp(1, 1_000) as usize;
        let after = after.map(str::to_owned).unwrap_or_else(|| entry::key(kind, ""));
        if !after.starts_with(&entry::key(kind, "")) {
            return Err(IndexError::Cursor);
        }
        let body = question::scan(kind.name(), &after, limit + 1);
        let mut found = self.0.search(&body, self.0.config.write_timeout).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(key);
        let documents = found.iter_mut().map(document).collect::<Result<_, _>>()?;
        Ok(Scan { documents, next })
    }

    async fn rebuild(&self) -> Result<Box<dyn Rebuild>, IndexError> {
        let turn = self.0.rebuild.clone().try_acquire_owned().map_err(|_| IndexError::Rebuilding)?;
        Ok(Box::new(rebuild::begin(self.0.clone(), turn).await?))
    }
}
