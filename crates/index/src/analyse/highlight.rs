//! What of a document a question found, for people to see.
//!
//! Looked for in the document as it is shown, after the engine found it: so it is the same for both, and costs only
//! as much as a page of answers is long.

use super::{
    Question, Scope, TEXT_CHARS, What, Word,
    distance::within,
    fold,
    pieces::{Piece, dense, pieces},
};
use segue_ports::index::{Document, Highlight, Kind};
use std::collections::BTreeSet;

/// Most texts of a document that are shown.
const MOST: usize = 10;

/// The texts of the document in which words of the question are.
pub(crate) fn highlights(question: &Question, document: &Document) -> Vec<Highlight> {
    let texts = shown(document).into_iter();
    let found = texts.filter_map(|(field, place, text)| {
        let ranges = ranges(question, place, text);
        (!ranges.is_empty()).then(|| Highlight { field, text: text.to_owned(), ranges })
    });
    found.take(MOST).collect()
}

/// Where a text is: which scopes take it in, and whether it forgives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Title,
    Artist,
    Album,
    Genre,
    Description,
}

impl Place {
    fn is_in(self, scope: Scope, kind_of_title: Option<Scope>) -> bool {
        match scope {
            Scope::Any => true,
            Scope::Title => self == Self::Title,
            Scope::Artist | Scope::Album if self == Self::Title => kind_of_title == Some(scope),
            Scope::Artist => self == Self::Artist,
            Scope::Album => self == Self::Album,
            Scope::Genre => self == Self::Genre,
        }
    }
    /// Beginnings and words with wrong letters are found in it.
    fn forgives(self) -> bool {
        matches!(self, Self::Title | Self::Artist | Self::Album)
    }
}

type Text<'a> = (&'static str, (Place, Option<Scope>), &'a str);

fn shown(document: &Document) -> Vec<Text<'_>> {
    // The title of an artist is a name, by which `artist:` finds it too.
    let (title, also) = match document.kind {
        Kind::Artist => ("name", Some(Scope::Artist)),
        Kind::Album => ("title", Some(Scope::Album)),
        Kind::Playlist | Kind::Song => ("title", None),
    };
    let mut texts = vec![(title, (Place::Title, also), document.title.as_str())];
    texts.extend(document.artists.iter().map(|artist| ("artists", (Place::Artist, None), artist.as_str())));
    texts.extend([
        ("album", (Place::Album, None), document.album.as_str()),
        ("album_artist", (Place::Artist, None), document.album_artist.as_str()),
        ("genre", (Place::Genre, None), document.genre.as_str()),
        ("description", (Place::Description, None), document.description.as_str()),
    ]);
    texts
}

/// A word of the text: its characters, and what is indexed of it.
struct Chunk {
    start: usize,
    chars: Vec<char>,
    pieces: Vec<Piece>,
    tokens: BTreeSet<String>,
}

fn chunks(text: &str) -> Vec<Chunk> {
    let chars: Vec<char> = text.chars().take(TEXT_CHARS).collect();
    let gap = |c: &char| c.is_whitespace() || c.is_control();
    let mut chunks = Vec::new();
    let mut start = 0;
    for chars in chars.split(gap) {
        if !chars.is_empty() {
            let folded = fold(&chars.iter().collect::<String>(), TEXT_CHARS);
            let pieces: Vec<Piece> = folded.split_whitespace().flat_map(pieces).collect();
            let mut tokens = BTreeSet::new();
            pieces.iter().for_each(|piece| piece.tokens(&mut tokens));
            chunks.push(Chunk { start, chars: chars.to_vec(), pieces, tokens });
        }
        start += chars.len() + 1;
    }
    chunks
}

fn ranges(question: &Question, (place, also): (Place, Option<Scope>), text: &str) -> Vec<(u32, u32)> {
    let chunks = chunks(text);
    let mut marked: Vec<(usize, usize)> = Vec::new();
    for term in question.wanted().filter(|term| place.is_in(term.scope, also)) {
        for (n, chunk) in chunks.iter().enumerate() {
            match &term.what {
                What::Word(word) => {
                    if has(chunk, word, place.forgives()) {
                        marked.push(chunk.spoken());
                    }
                    marked.extend(chunk.dense(&word.parts, &word.forms));
                }
                What::Phrase(phrase) => {
                    let alternatives: Vec<String> = phrase.0.concat();
                    marked.extend(chunk.dense(&alternatives, &[]));
                    let inner: Vec<String> = chunk.pieces.iter().flat_map(Piece::inner_pairs).collect();
                    let here = |token: &String| alternatives.contains(token);
                    if chunk.words().any(here) || inner.iter().any(here) {
                        marked.push(chunk.spoken());
                    }
                    let next = chunks.get(n + 1..).unwrap_or_default().iter().find(|chunk| chunk.is_word());
                    if let (Some(last), Some((next, first))) =
                        (chunk.pieces.last(), next.and_then(|next| Some((next, next.pieces.first()?))))
                        && Piece::pairs(last, first).iter().any(here)
                    {
                        marked.extend([chunk.spoken(), next.spoken()]);
                    }
                }
            }
        }
    }
    joined(marked)
}

