//! Phrases, fields and negations.

use super::{Engine, add, ask, by, song};
use crate::index::Document;

async fn finds(engine: &mut dyn Engine, expected: &[(&str, &[&str])]) {
    let index = engine.index();
    for (question, ids) in expected {
        let mut found = ask(&*index, question).await;
        found.sort_unstable();
        assert_eq!(found, *ids, "{question:?}");
    }
}

pub(super) async fn phrases_are_words_in_order(engine: &mut dyn Engine) {
    let songs = [
        by("1", "Come Rain or Come Shine", "Ray"),
        by("2", "Shine Come Rain", "Ray"),
        by("3", "AC/DC Live", "T.N.T."),
        by("4", "夜に駆ける", "ラムネ"),
        by("5", "Don’t Stop Me Now", "Come"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            ("\"come rain\"", &["1", "2"]),
            ("\"rain or come\"", &["1"]),
            ("“COME  SHINE”", &["1"]),
            ("\"shine come\"", &["2"]),
            ("\"rain shine\"", &[]),
            ("\"ac/dc live\"", &["3"]),
            ("\"ac dc live\"", &["3"]),
            ("\"T.N.T.\"", &["3"]),
            ("\"に駆け\"", &["4"]),
            ("\"駆に\"", &[]),
            ("\"don't stop\"", &["5"]),
            ("\"dont stop me\"", &["5"]),
            // Not even one letter may be wrong, and the last word is whole.
            ("\"come rein\"", &[]),
            ("\"come rai\"", &[]),
            ("\"now come\"", &[]),
            // A phrase must be there; other words may.
            ("ray \"or come\"", &["1"]),
            // A mark alone is nothing.
            ("\"rain or", &["1", "2"]),
            ("\"\"", &[]),
        ],
    )
    .await;
}

pub(super) async fn fields_are_looked_at_alone(engine: &mut dyn Engine) {
    let whole = |id: &str, title: &str, artist: &str, album: &str, genre: &str| Document {
        album: album.to_owned(),
        genre: genre.to_owned(),
        ..by(id, title, artist)
    };
    let songs = [
        whole("1", "River", "Joni Mitchell", "Blue", "Folk"),
        whole("2", "Blue", "River Phoenix", "Folk Songs", "Rock"),
        whole("3", "Folk", "Blue Öyster Cult", "River", "Metal"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            ("title:river", &["1"]),
            ("artist:river", &["2"]),
            ("album:river", &["3"]),
            ("genre:folk", &["1"]),
            ("ARTIST:\"blue oyster\"", &["3"]),
            ("artist:\"oyster blue\"", &[]),
            // Forgiving, as elsewhere.
            ("artist:michtell", &["1"]),
            ("title:riv", &["1"]),
            ("genre:fol", &["1"]),
            ("artist:blue title:folk", &["3"]),
            ("artist:blue title:river", &[]),
            ("title:blue cult", &[]),
            ("title:blue phoenix", &["2"]),
            // No field, or nothing in it, is words.
            ("label:river", &[]),
            ("title: river", &["1", "2", "3"]),
        ],
    )
    .await;
}

pub(super) async fn years_are_numbers(engine: &mut dyn Engine) {
    let in_year = |id: &str, year| Document { year, ..song(id, "Anthem") };
    add(&*engine.index(), [in_year("0", 0), in_year("1", 1989), in_year("2", 1994), in_year("3", 2004)])
        .await;
    finds(
        engine,
        &[
            ("year:1994", &["2"]),
            ("anthem year:1989..1994", &["1", "2"]),
            ("year:1990..", &["2", "3"]),
            ("year:..1994", &["1", "2"]),
            ("year:2004..1994", &["2", "3"]),
            ("anthem -year:1994", &["0", "1", "3"]),
            ("year:1994 anthen", &["2"]),
            ("year:1994 year:1989", &[]),
            ("year:soon", &[]),
            ("anthem 1994", &["0", "1", "2", "3"]),
        ],
    )
    .await;
}

pub(super) async fn what_must_not_be_there(engine: &mut dyn Engine) {
    let songs = [
        by("1", "Quiet Storm Live", "Ann"),
        by("2", "Quiet Storm", "Ben"),
        by("3", "Loud Storm", "Ann"),
        by("4", "Loud", "Quiet Ben"),
    ];
    add(&*engine.index(), songs).await;
    finds(
        engine,
        &[
            ("storm -live", &["2", "3"]),
            ("quiet -storm", &["4"]),
            ("storm -\"quiet storm\"", &["3"]),
            ("loud -artist:quiet", &["3"]),
            ("storm -artist:ann", &["2"]),
            // As it is written: neither longer words nor words with letters wrong.
            ("storm -liv -lyve", &["1", "2", "3"]),
            // Everything but that.
            ("-storm", &["4"]),
            ("-artist:ann", &["2", "4"]),
            ("-storm -loud", &[]),
            ("storm -storm", &[]),
            // A hyphen inside or alone is none.
            ("quiet-storm - live", &["1", "2"]),
        ],
    )
    .await;
}

pub(super) async fn at_most_so_many_words(engine: &mut dyn Engine) {
    add(&*engine.index(), [song("1", "needle"), song("2", "w1")]).await;
    let words: String = (1..=31).map(|n| format!("w{n} ")).collect();
    finds(engine, &[(&format!("{words} needle"), &["1", "2"]), (&format!("{words} w32 needle"), &["2"])])
        .await;
}
