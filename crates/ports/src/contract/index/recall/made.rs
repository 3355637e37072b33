//! Questions made of a catalogue.

use super::Asked;
use crate::{
    contract::index::catalogue::{Catalogue, Random},
    index::{Document, Kind},
};
use std::collections::BTreeMap;

/// Letters that a finger meets by accident.
const LETTERS: [char; 8] = ['a', 'e', 'n', 's', 't', 'o', 'i', 'r'];
/// Accented letters of the catalogue, and how they are typed where a keyboard has none.
const PLAIN: [(char, &str); 24] = [
    ('á', "a"),
    ('é', "e"),
    ('í', "i"),
    ('ó', "o"),
    ('ú', "u"),
    ('ä', "a"),
    ('ö', "o"),
    ('ü', "u"),
    ('å', "a"),
    ('ø', "o"),
    ('æ', "ae"),
    ('ç', "c"),
    ('ł', "l"),
    ('ñ', "n"),
    ('ř', "r"),
    ('š', "s"),
    ('ş', "s"),
    ('ž', "z"),
    ('ß', "ss"),
    ('ã', "a"),
    ('ê', "e"),
    ('ı', "i"),
    ('ą', "a"),
    ('ё', "е"),
];
const SORTS: [&str; 4] = ["edited", "folded", "truncated", "reordered"];

/// Questions by title and artist, so that few songs answer them.
pub(super) fn questions(catalogue: &Catalogue, wanted: usize) -> Vec<Asked> {
    let mut random = Random::new(7, 77);
    let (mut asked, mut names): (Vec<Asked>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    while asked.len() < wanted {
        let song = catalogue.song(random.below(catalogue.songs()));
        let sort = SORTS[asked.len() % SORTS.len()];
        let words: Vec<String> =
            song.title.split(' ').chain(song.artists[0].split(' ')).map(str::to_owned).collect();
        let Some(words) = changed(sort, words, &mut random) else { continue };
        asked.push(Asked { sort: sort.to_owned(), text: words.join(" "), answers: Vec::new(), one_of: true });
        names.push(named(&song));
    }
    // Of several songs with the same title by the same artist each is right.
    let mut places: BTreeMap<&(String, String), Vec<usize>> = BTreeMap::new();
    names.iter().enumerate().for_each(|(n, name)| places.entry(name).or_default().push(n));
    for song in (0..catalogue.songs()).map(|n| catalogue.song(n)) {
        for n in places.get(&named(&song)).into_iter().flatten() {
            asked[*n].answers.push((Kind::Song, song.id.clone()));
        }
    }
    asked
}

fn named(song: &Document) -> (String, String) {
    (song.title.clone(), song.artists.first().cloned().unwrap_or_default())
}

/// The words as somebody types them; `None` when they have nothing to do it to.
fn changed(sort: &str, mut words: Vec<String>, random: &mut Random) -> Option<Vec<String>> {
    match sort {
        "edited" => {
            let long =
                |word: &&mut String| word.chars().count() >= 5 && word.chars().all(char::is_alphabetic);
            let mut long: Vec<&mut String> = words.iter_mut().filter(long).collect();
            let place = usize::try_from(random.below(long.len() as u64)).ok()?;
            let word = long.get_mut(place)?;
            **word = edited(word, random);
        }
        "folded" => {
            let plain = |c: char| PLAIN.iter().find(|(accented, _)| *accented == c).map(|(_, plain)| *plain);
            let folded = words.iter().map(|word| {
                let letters = word.to_lowercase();
                letters
                    .chars()
                    .map(|c| plain(c).map_or_else(|| c.to_string(), str::to_owned))
                    .collect::<String>()
            });
            let folded: Vec<String> = folded.collect();
            if folded.iter().zip(&words).all(|(folded, word)| *folded == word.to_lowercase()) {
                return None;
            }
            words = folded;
        }
        "truncated" => {
            let last = words.last_mut().filter(|last| last.chars().count() >= 4)?;
            let keep = last.chars().count() - 1 - usize::try_from(random.below(2)).ok()?;
            *last = last.chars().take(keep).collect();
        }
        _ => {
            if words.len() < 3 {
                return None;
            }
            let by = 1 + usize::try_from(random.below(words.len() as u64 - 1)).ok()?;
            words.rotate_left(by);
        }
    }
    Some(words)
}

/// With one letter left out, put in, replaced, or swapped with the next.
fn edited(word: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let place = usize::try_from(random.below(letters.len() as u64 - 1)).unwrap_or(0);
    match random.below(4) {
        0 => _ = letters.remove(place),
        1 => letters.insert(place, *random.of(&LETTERS)),
        2 => letters[place] = *random.of(&LETTERS),
        _ => letters.swap(place, place + 1),
    }
    letters.into_iter().collect()
}