/// True when the word is in the chunk, in any of its ways.
fn has(chunk: &Chunk, word: &Word, forgives: bool) -> bool {
    let near = |form: &String, token: &String| {
        form == token
            || forgives
                && ((word.unfinished && token.starts_with(form.as_str()))
                    || within(form, token, usize::from(word.typos(form))))
    };
    let forms = || word.forms.iter().any(|form| chunk.words().any(|token| near(form, token)));
    let part = |part: &String| !part.chars().all(dense) && chunk.words().any(|token| part == token);
    forms() || word.parts.iter().any(part)
}

impl Chunk {
    fn is_word(&self) -> bool {
        self.pieces.iter().any(Piece::is_word)
    }

    /// Its tokens, without those of scripts that are marked by characters.
    fn words(&self) -> impl Iterator<Item = &String> {
        self.tokens.iter().filter(|token| !token.chars().all(dense))
    }

    /// Without the signs around it.
    fn spoken(&self) -> (usize, usize) {
        let letter = |c: &char| c.is_alphanumeric();
        let begin = self.chars.iter().position(letter).unwrap_or(0);
        let end = self.chars.iter().rposition(letter).map_or(self.chars.len(), |last| last + 1);
        // A sign that is read as a letter belongs to it.
        let begin = if begin > 0 && self.chars.get(begin - 1) == Some(&'$') { begin - 1 } else { begin };
        (self.start + begin, self.start + end)
    }

    /// Characters of scripts without spaces that are among those pairs, or those single ones.
    fn dense(&self, pairs: &[String], singles: &[String]) -> Vec<(usize, usize)> {
        if self.chars.iter().all(char::is_ascii) {
            return Vec::new();
        }
        let folded: Vec<String> = self.chars.iter().map(|c| fold(&c.to_string(), 4)).collect();
        let is = |n: usize| folded.get(n).is_some_and(|c| !c.is_empty() && c.chars().all(dense));
        let mut found = Vec::new();
        for n in (0..folded.len()).filter(|n| is(*n)) {
            let single = folded.get(n).is_some_and(|c| singles.contains(c));
            let pair = is(n + 1) && folded.get(n..n + 2).is_some_and(|two| pairs.contains(&two.concat()));
            if pair || single {
                found.push((self.start + n, self.start + n + if pair { 2 } else { 1 }));
            }
        }
        found
    }
}

/// Ascending, those that touch or overlap as one.
fn joined(mut ranges: Vec<(usize, usize)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (start, end) in ranges.into_iter().filter(|(start, end)| start < end) {
        match joined.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => joined.push((start, end)),
        }
    }
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    joined.into_iter().map(|(start, end)| (small(start), small(end))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_domain::{UserId, Visibility};

    fn shown(question: &str, title: &str, artist: &str) -> Vec<String> {
        let mut document = Document::new(Kind::Song, "1", 1, UserId::new(), Visibility::Public);
        (document.title, document.artists) = (title.to_owned(), vec![artist.to_owned()]);
        let question = Question::new(question).expect("a question");
        let one = |highlight: Highlight| {
            let chars: Vec<char> = highlight.text.chars().collect();
            let cut =
                |(start, end): &(u32, u32)| chars[*start as usize..*end as usize].iter().collect::<String>();
            highlight.ranges.iter().map(cut).collect::<Vec<_>>().join("|")
        };
        highlights(&question, &document).into_iter().map(one).collect()
    }

    #[test]
    fn words_are_marked_as_they_are_shown() {
        for (question, title, artist, marked) in [
            ("joga bjork", "Jóga", "Björk", &["Jóga", "Björk"][..]),
            ("metalica sand", "Enter Sandman", "Metallica", &["Sandman", "Metallica"]),
            ("acdc", "T.N.T.", "AC/DC", &["AC/DC"]),
            ("tnt", "(T.N.T.)", "x", &["T.N.T"]),
            ("pink what", "So What?", "P!nk", &["What", "P!nk"]),
            ("駆け", "夜に駆ける", "x", &["駆け"]),
            ("夜", "夜に駆ける夜", "x", &["夜|夜"]),
            ("\"enter sandman\"", "The Enter Sandman Enter", "x", &["Enter|Sandman"]),
            ("artist:one", "One", "One Man", &["One"]),
            ("-enter sandman", "Enter Sandman", "x", &["Sandman"]),
            ("\"代表我\"", "月亮代表我的心", "x", &["代表我"]),
        ] {
            assert_eq!(shown(question, title, artist), marked, "{question} in {title} by {artist}");
        }
        assert!(shown("absent", "Enter", "Sandman").is_empty());
    }
}
