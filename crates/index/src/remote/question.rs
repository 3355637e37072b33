//! A question in OpenSearch's words.

use crate::{
    analyse::{Question, Word},
    cursor::Cursor,
    entry,
    rank::{ARTIST_NAMED, Closeness, Field, TITLE_NAMED},
};
use segue_ports::index::Query;
use serde_json::{Value, json};

/// The question, asked by that viewer for these kinds, beginning behind a cursor.
pub(super) fn build(question: &Question, query: &Query, after: Option<&Cursor>, size: usize) -> Value {
    let mut any: Vec<Value> = question
        .words
        .iter()
        .map(|word| {
            let ways: Vec<Value> = Field::ALL.into_iter().flat_map(|field| ways(field, word)).collect();
            json!({"dis_max": {"queries": ways}})
        })
        .collect();
    for (field, score) in [("title_name", TITLE_NAMED), ("artist_name", ARTIST_NAMED)] {
        any.push(worth(term(field, &question.name), score));
    }
    let mut filter = Vec::new();
    if let Some(viewers) = entry::viewer(query.viewer) {
        filter.push(json!({"terms": {"viewer": viewers}}));
    }
    if !query.kinds.is_empty() {
        let kinds: Vec<&str> = query.kinds.iter().map(|kind| kind.name()).collect();
        filter.push(json!({"terms": {"kind": kinds}}));
    }
    let mut body = page(size);
    body["query"] = json!({"bool": {"filter": filter, "should": any, "minimum_should_match": 1}});
    body["sort"] = json!([{"_score": "desc"}, {"key": {"order": "asc", "unmapped_type": "keyword"}}]);
    body["track_scores"] = true.into();
    if let Some(cursor) = after {
        body["search_after"] = json!([cursor.score, cursor.key]);
    }
    body
}

/// Everything of a kind behind a key.
pub(super) fn scan(kind: &str, after: &str, size: usize) -> Value {
    let mut body = page(size);
    body["query"] = json!({"bool": {"filter": [{"term": {"kind": kind}}]}});
    body["sort"] = json!([{"key": {"order": "asc", "unmapped_type": "keyword"}}]);
    body["search_after"] = json!([after]);
    body["version"] = true.into();
    body
}

fn page(size: usize) -> Value {
    json!({"size": size, "track_total_hits": false, "_source": ["source"]})
}

/// Every way in which the field may have the word.
fn ways(field: Field, word: &Word) -> Vec<Value> {
    let name = field.name();
    let mut ways = Vec::new();
    for form in &word.forms {
        ways.push(worth(term(name, form), field.score(Closeness::Exact)));
        match Word::typos(form) {
            0 => {}
            typos => {
                // All terms that are near count alike, however many they are.
                let fuzzy = json!({"value": form, "fuzziness": typos, "rewrite": "constant_score"});
                ways.push(worth(json!({"fuzzy": {name: fuzzy}}), field.score(Closeness::Typo)));
            }
        }
        if word.unfinished {
            let prefix = json!({"prefix": {name: {"value": form}}});
            ways.push(worth(prefix, field.score(Closeness::Prefix)));
        }
    }
    if !word.parts.is_empty() {
        let parts: Vec<Value> = word.parts.iter().map(|part| term(name, part)).collect();
        ways.push(worth(json!({"bool": {"filter": parts}}), field.score(Closeness::Exact)));
    }
    ways
}

fn worth(clause: Value, score: f32) -> Value {
    json!({"constant_score": {"filter": clause, "boost": score}})
}

fn term(field: &str, text: &str) -> Value {
    json!({"term": {field: text}})
}
