//! Names, mapping and what an index says of itself.

use super::{
    ADMINISTRATION,
    config::Config,
    door::{Answer, Door},
};
use crate::{entry::SCHEMA, rank::Field};
use opensearch::http::Method;
use segue_domain::{Clock, SystemClock, Timestamp};
use segue_ports::index::IndexError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Names in the cluster.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Alias of the index that answers.
    pub(super) live: String,
    /// Alias of the index that is being built.
    pub(super) building: String,
    /// What the names of our indexes begin with.
    ours: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Result<Self, IndexError> {
        // No hyphen: the names of one prefix never begin like those of another.
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if prefix.is_empty() || prefix.len() > 40 || !prefix.chars().all(allowed) {
            let error = format!("{prefix:?} is no prefix of an index: 1 to 40 of a-z, 0-9 and _");
            return Err(IndexError::unavailable(error));
        }
        Ok(Self {
            live: format!("segue-{prefix}"),
            building: format!("segue-{prefix}-building"),
            ours: format!("segue-{prefix}-v"),
        })
    }

    /// The name of an index, distinguished by `suffix`.
    pub(super) fn index(&self, suffix: &str) -> String {
        format!("{}{SCHEMA}-{suffix}", self.ours)
    }

    pub(super) fn is_ours(&self, index: &str) -> bool {
        index.starts_with(&self.ours)
    }

    /// All indexes of ours.
    pub(super) fn pattern(&self) -> String {
        format!("{}*", self.ours)
    }
}

/// What an index says of itself, in the `_meta` of its mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    /// Number of the schema that it was made by.
    pub(super) schema: u32,
    /// It was filled by a rebuild.
    pub(super) filled: bool,
    /// Who fills it: a name that each process makes up.
    pub(super) holder: String,
    /// When they last said so.
    pub(super) renewed: Timestamp,
}

impl Meta {
    pub(super) fn empty() -> Self {
        Self { schema: SCHEMA, ..Self::default() }
    }

    pub(super) fn held_by(holder: &str) -> Self {
        Self { holder: holder.to_owned(), renewed: SystemClock.now(), ..Self::empty() }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.schema == SCHEMA && self.filled
    }
}

/// The indexes behind an alias, and what they say of themselves; none when there is no such alias.
pub(super) async fn behind(door: &Door, alias: &str) -> Result<Vec<(String, Meta)>, IndexError> {
    let answer = door.call(Method::Get, &format!("{alias}/_mapping"), None, ADMINISTRATION).await?;
    if answer.status == 404 {
        return Ok(Vec::new());
    }
    let Value::Object(indexes) = answer.ok()? else {
        return Err(IndexError::unavailable("an answer without indexes"));
    };
    // Whatever a foreign index says, it is not of our schema.
    let meta = |index: &Value| serde_json::from_value(index["mappings"]["_meta"].clone()).unwrap_or_default();
    Ok(indexes.into_iter().map(|(name, index)| (name, meta(&index))).collect())
}

/// Writes what an index says of itself.
pub(super) async fn say(door: &Door, index: &str, meta: &Meta) -> Result<(), IndexError> {
    let path = format!("{index}/_mapping");
    door.call(Method::Put, &path, Some(&json!({"_meta": meta})), ADMINISTRATION).await?.ok().map(drop)
}

/// Makes an index, under an alias from its first moment; the answer says whether it is made.
///
/// Its refreshes show at once what was written. By default one first waits for merges of segments, for up to ten seconds
/// (`index.merge_on_flush`, which is read when an index is opened).
pub(super) async fn make(
    door: &Door,
    index: &str,
    config: &Config,
    meta: &Meta,
    alias: &str,
) -> Result<Answer, IndexError> {
    const MERGES: &str = "merge_on_flush.enabled";
    let mut body = body(config, meta, alias);
    body["settings"]["index"][MERGES] = json!(false);
    let made = door.call(Method::Put, index, Some(&body), ADMINISTRATION).await?;
    if made.status == 400 && !made.is("resource_already_exists_exception") {
        // Elasticsearch does not know the setting. What else may be wrong is so again.
        body["settings"]["index"].as_object_mut().and_then(|settings| settings.remove(MERGES));
        return door.call(Method::Put, index, Some(&body), ADMINISTRATION).await;
    }
    Ok(made)
}

fn body(config: &Config, meta: &Meta, alias: &str) -> Value {
    // Tokens come separated by spaces; neither positions nor frequencies nor lengths count.
    let words = json!({"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": false});
    let mut names = words.clone();
    names["index_prefixes"] = json!({"min_chars": 1, "max_chars": 10});
    let name = json!({"type": "keyword", "doc_values": false});
    let mut properties = Map::new();
    for field in Field::ALL {
        properties.insert(field.name().to_owned(), words.clone());
    }
    for field in ["kind", "viewer", "artist_name"] {
        properties.insert(field.to_owned(), name.clone());
    }
    let rest = [
        ("all", words),
        ("names", names),
        ("title_name", json!({"type": "keyword"})),
        ("key", json!({"type": "keyword"})),
        ("popularity", json!({"type": "integer", "index": false})),
        ("created", json!({"type": "long", "index": false})),
        // Years are any number that a tag may say.
        ("year", json!({"type": "long"})),
        ("source", json!({"type": "object", "enabled": false})),
    ];
    properties.extend(rest.map(|(field, mapping)| (field.to_owned(), mapping)));
    json!({
        "aliases": {alias: {}},
        "settings": {"index": {
            "number_of_shards": config.shards, "number_of_replicas": config.replicas, "refresh_interval": "1s",
        }},
        "mappings": {"dynamic": "strict", "_meta": meta, "properties": properties},
    })
}

/// Removes indexes of ours that no alias names: left by a process that died between two steps.
pub(super) async fn sweep(door: &Door, names: &Names) -> Result<(), IndexError> {
    let answer = door.call(Method::Get, &format!("{}/_alias", names.pattern()), None, ADMINISTRATION).await?;
    if answer.status == 404 {
        return Ok(());
    }
    let indexes = answer.ok()?;
    for (index, aliases) in indexes.as_object().into_iter().flatten() {
        if names.is_ours(index) && aliases["aliases"].as_object().is_none_or(Map::is_empty) {
            remove(door, index).await?;
        }
    }
    Ok(())
}

/// Removes an index, if it is there.
pub(super) async fn remove(door: &Door, index: &str) -> Result<(), IndexError> {
    let answer = door.call(Method::Delete, index, None, ADMINISTRATION).await?;
    if answer.status == 404 { Ok(()) } else { answer.ok().map(drop) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_word() {
        assert!(Names::new("main_1").is_ok());
        for prefix in ["", "a-b", "A", "a*", "ä", &"a".repeat(41)] {
            assert!(Names::new(prefix).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn what_an_index_says_is_read_from_any_mapping() {
        let read = |meta: Value| serde_json::from_value::<Meta>(meta).unwrap_or_default();
        assert!(!read(Value::Null).is_whole());
        assert!(!read(json!({"schema": "x"})).is_whole());
        assert!(read(json!({"schema": SCHEMA, "filled": true, "more": 1})).is_whole());
    }
}
