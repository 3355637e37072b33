//! How much of what people look for is among the first answers: questions written by hand (`recall/questions.txt`,
//! committed before anything was tuned) and made of the catalogue, each with its answers.

mod made;

use super::{Engine, add, catalogue::Catalogue};
use crate::index::{Document, Index, IndexError, Kind, Query, Viewer, popularity};
use segue_domain::{Timestamp, UserId, Visibility};
use std::collections::BTreeMap;

/// Answers that are looked at.
const FIRST: usize = 5;
/// What is good enough, of written and of made questions alike.
const ENOUGH: f64 = 0.95;
/// Songs that are made up, among which the written ones are, and questions about them.
const SONGS: u64 = 3_000;
const MADE: usize = 200;
const SEED: u64 = 20_261_127;

/// A question, and what must answer it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What sort of question it is.
    pub sort: String,
    /// The question.
    pub text: String,
    /// Kinds and ids of the answers.
    pub answers: Vec<(Kind, String)>,
    /// One of them is enough.
    pub one_of: bool,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    /// Questions, and what part of their answers was found, by sort.
    pub sorts: BTreeMap<String, (u32, f64)>,
    /// Questions that missed something, and what they found.
    pub missed: Vec<(Asked, Vec<(Kind, String)>)>,
}

impl Report {
    /// What part of the answers was found, each question counting alike.
    pub fn recall(&self) -> f64 {
        Self::recall_of(&[self])
    }

    /// As [`Report::recall`], of all questions of several.
    pub fn recall_of(reports: &[&Self]) -> f64 {
        let sorts = reports.iter().flat_map(|report| report.sorts.values());
        let (questions, found) = sorts.fold((0_u32, 0.0), |(n, found), (m, more)| (n + m, found + more));
        found / f64::from(questions.max(1))
    }
}

/// Asks all of them.
///
/// # Errors
/// What the index says.
pub async fn measure(index: &dyn Index, questions: Vec<Asked>) -> Result<Report, IndexError> {
    let mut report = Report::default();
    for asked in questions {
        let query = Query {
            text: asked.text.clone(),
            kinds: Vec::new(),
            viewer: Viewer::Everything,
            limit: u32::try_from(FIRST).unwrap_or(u32::MAX),
            after: None,
        };
        let hits = index.search(&query).await?.hits;
        let found: Vec<(Kind, String)> =
            hits.into_iter().map(|hit| (hit.document.kind, hit.document.id)).collect();
        let there = asked.answers.iter().filter(|answer| found.contains(answer)).count();
        let wanted = if asked.one_of { 1 } else { asked.answers.len().min(FIRST) };
        let part = (there as f64 / wanted as f64).min(1.0);
        let sort = report.sorts.entry(asked.sort.clone()).or_default();
        *sort = (sort.0 + 1, sort.1 + part);
        if part < 1.0 {
            report.missed.push((asked, found));
        }
    }
    Ok(report)
}

/// The questions written by hand.
///
/// # Panics
/// When the file is not as it says of itself.
pub fn written() -> Vec<Asked> {
    let kinds = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name).expect("a kind");
    let answer = |text: &str| {
        let (kind, id) = text.trim().split_once(':').expect("kind:id");
        (kinds(kind), id.to_owned())
    };
    let one = |[sort, text, answers]: [&str; 3]| Asked {
        sort: sort.to_owned(),
        text: text.to_owned(),
        answers: answers.split(';').map(answer).collect(),
        one_of: false,
    };
    lines(include_str!("recall/questions.txt"), " | ").map(one).collect()
}

/// Questions made of the songs of a catalogue: with a letter wrong, folded, cut off and in another order.
pub fn made(catalogue: &Catalogue, questions: usize) -> Vec<Asked> {
    made::questions(catalogue, questions)
}

/// What the written questions are about: the songs and playlists, and albums and artists of these songs.
///
/// # Panics
/// When the files are not as they say of themselves.
pub fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    let (mut artists, mut albums) = (BTreeMap::new(), BTreeMap::new());
    for [id, title, by, album, genre, year, plays] in lines::<7>(include_str!("recall/songs.txt"), "|") {
        let by: Vec<String> = by.split(';').map(|artist| artist.trim().to_owned()).collect();
        for artist in &by {
            *artists.entry(artist.clone()).or_insert(0_u32) += 1;
        }
        let year = year.parse().expect("a year");
        let of_album = albums.entry((by[0].clone(), album.to_owned())).or_insert((0_u32, genre, year));
        of_album.0 += 1;
        documents.push(Document {
            title: title.to_owned(),
            album_artist: by[0].clone(),
            artists: by,
            album: album.to_owned(),
            genre: genre.to_owned(),
            year,
            popularity: popularity(plays.parse().expect("a number of plays")),
            ..public(Kind::Song, id)
        });
    }
    documents.extend(artists.into_iter().map(|(name, items)| Document {
        title: name.clone(),
        items,
        popularity: popularity(items.into()),
        ..public(Kind::Artist, &name)
    }));
    documents.extend(albums.into_iter().map(|((artist, title), (items, genre, year))| Document {
        items,
        genre: genre.to_owned(),
        year,
        popularity: popularity(items.into()),
        title: title.clone(),
        album_artist: artist.clone(),
        ..public(Kind::Album, &format!("{artist}/{title}"))
    }));
    for [id, title, description, items] in lines::<4>(include_str!("recall/playlists.txt"), "|") {
        let items = items.parse().expect("a number of items");
        documents.push(Document {
            title: title.to_owned(),
            description: description.to_owned(),
            items,
            popularity: popularity(items.into()),
            ..public(Kind::Playlist, id)
        });
    }
    documents
}

fn public(kind: Kind, id: &str) -> Document {
    let document = Document::new(kind, id, 1, UserId::new(), Visibility::Public);
    Document { created: Timestamp(1_700_000_000_000), ..document }
}

/// Lines that are no comments, in so many parts.
fn lines<'a, const N: usize>(text: &'a str, between: &str) -> impl Iterator<Item = [&'a str; N]> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(move |line| {
        let parts: Vec<&str> = line.split(between).map(str::trim).collect();
        parts.try_into().unwrap_or_else(|_| panic!("a line has other parts: {line}"))
    })
}

pub(super) async fn is_good_enough(engine: &mut dyn Engine) {
    let index = engine.index();
    let catalogue = Catalogue::new(SEED, SONGS);
    add(&*index, (0..catalogue.songs()).map(|n| catalogue.song(n))).await;
    add(&*index, (0..catalogue.artists()).map(|n| catalogue.artist(n))).await;
    for artist in 0..catalogue.artists() {
        index
            .apply(
                &(0..catalogue.albums_of(artist))
                    .map(|n| super::put(catalogue.album(artist, n)))
                    .collect::<Vec<_>>(),
            )
            .await
            .expect("applied");
    }
    add(&*index, documents()).await;
    let (written, made) = (written(), made(&catalogue, MADE));
    assert!(written.len() >= 150 && made.len() >= 150);
    for (whose, questions) in [("written", written), ("made", made)] {
        let report = measure(&*index, questions).await.expect("asked");
        for (asked, found) in &report.missed {
            eprintln!("{whose} {}: {:?} wants {:?}, finds {found:?}", asked.sort, asked.text, asked.answers);
        }
        eprintln!("recall of {whose} questions: {:.3} {:?}", report.recall(), report.sorts);
        assert!(report.recall() >= ENOUGH, "{whose} questions");
    }
}
