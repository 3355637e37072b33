//! Words between white space, taken apart.

use super::{TOKEN_CHARS, cut};
use std::collections::BTreeSet;
use unicode_normalization::char::is_combining_mark;

/// Between two words of a pair. No word contains it.
const PAIR: char = '_';

/// A part of a chunk between white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Letters and digits, with or without signs between them.
    Word {
        /// What is between the signs, in order.
        parts: Vec<String>,
        /// All of it without signs.
        joined: String,
        /// As `joined`, with signs read as the letters that they stand for; differs from it.
        styled: Option<String>,
    },
    /// Characters of a script that puts no spaces between words.
    Dense(String),
    /// Signs only.
    Signs(String),
}

impl Piece {
    /// False for signs.
    pub(super) fn is_word(&self) -> bool {
        !matches!(self, Self::Signs(_))
    }

    /// As one would say it.
    pub(super) fn spoken(&self) -> &str {
        match self {
            Self::Word { styled: Some(spoken), .. } | Self::Word { joined: spoken, .. } => spoken,
            Self::Dense(text) | Self::Signs(text) => text,
        }
    }

    /// Tokens of its parts that follow each other.
    pub(super) fn inner_pairs(&self) -> Vec<String> {
        match self {
            Self::Word { parts, .. } => {
                parts.iter().zip(parts.iter().skip(1)).map(|(one, next)| pair(one, next)).collect()
            }
            Self::Dense(_) | Self::Signs(_) => Vec::new(),
        }
    }

    /// The tokens of two that follow each other, whichever way each of them is written.
    pub(super) fn pairs(one: &Self, next: &Self) -> BTreeSet<String> {
        let heads = next.heads();
        one.tails().iter().flat_map(|tail| heads.iter().map(|head| pair(tail, head))).collect()
    }

    /// Ways in which it may begin, as one word.
    fn heads(&self) -> Vec<String> {
        match self {
            Self::Dense(text) => text.chars().next().map(String::from).into_iter().collect(),
            Self::Word { parts, .. } => self.whole().into_iter().chain(parts.first().cloned()).collect(),
            Self::Signs(_) => self.whole(),
        }
    }

    /// Ways in which it may end, as one word.
    fn tails(&self) -> Vec<String> {
        match self {
            Self::Dense(text) => text.chars().next_back().map(String::from).into_iter().collect(),
            Self::Word { parts, .. } => self.whole().into_iter().chain(parts.last().cloned()).collect(),
            Self::Signs(_) => self.whole(),
        }
    }

    /// Ways to write it in one.
    pub(super) fn whole(&self) -> Vec<String> {
        match self {
            Self::Word { joined, styled, .. } => styled.iter().chain([joined]).cloned().collect(),
            Self::Dense(text) | Self::Signs(text) => vec![text.clone()],
        }
    }

    /// What of it is indexed.
    pub(super) fn tokens(&self, tokens: &mut BTreeSet<String>) {
        match self {
            Self::Word { parts, joined, styled } => {
                tokens.extend(parts.iter().map(|part| cut(part, TOKEN_CHARS)));
                tokens.insert(cut(joined, TOKEN_CHARS));
                tokens.extend(styled.iter().map(|styled| cut(styled, TOKEN_CHARS)));
            }
            Self::Dense(text) => {
                tokens.extend(text.chars().map(String::from));
                tokens.extend(pairs(text));
            }
            Self::Signs(signs) => _ = tokens.insert(cut(signs, TOKEN_CHARS)),
        }
    }
}

fn pair(one: &str, next: &str) -> String {
    format!("{}{PAIR}{}", cut(one, TOKEN_CHARS), cut(next, TOKEN_CHARS))
}

/// Pieces that follow each other. A sign between words ("Simon & Garfunkel") is none, unless there are only signs.
pub(super) fn neighbours(pieces: &[Piece]) -> impl Iterator<Item = (&Piece, &Piece)> {
    let words = pieces.iter().any(Piece::is_word);
    let spoken = move |piece: &&Piece| piece.is_word() == words;
    pieces.iter().filter(spoken).zip(pieces.iter().filter(spoken).skip(1))
}

/// Every two neighbours.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = String> {
    text.chars().zip(text.chars().skip(1)).map(|(a, b)| String::from_iter([a, b]))
}

/// True for characters of scripts written without spaces (and hangul, whose words take endings).
pub(super) fn dense(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'      // Thai, Lao
        | '\u{1000}'..='\u{109f}'  // Myanmar
        | '\u{1780}'..='\u{17ff}'  // Khmer
        | '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' // hangul
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{30ff}' | '\u{3105}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}' // kana, bopomofo
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}') // han
}

fn letter(c: char) -> bool {
    !dense(c) && (c.is_alphanumeric() || is_combining_mark(c))
}

/// The pieces of a folded chunk without white space, in order; at least one when it is not empty.
pub(super) fn pieces(chunk: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = chunk;
    while let Some(first) = rest.chars().next() {
        let is_dense = dense(first);
        let end = rest.find(|c| dense(c) != is_dense).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if is_dense {
            pieces.push(Piece::Dense(run.to_owned()));
        } else if run.contains(letter) {
            pieces.push(word(run));
        }
    }
    if pieces.is_empty() && !chunk.is_empty() {
        pieces.push(Piece::Signs(chunk.to_owned()));
    }
    pieces
}

fn word(run: &str) -> Piece {
    let parts: Vec<String> =
        run.split(|c| !letter(c)).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let joined = parts.concat();
    let chars: Vec<char> = run.chars().collect();
    let near = |n: Option<usize>| n.and_then(|n| chars.get(n)).is_some_and(|c| c.is_alphabetic());
    let styled: String = chars
        .iter()
        .enumerate()
        .filter_map(|(n, &c)| {
            let (before, after) = (near(n.checked_sub(1)), near(Some(n + 1)));
            match c {
                '!' | '¡' if before && after => Some('i'),
                '@' if before && after => Some('a'),
                '$' if before || after => Some('s'),
                c => letter(c).then_some(c),
            }
        })
        .collect();
    Piece::Word { styled: (styled != joined).then_some(styled), parts, joined }
}
