//! A question in OpenSearch's words.

use crate::{
    analyse::{Need, Phrase, Question, Scope, Term, What, Word, name},
    cursor::Cursor,
    entry,
    rank::{ALL_CLEAN, ALL_NEAR, ARTIST_NAMED, Field, PREFIX, TITLE_BEGINS, TITLE_NAMED, TYPO, TYPOS, WORD},
};
use segue_ports::index::{Beginning, Kind, Query, Viewer};
use serde_json::{Value, json};

/// From so many letters on a name may have an article before them.
const ARTICLE_CHARS: usize = 3;
const ARTICLE: &str = "the";
/// Titles that begin as asked are looked up from so many letters on.
const TITLE_CHARS: usize = 3;

/// The question, asked by that viewer for these kinds, beginning behind a cursor.
pub(super) fn build(question: &Question, query: &Query, after: Option<&Cursor>, size: usize) -> Value {
    let mut filter = limits(query.viewer, &query.kinds);
    filter.extend(question.years.iter().map(years));
    let mut not: Vec<Value> = question.not_years.iter().map(years).collect();
    not.push(json!({"term": {"kind": entry::GRAVE}}));
    let of = |need| question.terms.iter().filter(move |term: &&Term| term.need == need);
    not.extend(of(Need::MustNot).flat_map(written));
    let mut must: Vec<Value> = of(Need::Must).map(worth_of).collect();
    let mut may: Vec<Value> = of(Need::May).map(worth_of).collect();
    let mut should = Vec::new();
    if let Some(name) = &question.name {
        let named = [("title_name", TITLE_NAMED), ("artist_name", ARTIST_NAMED)]
            .map(|(field, score)| worth(term(field, name), score));
        // What is called so is an answer even if its words are written in another way.
        if may.is_empty() { &mut should } else { &mut may }.extend(named);
        if name.chars().nth(TITLE_CHARS - 1).is_some() {
            should.push(worth(prefix("title_name", name), TITLE_BEGINS));
        }
    }
    if !may.is_empty() {
        must.push(json!({"bool": {"should": may, "minimum_should_match": 1}}));
    }
    if question.wanted().next().is_none() {
        must.push(worth(json!({"match_all": {}}), 0));
    } else {
        for (forgiving, score) in [(false, ALL_CLEAN), (true, ALL_NEAR)] {
            let all: Vec<Value> = question.wanted().map(|term| somewhere(term, forgiving)).collect();
            should.push(worth(json!({"bool": {"filter": all}}), score));
        }
    }
    let mut body = page(size);
    body["query"] = json!({"bool": {"must": must, "should": should, "filter": filter, "must_not": not}});
    body["sort"] = json!([
        {"_score": "desc"},
        {"popularity": {"order": "desc", "unmapped_type": "integer", "missing": 0}},
        {"created": {"order": "desc", "unmapped_type": "long", "missing": 0}},
        {"key": {"order": "asc", "unmapped_type": "keyword"}},
    ]);
    body["track_scores"] = true.into();
    if let Some(Cursor { score, popularity, created, key }) = after {
        body["search_after"] = json!([score, popularity, created, key]);
    }
    body
}

/// Names that begin as typed; `None` when nothing was.
pub(super) fn begun(beginning: &Beginning) -> Option<Value> {
    let begin = name(&beginning.text)?;
    let mut begins = vec![prefix("title_name", &begin)];
    if begin.chars().nth(ARTICLE_CHARS - 1).is_some() {
        begins.push(prefix("title_name", &format!("{ARTICLE}{begin}")));
    }
    let mut filter = limits(beginning.viewer, &beginning.kinds);
    filter.push(json!({"bool": {"should": begins, "minimum_should_match": 1}}));
    let mut body = page(beginning.limit.clamp(1, 50) as usize);
    body["query"] = json!({"bool": {"filter": filter}});
    body["collapse"] = json!({"field": "title_name"});
    body["sort"] = json!([
        {"popularity": {"order": "desc", "unmapped_type": "integer", "missing": 0}},
        {"title_name": {"order": "asc", "unmapped_type": "keyword"}},
    ]);
    Some(body)
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
    json!({"size": size, "track_total_hits": false, "_source": ["source", "popularity"]})
}

