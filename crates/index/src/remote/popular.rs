//! Popularity: a field of each document that has no version of its own.
//!
//! Whoever writes a document asks first what its popularity is; whoever rates it writes the version that is there again.
//! Between the two steps another process may do the same: then one rating is lost, until the next count says it again.

use super::{Engine, building::State};
use crate::entry::{GRAVE, key_of, key_rated};
use opensearch::http::Method;
use segue_ports::index::{IndexError, Rating, Write};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Attempts at what changes meanwhile.
const ATTEMPTS: u32 = 3;

/// The popularity of what is written, by key, as the index that answers has it. What says it itself is not among them.
pub(super) async fn known(engine: &Engine, writes: &[Write]) -> Result<HashMap<String, u8>, IndexError> {
    let unknown = writes.iter().filter(|write| matches!(write, Write::Put(put) if put.popularity == 0));
    let keys: Vec<String> = unknown.map(key_of).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let docs = documents(engine, &engine.names.live, &keys, &json!(["popularity"])).await?;
    let known = docs.iter().filter_map(|doc| Some((doc["_id"].as_str()?.to_owned(), popularity(doc))));
    Ok(known.filter(|(_, popularity)| *popularity > 0).collect())
}

/// The popularity that a document has.
pub(super) fn popularity(doc: &Value) -> u8 {
    doc["_source"]["popularity"].as_u64().and_then(|n| u8::try_from(n).ok()).unwrap_or(0)
}

/// Rates in the index that answers and in the one that is being built.
pub(super) async fn rate(engine: &Engine, ratings: &[Rating]) -> Result<(), IndexError> {
    rate_in(engine, &engine.names.live, ratings).await?;
    if engine.building.state(&engine.door).await? == State::Building {
        // It may end meanwhile; then it was the one that answers before it was asked.
        rate_in(engine, &engine.names.building, ratings).await?;
    }
    Ok(())
}

/// Rates in one index.
pub(super) async fn rate_in(engine: &Engine, alias: &str, ratings: &[Rating]) -> Result<(), IndexError> {
    let mut left: HashMap<String, u8> = ratings.iter().map(|one| (key_rated(one), one.popularity)).collect();
    for _ in 0..ATTEMPTS {
        let keys: Vec<String> = left.keys().cloned().collect();
        let docs = documents(engine, alias, &keys, &true.into()).await?;
        let mut lines = String::new();
        for mut doc in docs {
            let Some((id, wanted)) = doc["_id"].as_str().and_then(|id| left.remove_entry(id)) else {
                continue;
            };
            if popularity(&doc) == wanted || !doc["error"].is_null() {
                continue;
            }
            let there = doc["found"] == true;
            let (version, source) = match (there, doc["_source"].take()) {
                // A tombstone is not popular; but what holds the popularity of what has not come yet is.
                (true, source) if source["kind"] == GRAVE && doc["_version"] != 0 => continue,
                (true, source) => (doc["_version"].clone(), source),
                (false, _) => (0.into(), json!({"key": id, "kind": GRAVE})),
            };
            let mut source = source;
            source["popularity"] = wanted.into();
            let kind = if there { "external_gte" } else { "external" };
            let item = json!({"index": {
                "_index": alias, "_id": id, "require_alias": true, "version": version, "version_type": kind,
            }});
            lines += &format!("{item}\n{source}\n");
            left.insert(id, wanted);
        }
        if lines.is_empty() {
            return Ok(());
        }
        let deadline = engine.config.write_timeout;
        let answer = engine.door.send(Method::Post, "_bulk", Some(lines), deadline).await?.ok()?;
        // What has a newer version by now is looked at again.
        for item in answer["items"].as_array().into_iter().flatten() {
            if matches!(item["index"]["status"].as_u64(), Some(200 | 201))
                && let Some(id) = item["index"]["_id"].as_str()
            {
                left.remove(id);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
    }
    Ok(())
}

/// The documents with these keys, found or not, as they are now.
async fn documents(
    engine: &Engine,
    alias: &str,
    keys: &[String],
    source: &Value,
) -> Result<Vec<Value>, IndexError> {
    let docs: Vec<Value> =
        keys.iter().map(|key| json!({"_index": alias, "_id": key, "_source": source})).collect();
    let body = json!({"docs": docs});
    let deadline = engine.config.write_timeout;
    match engine.door.call(Method::Post, "_mget", Some(&body), deadline).await?.ok()?["docs"].take() {
        Value::Array(docs) => Ok(docs),
        _ => Err(IndexError::unavailable("an answer without documents")),
    }
}
