//! What comes first.

use super::{Engine, add, ask, by, song};
use crate::index::Document;

pub(super) async fn exact_before_prefix_before_typo(engine: &mut dyn Engine) {
    // Ids are against the expected order, so that it does not come by accident.
    let songs = [
        song("c-exact", "Storm Warning"),
        song("b-prefix", "Stormy Warning"),
        song("a-typo", "Stork Warning"),
    ];
    add(&*engine.index(), songs).await;
    assert_eq!(ask(&*engine.index(), "storm").await, ["c-exact", "b-prefix", "a-typo"]);
}

pub(super) async fn title_and_artist_before_album_before_genre(engine: &mut dyn Engine) {
    let songs = [
        song("d-title", "Velvet Morning"),
        by("c-artist", "One", "Velvet Evening"),
        Document { album: "Velvet Night".to_owned(), ..song("b-album", "Two") },
        Document { genre: "Velvet Noise".to_owned(), ..song("a-genre", "Three") },
    ];
    add(&*engine.index(), songs).await;
    assert_eq!(ask(&*engine.index(), "velvet").await, ["d-title", "c-artist", "b-album", "a-genre"]);
}

pub(super) async fn all_words_before_some(engine: &mut dyn Engine) {
    let genre = |id, title| Document { genre: "Harbour Lights".to_owned(), ..song(id, title) };
    let songs = [
        by("c-all", "Lights", "Harbour"),
        genre("b-all-in-genre", "Unrelated"),
        song("a-one", "Harbour"),
        song("aa-one", "Lights Out"),
    ];
    add(&*engine.index(), songs).await;
    let found = ask(&*engine.index(), "harbour lights").await;
    assert_eq!(found[..2], ["c-all", "b-all-in-genre"]);
    assert_eq!(found.len(), 4, "some words are enough to be found: {found:?}");
    // Words of two typos still are two words.
    assert_eq!(ask(&*engine.index(), "harbuor lihgts").await[0], "c-all");
}

pub(super) async fn the_very_name_before_longer_ones(engine: &mut dyn Engine) {
    let songs = [
        song("a-longer", "Yesterday Once More"),
        song("z-title", "Yesterday"),
        by("y-artist", "Tomorrow", "Yesterday"),
        by("b-artist", "Tomorrow", "Yesterday Men"),
    ];
    add(&*engine.index(), songs).await;
    assert_eq!(ask(&*engine.index(), "yesterday").await, ["z-title", "y-artist", "a-longer", "b-artist"]);
}

pub(super) async fn titles_that_begin_so_before_others(engine: &mut dyn Engine) {
    let songs =
        [song("b-begins", "Harvest Moon"), song("a-later", "Strange Harvest"), song("c-named", "Harvest")];
    add(&*engine.index(), songs).await;
    assert_eq!(ask(&*engine.index(), "harvest").await, ["c-named", "b-begins", "a-later"]);
}
