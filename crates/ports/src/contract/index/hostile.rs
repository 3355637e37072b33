//! Any text, as a question and as a document.

use super::{Engine, add, ask, everything, song};
use crate::index::{Document, Kind};
use segue_domain::{Timestamp, UserId, Visibility};

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "\"",
        "\"\"",
        "'",
        "(",
        ")",
        "((((",
        "[a TO b]",
        "{",
        "}",
        "title:x",
        "+a -b",
        "a AND",
        "AND",
        "OR NOT",
        "*",
        "**",
        "a*b",
        "?",
        "~2",
        "a~9",
        "^",
        "a^99",
        "\\",
        "\\\\",
        "/re.*/",
        "//",
        "&&",
        "||",
        "!",
        "\0",
        "a\0b",
        "\u{1}\u{2}",
        "\r\n",
        "\u{feff}",
        "\u{200b}",
        "\u{202e}abc",
        "%00",
        "<script>",
        "{\"match_all\":{}}",
        "_id:1",
        "🦀🦀",
        "👩\u{200d}👩\u{200d}👧",
        "e\u{301}\u{301}\u{301}",
        "\u{301}",
        "ﷺ",
        "İ",
        "ß",
        "ﬃ",
        "\u{10ffff}",
        "゙",
        "가\u{3099}",
        "null",
        "true",
        "1e999",
        "-",
        "--",
        "...",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(10_000));
    texts.push("word ".repeat(2_000));
    texts.push("漢字".repeat(2_000));
    texts.push("!".repeat(10_000));
    texts.push("a/".repeat(5_000));
    texts.push((0..2_000).map(|n| format!("w{n} ")).collect());
    texts.push((1..=300).filter_map(char::from_u32).collect());
    texts
}

pub(super) async fn every_text_is_a_question(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, [song("1", "An Ordinary Song"), song("2", "w1 w2")]).await;
    for text in texts() {
        ask(&*index, &text).await;
    }
    // What is long is cut, and its beginning is still a question.
    let long = format!("ordinary {}", "x".repeat(10_000));
    assert_eq!(ask(&*index, &long).await, ["1"]);
}

pub(super) async fn every_text_can_be_a_document(engine: &mut dyn Engine) {
    let index = engine.index();
    let texts = texts();
    let documents = texts.iter().enumerate().map(|(n, text)| Document {
        artists: vec![text.clone(), "Common".to_owned()],
        album: text.clone(),
        genre: text.clone(),
        ..song(&format!("{n:03}"), text)
    });
    add(&*index, documents).await;
    assert_eq!(everything(&*index).await.len(), texts.len());
    assert_eq!(ask(&*index, "common").await.len(), texts.len());
}

pub(super) async fn documents_come_back_as_they_were(engine: &mut dyn Engine) {
    let index = engine.index();
    let document = Document {
        version: u64::from(u32::MAX) + 7,
        visibility: Visibility::Unlisted,
        title: "  T\0itle \"quoted\"\n".to_owned(),
        artists: vec!["A".to_owned(), String::new(), "Ænima".to_owned()],
        album: "Album".to_owned(),
        album_artist: "Album Artist".to_owned(),
        genre: "Genre".to_owned(),
        year: u32::MAX,
        duration_ms: u64::from(u32::MAX) * 1000,
        collaborators: vec![UserId::new(), UserId::new()],
        description: "A \"description\"".to_owned(),
        items: u32::MAX,
        created: Timestamp(-1),
        ..song("an id / with \"signs\" and ü", "")
    };
    add(&*index, [document.clone()]).await;
    let scanned = index.scan(Kind::Song, None, 10).await.expect("scanned").documents;
    assert_eq!(scanned, std::slice::from_ref(&document));
    let found = index.search(&super::query("quoted")).await.expect("found").hits;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].document, document);
}
