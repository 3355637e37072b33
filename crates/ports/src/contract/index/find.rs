//! What is found by which words.

use super::{Engine, add, ask, by, song};
use crate::index::Document;

/// Every question finds every one of the ids.
async fn finds(engine: &mut dyn Engine, expected: &[(&str, &[&str])]) {
    let index = engine.index();
    for (id, questions) in expected {
        for question in *questions {
            let found = ask(&*index, question).await;
            assert!(found.iter().any(|hit| hit == id), "{question:?} must find {id}, found {found:?}");
        }
    }
}

/// No question finds anything.
async fn finds_nothing(engine: &mut dyn Engine, questions: &[&str]) {
    for question in questions {
        let found = ask(&*engine.index(), question).await;
        assert!(found.is_empty(), "{question:?} must find nothing, found {found:?}");
    }
}

pub(super) async fn by_every_field(engine: &mut dyn Engine) {
    let whole = Document {
        artists: vec!["Portishead".to_owned(), "Beth Gibbons".to_owned()],
        album: "Dummy".to_owned(),
        album_artist: "Various Hands".to_owned(),
        genre: "Trip-Hop".to_owned(),
        year: 1994,
        ..song("roads", "Roads")
    };
    add(&*engine.index(), [whole, song("other", "Something Else")]).await;
    finds(
        engine,
        &[
            (
                "roads",
                &["Roads", "portishead", "gibbons", "beth gibbons", "dummy", "various hands", "trip hop"],
            ),
            ("roads", &["trip-hop", "triphop", "1994", "portishead roads 1994", "dummy portishead"]),
            ("other", &["something", "else something"]),
        ],
    )
    .await;
    finds_nothing(engine, &["", "   ", "\t\n", "1995", "absent", "1949"]).await;
}

pub(super) async fn with_typos_and_prefixes(engine: &mut dyn Engine) {
    let songs = [
        by("sandman", "Enter Sandman", "Metallica"),
        by("teardrop", "Teardrop", "Massive Attack"),
        song("year", "1979"),
        song("sun", "Sun"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            // One edit in four letters and more: left out, put in, replaced, swapped.
            ("sandman", &["entr", "eenter", "antar sandmen", "enetr"]),
            // Two in eight and more.
            ("sandman", &["metalica", "metalicca", "metaliac"]),
            ("teardrop", &["teerdrup", "masive atack"]),
            // The last word may be unfinished.
            ("sandman", &["e", "ent", "enter sand", "metal"]),
            ("teardrop", &["massive att", "massive attack te"]),
            ("sun", &["su"]),
            ("year", &["19"]),
        ],
    )
    .await;
    // Too many edits, too few letters, no letters.
    finds_nothing(engine, &["intar", "sxn", "sum", "1978", "metolecco"]).await;
}

pub(super) async fn in_any_case_and_without_diacritics(engine: &mut dyn Engine) {
    let songs = [
        by("joga", "Jóga", "Björk"),
        by("ace", "Ace of Spades", "Motörhead"),
        song("aenima", "Ænima"),
        by("hoppipolla", "Hoppípolla", "Sigur Rós"),
        song("strasse", "Straße"),
        song("wide", "ＷＩＤＥ"),
        song("istanbul", "İSTANBUL"),
        song("lodz", "Łódź"),
        song("decomposed", "Cafe\u{301} del Mar"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            ("joga", &["bjork", "BJÖRK", "björk", "joga", "jo\u{301}ga"]),
            ("ace", &["motorhead", "MOTÖRHEAD", "ACE OF SPADES"]),
            ("aenima", &["aenima", "ænima", "Ænima", "ÆNIMA"]),
            ("hoppipolla", &["sigur ros", "Sigur Rós", "hoppipolla"]),
            ("strasse", &["strasse", "STRASSE", "straße"]),
            ("wide", &["wide", "ｗｉｄｅ"]),
            ("istanbul", &["istanbul", "İstanbul"]),
            ("lodz", &["lodz", "łódź"]),
            ("decomposed", &["café", "cafe", "CAFÉ DEL MAR"]),
        ],
    )
    .await;
}

pub(super) async fn in_every_script(engine: &mut dyn Engine) {
    let songs = [
        by("japanese", "夜に駆ける", "宇多田ヒカル"),
        song("chinese", "月亮代表我的心"),
        song("korean", "봄날의 기억"),
        by("russian", "Группа крови", "Кино"),
        song("arabic", "مرحبا"),
        song("greek", "Ζορμπάς"),
        song("hebrew", "שָׁלוֹם"),
        song("hindi", "कभी कभी"),
        song("thai", "คิดถึง"),
        song("kana", "ｶﾀｶﾅ ガ"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            ("japanese", &["夜に", "に駆け", "駆ける", "夜", "る", "ヒカル", "宇多田", "宇多田 駆け"]),
            ("chinese", &["月亮", "代表", "我的心", "心", "月亮代表我的心"]),
            ("korean", &["봄날", "날의", "기억", "봄날의 기억"]),
            ("russian", &["кино", "КИНО", "группа", "крови", "групп", "грувпа"]),
            ("arabic", &["مرحبا", "مرح"]),
            ("greek", &["ζορμπας", "ΖΟΡΜΠΆΣ", "Ζορμπάς"]),
            ("hebrew", &["שלום", "שָׁלוֹם"]),
            ("hindi", &["कभी"]),
            ("thai", &["คิดถึง", "ถึง"]),
            ("kana", &["カタカナ", "タカ", "ガ"]),
        ],
    )
    .await;
    finds_nothing(engine, &["駆夜", "心月", "ヌ", "カガ"]).await;
}

pub(super) async fn names_with_punctuation(engine: &mut dyn Engine) {
    let songs = [
        by("tnt", "T.N.T.", "AC/DC"),
        by("try", "Try", "P!nk"),
        by("loz", "Must Be the Moon", "!!!"),
        song("dont", "Don't Stop"),
        by("asap", "Praise the Lord", "A$AP Rocky"),
        by("spaced", "Spaced", "AC DC Tribute"),
        by("amour", "L’Amour Toujours", "Gigi D'Agostino"),
        song("heart", "❤️"),
        by("simon", "The Boxer", "Simon & Garfunkel"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            ("tnt", &["tnt", "t.n.t", "T.N.T.", "t n t", "acdc", "ac dc", "ac/dc", "AC/DC", "ac-dc"]),
            ("spaced", &["ac/dc", "ac dc"]),
            ("try", &["pink", "p!nk", "P!NK", "pink try"]),
            ("loz", &["!!!"]),
            ("dont", &["don't stop", "dont stop", "don’t"]),
            ("asap", &["asap", "a$ap", "ASAP rocky"]),
            ("amour", &["amour", "l'amour", "lamour", "dagostino", "d'agostino"]),
            ("heart", &["❤", "❤️"]),
            ("simon", &["simon & garfunkel", "simon and garfunkel", "simon garfunkel"]),
        ],
    )
    .await;
    // A lone sign between words is no word.
    let found = ask(&*engine.index(), "boxer !!!").await;
    assert_eq!(found, ["simon"]);
}
