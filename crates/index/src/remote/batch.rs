//! Writes in bulk.

use super::{Engine, building::State, popular};
use crate::{
    entry::{self, GRAVE, Stored, Words, key_of, version_of},
    meter::{self, Applied},
};
use opensearch::http::Method;
use segue_ports::index::{IndexError, Write};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, time::Duration};

/// Attempts of a batch whose items were refused for a reason that passes.
const ATTEMPTS: u32 = 4;

/// Where writes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// To the index that answers, and to the one that is being built, if there is one.
    Live,
    /// To the one that is being built.
    Building,
}

/// What became of a batch.
enum Outcome {
    /// All is applied, or was before.
    Done(Applied),
    /// Another attempt may help.
    Again(String),
    /// An index is gone: the one that was being built has taken the place of the other, or was given up.
    Moved(String),
}

pub(super) async fn apply(engine: &Engine, writes: &[Write], target: Target) -> Result<(), IndexError> {
    let mut last = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(50 << (2 * attempt))).await;
        }
        let aliases = match target {
            Target::Building => vec![&engine.names.building],
            Target::Live => match engine.building.state(&engine.door).await? {
                State::Building => vec![&engine.names.live, &engine.names.building],
                State::Nothing => vec![&engine.names.live],
            },
        };
        let body = body(writes, &aliases, &popular::known(engine, writes).await?)?;
        let deadline = engine.config.write_timeout;
        let answer = engine.door.send(Method::Post, "_bulk", Some(body), deadline).await?.ok()?;
        match outcome(&answer, aliases.len())? {
            Outcome::Done(applied) => {
                if target == Target::Live {
                    meter::applied("opensearch", applied);
                }
                return Ok(());
            }
            Outcome::Again(reason) => last = reason,
            Outcome::Moved(_) if target == Target::Building => {
                return Err(IndexError::unavailable("this rebuild is not known any more; begin another"));
            }
            Outcome::Moved(reason) => {
                // What was written to the old one only must be written again, to what answers now.
                engine.building.forget();
                last = reason;
            }
        }
    }
    Err(IndexError::unavailable(last))
}

/// The request: each write to each alias. Items of one document are applied in order.
fn body(writes: &[Write], aliases: &[&String], popular: &HashMap<String, u8>) -> Result<String, IndexError> {
    let mut lines = String::with_capacity(writes.len() * aliases.len() * 1024);
    for write in writes {
        let source = source(write, popular)?.to_string();
        for alias in aliases {
            // Without require_alias a cluster may make an index of that name.
            let item = json!({"index": {
                "_index": alias, "_id": key_of(write), "require_alias": true,
                "version": version_of(write), "version_type": "external",
            }});
            lines.push_str(&item.to_string());
            lines.push('\n');
            lines.push_str(&source);
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// What is kept.
fn source(write: &Write, popular: &HashMap<String, u8>) -> Result<Value, IndexError> {
    let key = key_of(write);
    let Write::Put(document) = write else {
        return Ok(json!({"key": key, "kind": GRAVE}));
    };
    let words = Words::of(document);
    let mut source = Map::new();
    let mut put = |field: &str, tokens: Vec<&str>| source.insert(field.to_owned(), tokens.join(" ").into());
    put("all", words.all().into_iter().collect());
    put("names", words.names.iter().map(String::as_str).collect());
    for (field, tokens) in &words.fields {
        put(field.name(), tokens.iter().map(String::as_str).collect());
    }
    let known = || popular.get(&key).copied().unwrap_or(0);
    let popularity = Some(document.popularity).filter(|popularity| *popularity > 0).unwrap_or_else(known);
    source.insert("popularity".to_owned(), popularity.into());
    source.insert("year".to_owned(), document.year.into());
    source.insert("created".to_owned(), document.created.0.into());
    source.insert("key".to_owned(), key.into());
    source.insert("kind".to_owned(), document.kind.name().into());
    source.insert("viewer".to_owned(), entry::viewers(document).into());
    source.insert("title_name".to_owned(), entry::title_name(document).into());
    source.insert("artist_name".to_owned(), entry::artist_names(document).into());
    let stored = serde_json::to_value(Stored::from(&**document)).map_err(IndexError::unavailable)?;
    source.insert("source".to_owned(), stored);
    Ok(source.into())
}

/// Every item has its own answer; of `targets` that follow each other the first is the index that answers.
fn outcome(answer: &Value, targets: usize) -> Result<Outcome, IndexError> {
    let items =
        answer["items"].as_array().ok_or_else(|| IndexError::unavailable("an answer without items"))?;
    let mut applied = Applied::default();
    let (mut again, mut moved) = (None, None);
    for (n, item) in items.iter().enumerate() {
        let item = &item["index"];
        let reason = || {
            let (id, error) = (&item["_id"], &item["error"]);
            format!("document {id} is refused with status {}: {}", item["status"], error["reason"])
        };
        let counts = u64::from(n.is_multiple_of(targets));
        match item["status"].as_u64() {
            Some(200 | 201) => applied.fresh += counts,
            // There is that version or a newer one.
            Some(409) => applied.stale += counts,
            Some(404) => moved = Some(reason()),
            Some(429 | 503) => again = Some(reason()),
            _ => return Err(IndexError::unavailable(reason())),
        }
    }
    Ok(match (moved, again) {
        (Some(reason), _) => Outcome::Moved(reason),
        (None, Some(reason)) => Outcome::Again(reason),
        (None, None) => Outcome::Done(applied),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(statuses: &[u16]) -> Value {
        let items: Vec<Value> = statuses.iter().map(|status| json!({"index": {"status": status}})).collect();
        json!({"items": items})
    }

    #[test]
    fn a_conflict_is_a_success_and_counts_once() {
        let Ok(Outcome::Done(applied)) = outcome(&answer(&[201, 409, 409, 201]), 2) else {
            panic!("not done")
        };
        assert_eq!((applied.fresh, applied.stale), (1, 1));
    }

    #[test]
    fn items_fail_by_themselves() {
        assert!(matches!(outcome(&answer(&[201, 429]), 1), Ok(Outcome::Again(_))));
        assert!(matches!(outcome(&answer(&[429, 404]), 2), Ok(Outcome::Moved(_))));
        assert!(outcome(&answer(&[201, 400]), 1).is_err());
        assert!(outcome(&json!({}), 1).is_err());
    }
}
