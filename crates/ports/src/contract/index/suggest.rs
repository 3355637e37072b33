//! Names while they are typed.

use super::{Engine, add, by, of, song};
use crate::index::{Beginning, Document, Index, Kind, Rating, Viewer};
use segue_domain::{UserId, Visibility};

fn typed(text: &str) -> Beginning {
    Beginning { text: text.to_owned(), kinds: Vec::new(), viewer: Viewer::Everything, limit: 10 }
}

async fn suggested(index: &dyn Index, beginning: &Beginning) -> Vec<String> {
    let found = index.suggest(beginning).await.unwrap_or_else(|e| panic!("{beginning:?}: {e}"));
    found.into_iter().map(|suggestion| suggestion.text).collect()
}

pub(super) async fn names_that_begin_as_typed(engine: &mut dyn Engine) {
    let index = engine.index();
    let all = [
        by("1", "Jóga", "Björk"),
        of(Kind::Artist, "2", "The Beatles"),
        of(Kind::Album, "3", "AC/DC Live"),
        of(Kind::Playlist, "4", "夜のドライブ"),
        song("5", "!!!"),
        song("6", "Joy"),
    ];
    add(&*index, all).await;
    for (text, expected) in [
        ("jo", &["Joy", "Jóga"][..]),
        ("JÓG", &["Jóga"]),
        (" joga ", &["Jóga"]),
        ("beat", &["The Beatles"]),
        ("the b", &["The Beatles"]),
        ("acd", &["AC/DC Live"]),
        ("ac/dc l", &["AC/DC Live"]),
        ("夜の", &["夜のドライブ"]),
        ("!!", &["!!!"]),
        // Artists are suggested as artists, and beginnings are not forgiven.
        ("bjö", &[]),
        ("jogs", &[]),
        ("", &[]),
        (" \u{200b}", &[]),
    ] {
        let mut found = suggested(&*index, &typed(text)).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{text:?}");
    }
    let albums = Beginning { kinds: vec![Kind::Album], ..typed("a") };
    let found = index.suggest(&albums).await.expect("suggested");
    assert!(found.len() == 1 && found[0].kind == Kind::Album && found[0].id == "3", "{found:?}");
    for text in ["x".repeat(10_000), "*".to_owned(), "a\0b".to_owned(), "\"".to_owned()] {
        suggested(&*index, &typed(&text)).await;
    }
}

pub(super) async fn the_most_popular_first_and_each_once(engine: &mut dyn Engine) {
    let index = engine.index();
    let mut songs: Vec<Document> = (0..40).map(|n| song(&format!("intro-{n:02}"), "Intro")).collect();
    songs.extend((0..30).map(|n| song(&format!("in-{n:02}"), &format!("In {n:02}"))));
    songs.push(song("upper", "INTRO"));
    add(&*index, songs).await;
    let rate = |id: &str, popularity| Rating { kind: Kind::Song, id: id.to_owned(), popularity };
    index.rate(&[rate("in-07", 50), rate("intro-33", 40), rate("in-01", 30)]).await.expect("rated");
    index.refresh().await.expect("refreshed");
    let found = index.suggest(&Beginning { limit: 5, ..typed("in") }).await.expect("suggested");
    let texts: Vec<&str> = found.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["In 07", "Intro", "In 01", "In 00", "In 02"]);
    assert_eq!(found[1].id, "intro-33", "the one that most people mean");
    assert_eq!(suggested(&*index, &Beginning { limit: 50, ..typed("in") }).await.len(), 31);
    assert_eq!(suggested(&*index, &Beginning { limit: 1, ..typed("intr") }).await.len(), 1);
}

pub(super) async fn only_what_the_viewer_may_see(engine: &mut dyn Engine) {
    let index = engine.index();
    let owner = UserId::new();
    let hidden = Document { owner, visibility: Visibility::Private, ..song("1", "Secret Garden") };
    add(&*index, [hidden, song("2", "Second Garden")]).await;
    for (viewer, expected) in [
        (Viewer::Anonymous, &["Second Garden"][..]),
        (Viewer::User(UserId::new()), &["Second Garden"]),
        (Viewer::User(owner), &["Second Garden", "Secret Garden"]),
        (Viewer::Everything, &["Second Garden", "Secret Garden"]),
    ] {
        assert_eq!(suggested(&*index, &Beginning { viewer, ..typed("sec") }).await, expected, "{viewer:?}");
    }
}
