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
//! - Words that follow each other are a token too (`enter_sandman`), by which phrases are found.

mod distance;
mod fold;
mod highlight;
mod lexer;
mod pieces;
mod question;

pub(crate) use highlight::highlights;
pub(crate) use question::{Need, Phrase, Question, Scope, Term, What, Word};

use fold::fold;
use pieces::{Piece, neighbours, pieces};
use std::collections::BTreeSet;

/// Most characters of a token; the rest of it is not told apart.
const TOKEN_CHARS: usize = 64;
/// Most characters of one text that are looked at.
const TEXT_CHARS: usize = 2_000;
/// Most tokens of one field.
const FIELD_TOKENS: usize = 500;
/// Most characters of a whole name.
const NAME_CHARS: usize = 120;
/// Before the first letter, or the first two, of a token: see [`beginnings`].
const BEGINS: char = '<';

/// The distinct tokens of a field with these texts, none of which contains white space; with `pairs`, of words that
/// follow each other too.
pub(crate) fn tokens<'a>(texts: impl IntoIterator<Item = &'a str>, pairs: bool) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for text in texts {
        let pieces = cut_up(text);
        for piece in &pieces {
            piece.tokens(&mut tokens);
            if tokens.len() >= FIELD_TOKENS {
                return tokens;
            }
        }
        if !pairs {
            continue;
        }
        pieces.iter().for_each(|piece| tokens.extend(piece.inner_pairs()));
        for (one, next) in neighbours(&pieces) {
            tokens.extend(Piece::pairs(one, next));
            if tokens.len() >= FIELD_TOKENS {
                return tokens;
            }
        }
    }
    tokens
}

/// What stands for all tokens that begin with one or two letters, so that looking them up costs no more than one.
pub(crate) fn beginnings(tokens: &BTreeSet<String>) -> BTreeSet<String> {
    let begins = |token: &String, chars: usize| {
        let begin = cut(token, chars);
        format!("{BEGINS}{begin}")
    };
    tokens.iter().flat_map(|token| [begins(token, 1), begins(token, 2)]).collect()
}

/// The token for all tokens that begin with `form`; `None` when it is too long for that.
pub(crate) fn beginning(form: &str) -> Option<String> {
    form.chars().nth(2).is_none().then(|| format!("{BEGINS}{form}"))
}

/// A whole name as one token, by which it is told from longer names that contain it. Spaces and signs do not
/// count: `Sigur Rós` and `SigurRos`, `AC/DC` and `AC DC` are the same name. `None` when nothing is left.
pub(crate) fn name(text: &str) -> Option<String> {
    let all = cut_up(text);
    let words = all.iter().any(Piece::is_word);
    let name: String = all
        .iter()
        .filter(|piece| piece.is_word() == words)
        .flat_map(|piece| piece.spoken().chars())
        .collect();
    (!name.is_empty()).then(|| cut(&name, NAME_CHARS))
}

fn cut_up(text: &str) -> Vec<Piece> {
    fold(text, TEXT_CHARS).split_whitespace().flat_map(pieces).collect()
}

/// The first `chars` characters.
fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        tokens([text], false).into_iter().collect()
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
    fn words_that_follow_each_other_are_a_token() {
        let pairs = |text: &str| -> Vec<String> {
            tokens([text], true).into_iter().filter(|token| token.contains('_')).collect()
        };
        assert_eq!(pairs("Enter Sandman"), ["enter_sandman"]);
        assert_eq!(pairs("AC/DC Live"), ["ac_dc", "acdc_live", "dc_live"]);
        assert_eq!(pairs("Simon & Garfunkel"), ["simon_garfunkel"]);
        assert_eq!(
            pairs("x y"),
            tokens(["x y", "z"], true).into_iter().filter(|t| t.contains('_')).collect::<Vec<_>>()
        );
    }

    #[test]
    fn short_beginnings_are_tokens() {
        let found = beginnings(&["sandman".to_owned(), "駆".to_owned()].into());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["<s", "<sa", "<駆"]);
        assert_eq!((beginning("sa").as_deref(), beginning("san")), (Some("<sa"), None));
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
        for token in tokens([text.as_str()], true) {
            assert!(
                token.chars().count() <= 2 * TOKEN_CHARS + 1 && !token.contains(char::is_whitespace),
                "{token:?}"
            );
        }
        let numbers: String = (0..5000).map(|n| format!("{n} ")).collect();
        assert!(tokens([numbers.as_str(), numbers.as_str()], true).len() <= FIELD_TOKENS + 9);
    }
}
