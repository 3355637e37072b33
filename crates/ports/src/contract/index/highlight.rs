//! Where words were found.

use super::{Engine, add, by, of, query};
use crate::index::{Document, Highlight, Kind};

pub(super) async fn says_what_was_found(engine: &mut dyn Engine) {
    let index = engine.index();
    let document = Document { album: "Post".to_owned(), ..by("1", "Army of Me (Björk)", "Björk") };
    add(&*index, [document, of(Kind::Artist, "2", "Skunk Anansie")]).await;
    let found = index.search(&query("bjrok army")).await.expect("found").hits;
    let highlight = |field, text: &str, ranges: &[(u32, u32)]| Highlight {
        field,
        text: text.to_owned(),
        ranges: ranges.to_vec(),
    };
    let expected = [
        highlight("title", "Army of Me (Björk)", &[(0, 4), (12, 17)]),
        highlight("artists", "Björk", &[(0, 5)]),
    ];
    assert_eq!(found[0].highlights, expected);
    let artist = index.search(&query("skunk an")).await.expect("found").hits;
    assert_eq!(artist[0].highlights, [highlight("name", "Skunk Anansie", &[(0, 5), (6, 13)])]);
}
