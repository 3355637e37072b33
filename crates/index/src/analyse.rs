//! From text to tokens, for both engines alike.
//!
//! Text is cut into tokens here and not by the engines' own analyzers: both index the same words by
//! construction, so they find the same things, one suite holds for both, and nothing depends on which plugins
//! an OpenSearch has. The engines only look tokens up: whole, by prefix, and with typos.
//!
//! - Everything is folded: case, diacritics, width, ligatures (`fold`).
//! - A name with signs in it is indexed in pieces and in one: `AC/DC` is `ac`, `dc` and `acdc`; `P!nk` is `p`,
//!   `nk`, `pnk` and, as it is read aloud, `pink`. A name of signs only is a token as it stands: `!!!`.
//! - Scripts that put no spaces between words are indexed by single characters and pairs, so that every
//!   substring is found.

mod fold;
mod pieces;
mod question;

pub(crate) use question::{Question, Word};

use fold::fold;
use pieces::{Piece, pieces};
use std::collections::BTreeSet;

/// Most characters of a token; the rest of it is not told apart.
const TOKEN_CHARS: usize = 64;
/// Most characters of one text that are looked at.
const TEXT_CHARS: usize = 2_000;
/// Most tokens of one field.
const FIELD_TOKENS: usize = 500;
/// Most characters of a whole name.
const NAME_CHARS: usize = 120;

/// The distinct tokens of a field with these texts, none of which contains white space.
pub(crate) fn tokens<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for text in texts {
        for chunk in fold(text, TEXT_CHARS).split_whitespace() {
            for piece in pieces(chunk) {
                piece.tokens(&mut tokens);
                if tokens.len() >= FIELD_TOKENS {
                    return tokens;
                }
            }
        }
    }
    tokens
}

/// A whole name as one token, by which it is told from longer names that contain it. Spaces and signs do not
/// count: `Sigur Rós` and `SigurRos`, `AC/DC` and `AC DC` are the same name. `None` when nothing is left.
pub(crate) fn name(text: &str) -> Option<String> {
    let folded = fold(text, TEXT_CHARS);
    let all: Vec<Piece> = folded.split_whitespace().flat_map(pieces).collect();
    let words = all.iter().any(Piece::is_word);
    let name: String = all
        .iter()
        .filter(|piece| piece.is_word() == words)
        .flat_map(|piece| piece.spoken().chars())
        .collect();
    (!name.is_empty()).then(|| cut(&name, NAME_CHARS))
}

/// The first `chars` characters.
fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        tokens([text]).into_iter().collect()
    }

    #[test]
    fn names_with_signs_are_indexed_in_pieces_and_in_one() {
        assert_eq!(of("AC/DC"), ["ac", "acdc", "dc"]);
        assert_eq!(of("T.N.T."), ["n", "t", "tnt"]);
        assert_eq!(of("P!nk"), ["nk", "p", "pink", "pnk"]);
        assert_eq!(of("Help!"), ["help"]);
        assert_eq!(of("$ign"), ["ign", "sign"]);
        assert_eq!(of("!!! & you"), ["!!!", "&", "you"]);
        assert_eq!(of("Don’t"), ["don", "dont", "t"]);
    }

    #[test]
    fn scripts_without_spaces_are_indexed_by_pairs() {
        assert_eq!(of("夜に駆"), ["に", "に駆", "夜", "夜に", "駆"]);
        assert_eq!(of("BTS방탄。x"), ["bts", "x", "방", "방탄", "탄"]);
    }

    #[test]
    fn a_name_does_not_depend_on_spaces_and_signs() {
        for text in ["AC/DC", "ac dc", " Acdc ", "AC - DC"] {
            assert_eq!(name(text).as_deref(), Some("acdc"), "{text}");
        }
        assert_eq!(name("!!!").as_deref(), Some("!!!"));
        assert_eq!(name("P!nk"), name("PINK"));
        assert_eq!(name(" \0 "), None);
    }

    #[test]
    fn no_token_is_long_or_has_white_space() {
        let text = format!("{} {} a\u{a0}b\u{2028}c\u{1f}d", "x".repeat(5000), "!".repeat(300));
        for token in of(&text) {
            assert!(
                token.chars().count() <= TOKEN_CHARS && !token.contains(char::is_whitespace),
                "{token:?}"
            );
        }
        let numbers: String = (0..5000).map(|n| format!("{n} ")).collect();
        assert!(tokens([numbers.as_str(), numbers.as_str()]).len() <= FIELD_TOKENS + 4);
    }
}