/// What the viewer may find of these kinds.
fn limits(viewer: Viewer, kinds: &[Kind]) -> Vec<Value> {
    let viewers = entry::viewer(viewer).map(|viewers| json!({"terms": {"viewer": viewers}}));
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let kinds = (!names.is_empty()).then(|| json!({"terms": {"kind": names}}));
    viewers.into_iter().chain(kinds).collect()
}

fn years((from, to): &(u32, u32)) -> Value {
    json!({"range": {"year": {"gte": from, "lte": to}}})
}

fn places(scope: Scope) -> &'static [Field] {
    match scope {
        Scope::Any => &Field::ALL,
        Scope::Title => &[Field::Title],
        Scope::Artist => &[Field::Artist],
        Scope::Album => &[Field::Album],
        Scope::Genre => &[Field::Genre],
    }
}

/// Where beginnings and letters that are wrong are looked up.
fn names(scope: Scope) -> &'static str {
    match scope {
        Scope::Any => "names",
        scope => places(scope).first().map_or("names", |field| field.name()),
    }
}

/// A term, by the best of the ways in which a document may have it.
fn worth_of(wanted: &Term) -> Value {
    let one = |(clause, worth_of): (Value, u16)| worth(clause, WORD + u32::from(worth_of));
    let mut ways: Vec<Value> = places(wanted.scope)
        .iter()
        .flat_map(|field| in_field(wanted, field.name()).into_iter().map(|way| (way, field.score())))
        .map(one)
        .collect();
    if let What::Word(word) = &wanted.what {
        let place = names(wanted.scope);
        for form in &word.forms {
            if word.unfinished {
                ways.push(one((prefix(place, form), PREFIX)));
            }
            let typos = word.typos(form);
            if typos > 0 {
                ways.push(one((fuzzy(place, form, 1), TYPO)));
            }
            if typos > 1 {
                ways.push(one((fuzzy(place, form, 2), TYPOS)));
            }
        }
    }
    json!({"dis_max": {"queries": ways}})
}

/// A term as it is written, in any of its fields.
fn written(wanted: &Term) -> Vec<Value> {
    places(wanted.scope).iter().flat_map(|field| in_field(wanted, field.name())).collect()
}

/// A term somewhere: with `forgiving`, with one letter wrong too. In fewer clauses than [`worth_of`] takes.
fn somewhere(wanted: &Term, forgiving: bool) -> Value {
    let field = if wanted.scope == Scope::Any { "all" } else { names(wanted.scope) };
    let mut ways = in_field(wanted, field);
    if let What::Word(word) = &wanted.what {
        let place = names(wanted.scope);
        for form in &word.forms {
            if word.unfinished {
                ways.push(prefix(place, form));
            }
            if forgiving && word.typos(form) > 0 {
                ways.push(fuzzy(place, form, 1));
            }
        }
    }
    json!({"bool": {"should": ways, "minimum_should_match": 1}})
}

/// Ways in which a field has the term as it is written.
fn in_field(wanted: &Term, field: &str) -> Vec<Value> {
    match &wanted.what {
        What::Word(Word { forms, parts, .. }) => {
            let mut ways: Vec<Value> = forms.iter().map(|form| term(field, form)).collect();
            if !parts.is_empty() {
                let parts: Vec<Value> = parts.iter().map(|part| term(field, part)).collect();
                ways.push(json!({"bool": {"filter": parts}}));
            }
            ways
        }
        What::Phrase(Phrase(all)) => {
            let all: Vec<Value> = all.iter().map(|tokens| json!({"terms": {field: tokens}})).collect();
            vec![json!({"bool": {"filter": all}})]
        }
    }
}

fn worth(clause: Value, score: u32) -> Value {
    json!({"constant_score": {"filter": clause, "boost": score}})
}

fn term(field: &str, text: &str) -> Value {
    json!({"term": {field: text}})
}

fn prefix(field: &str, text: &str) -> Value {
    json!({"prefix": {field: {"value": text}}})
}

/// Terms that are near; of those that are far, only such as begin alike. All count alike, however many they are.
fn fuzzy(field: &str, form: &str, typos: u8) -> Value {
    let query = json!({
        "value": form, "fuzziness": typos, "prefix_length": typos - 1, "rewrite": "constant_score",
    });
    json!({"fuzzy": {field: query}})
}
