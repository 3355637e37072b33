//! What people ask: one to three words of a title and its artist, half of them with a letter wrong.

use super::Failure;
use segue_ports::{
    contract::index::catalogue::{Catalogue, Random},
    index::{Beginning, Index, Query, Viewer},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Answers of a page.
const PAGE: u32 = 20;

/// Questions of one to three words.
pub(super) fn questions(catalogue: &Catalogue, count: u64) -> Vec<String> {
    let mut random = Random::new(11, 1);
    (0..count).map(|n| question(catalogue, n % 3 + 1, &mut random)).collect()
}

fn question(catalogue: &Catalogue, words: u64, random: &mut Random) -> String {
    loop {
        let song = catalogue.song(random.below(catalogue.songs()));
        let all: Vec<String> =
            song.title.split(' ').chain(song.artists[0].split(' ')).map(str::to_owned).collect();
        if (all.len() as u64) < words {
            continue;
        }
        let mut chosen: Vec<String> = (0..words).map(|_| random.of(&all).clone()).collect();
        if random.percent(50) {
            let place = random.below(words);
            if let Some(word) = usize::try_from(place).ok().and_then(|place| chosen.get_mut(place)) {
                *word = misspelt(word, random);
            }
        }
        return chosen.join(" ");
    }
}

fn misspelt(word: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() >= 4 {
        let place = usize::try_from(random.below(letters.len() as u64 - 1)).unwrap_or(0);
        letters.swap(place, place + 1);
    }
    letters.into_iter().collect()
}

/// Beginnings of one to six letters.
pub(super) fn beginnings(catalogue: &Catalogue, count: u64) -> Vec<String> {
    let mut random = Random::new(12, 1);
    let one = |n: u64| {
        let title = catalogue.song(random.below(catalogue.songs())).title;
        title.chars().take(usize::try_from(n % 6 + 1).unwrap_or(1)).collect()
    };
    (0..count).map(one).collect()
}

/// How long each took, by how many words it has, once all files are in memory.
pub(super) async fn search(
    index: &dyn Index,
    questions: &[String],
) -> Result<BTreeMap<String, Vec<Duration>>, Failure> {
    let mut times: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for round in 0..2 {
        for text in questions {
            let query = Query {
                text: text.clone(),
                kinds: Vec::new(),
                viewer: Viewer::Anonymous,
                limit: PAGE,
                after: None,
            };
            let begin = Instant::now();
            index.search(&query).await?;
            let took = begin.elapsed();
            if round == 1 {
                let words = text.split(' ').count();
                times.entry(format!("{words} words")).or_default().push(took);
                times.entry("all".to_owned()).or_default().push(took);
            }
        }
    }
    Ok(times)
}

/// As [`search`], of names while they are typed.
pub(super) async fn suggest(index: &dyn Index, beginnings: &[String]) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    for round in 0..2 {
        for text in beginnings {
            let beginning =
                Beginning { text: text.clone(), kinds: Vec::new(), viewer: Viewer::Anonymous, limit: 10 };
            let begin = Instant::now();
            index.suggest(&beginning).await?;
            if round == 1 {
                times.push(begin.elapsed());
            }
        }
    }
    Ok(times)
}
