//! What somebody typed, as tokens to look up.

use super::{TOKEN_CHARS, cut, fold, name, pieces::Piece, pieces::pairs, pieces::pieces};

/// Most characters of a question that are looked at.
const QUESTION_CHARS: usize = 256;
/// Most words of a question that are looked up.
const WORDS: usize = 12;
/// Most parts of a word that are looked up. Bounds what a question costs, and keeps it below the 1,024 clauses
/// that OpenSearch takes by default.
const PARTS: usize = 12;

/// A question in tokens. What it finds and in which order is said in [`crate::rank`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The words, distinct, in the order typed.
    pub(crate) words: Vec<Word>,
    /// All of it as one name.
    pub(crate) name: String,
}

/// One word of a question. A field has it when it has one of `forms`, or all of `parts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Ways to write it.
    pub(crate) forms: Vec<String>,
    /// What it is made of; empty when that is one of the forms.
    pub(crate) parts: Vec<String>,
    /// It may go on: tokens that begin with a form count too.
    pub(crate) unfinished: bool,
}

impl Question {
    /// `None` when there is nothing in the text to look for.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = cut(text, QUESTION_CHARS);
        let folded = fold(&text, QUESTION_CHARS);
        let all: Vec<Piece> = folded.split_whitespace().flat_map(pieces).collect();
        // A sign between words ("Simon & Garfunkel") is no word; of a question of signs each is.
        let has_words = all.iter().any(Piece::is_word);
        let mut words: Vec<Word> = Vec::new();
        for piece in all.into_iter().filter(|piece| piece.is_word() == has_words) {
            let word = Word::of(piece);
            if words.len() < WORDS && !words.contains(&word) {
                words.push(word);
            }
        }
        if let Some(last) = words.last_mut() {
            last.unfinished = !last.forms.is_empty();
        }
        Some(Self { words, name: name(&text)? })
    }
}

impl Word {
    fn of(piece: Piece) -> Self {
        let (forms, parts) = match piece {
            Piece::Word { parts, joined, styled } => {
                let parts = if parts.len() > 1 { parts } else { Vec::new() };
                (styled.into_iter().chain([joined]).collect(), parts)
            }
            Piece::Dense(text) if text.chars().nth(1).is_none() => (vec![text], Vec::new()),
            Piece::Dense(text) => (Vec::new(), pairs(&text).collect()),
            Piece::Signs(signs) => (vec![signs], Vec::new()),
        };
        let short = |all: Vec<String>| all.iter().map(|one| cut(one, TOKEN_CHARS)).collect();
        Self { forms: short(forms), parts: short(parts.into_iter().take(PARTS).collect()), unfinished: false }
    }

    /// How many letters of `form` may be wrong: none below four letters, one below eight, else two. A number is
    /// right or it is another number.
    pub(crate) fn typos(form: &str) -> u8 {
        match form.chars().count() {
            _ if !form.chars().all(char::is_alphabetic) => 0,
            0..4 => 0,
            4..8 => 1,
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_its_words() {
        let question = Question::new("  AC/DC  live at live").expect("words");
        assert_eq!(question.name, "acdcliveatlive");
        assert_eq!(question.words.len(), 3);
        assert_eq!(question.words[0].forms, ["acdc"]);
        assert_eq!(question.words[0].parts, ["ac", "dc"]);
        assert!(question.words[2].unfinished && !question.words[0].unfinished);
        let dense = Question::new("夜に駆").expect("words");
        assert_eq!(dense.words[0].parts, ["夜に", "に駆"]);
        assert_eq!(Question::new(" \0\u{200b} "), None);
    }

    #[test]
    fn a_question_is_bounded() {
        for text in ["x".repeat(9999), "漢字".repeat(999), "a b c/d ".repeat(999), "a!b/".repeat(999)] {
            let question = Question::new(&text).expect("words");
            assert!(question.words.len() <= WORDS);
            let tokens: usize = question.words.iter().map(|w| w.forms.len() + w.parts.len()).sum();
            assert!(tokens <= QUESTION_CHARS + 2 * WORDS, "{tokens}");
        }
    }

    #[test]
    fn typos_are_for_letters() {
        for (form, typos) in
            [("sun", 0), ("kino", 1), ("кино", 1), ("1991", 0), ("metallica", 2), ("blink182", 0)]
        {
            assert_eq!(Word::typos(form), typos, "{form}");
        }
    }
}
