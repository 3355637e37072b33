//! What somebody typed, as tokens to look up.

use super::{
    TOKEN_CHARS, cut, fold,
    lexer::{Lexeme, Name, lexemes, years},
    name,
    pieces::{Piece, neighbours, pairs, pieces},
};

/// Most characters of a question that are looked at.
const QUESTION_CHARS: usize = 500;
/// Most words and phrases of a question that are looked up.
pub(crate) const TERMS: usize = 32;
/// Most parts of a word, or pairs of a phrase, that are looked up, and of all of them together. Bounds what a question
/// costs, and keeps it below the 1,024 clauses that OpenSearch takes by default.
const PARTS: usize = 12;
const ALL_PARTS: usize = 48;
/// Of this many words wrong letters are forgiven.
const FORGIVEN: usize = 12;

/// A question in tokens. What it finds and in which order is said in [`crate::rank`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// Words and phrases, in the order typed.
    pub(crate) terms: Vec<Term>,
    /// Years in each of which the answer must be.
    pub(crate) years: Vec<(u32, u32)>,
    /// Years in none of which it may be.
    pub(crate) not_years: Vec<(u32, u32)>,
    /// The words that are wanted anywhere, as one name.
    pub(crate) name: Option<String>,
}

/// A word or a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) need: Need,
    pub(crate) scope: Scope,
    pub(crate) what: What,
}

/// Whether it must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The more of these the better; one at least.
    May,
    Must,
    MustNot,
}

/// Where it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Any,
    Title,
    Artist,
    Album,
    Genre,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Word(Word),
    Phrase(Phrase),
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
    /// Letters may be wrong.
    pub(crate) forgiven: bool,
}

/// Words that follow each other. A field has it when it has, for each entry, one of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase(pub(crate) Vec<Vec<String>>);

impl Question {
    /// `None` when there is nothing in the text to look for.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = cut(text, QUESTION_CHARS);
        let mut lexemes = lexemes(&text);
        // What is no year is a word like others.
        let no_year =
            |lexeme: &&mut Lexeme<'_>| lexeme.field == Some(Name::Year) && years(lexeme.text).is_none();
        lexemes.iter_mut().filter(no_year).for_each(|lexeme| lexeme.field = None);
        let free = |lexeme: &&Lexeme<'_>| !lexeme.not && lexeme.field.is_none();
        let spoken: Vec<&str> = lexemes.iter().filter(free).map(|lexeme| lexeme.text).collect();
        // A sign between words ("Simon & Garfunkel") is no word; of a question of signs each is.
        let words = spoken.iter().any(|text| cut_up(text).iter().any(Piece::is_word));
        let mut question = Self {
            terms: Vec::new(),
            years: Vec::new(),
            not_years: Vec::new(),
            name: name(&spoken.join(" ")),
        };
        let mut parts = ALL_PARTS;
        for lexeme in &lexemes {
            question.take(lexeme, words, &mut parts);
        }
        question.let_last_go_on(lexemes.last());
        let nothing = question.terms.is_empty() && question.years.is_empty() && question.not_years.is_empty();
        (!nothing).then_some(question)
    }

    /// The terms that add to a score: those that may or must be there.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| term.need != Need::MustNot)
    }

    fn take(&mut self, lexeme: &Lexeme<'_>, words: bool, parts: &mut usize) {
        let scope = match lexeme.field {
            None => Scope::Any,
            Some(Name::Title) => Scope::Title,
            Some(Name::Artist) => Scope::Artist,
            Some(Name::Album) => Scope::Album,
            Some(Name::Genre) => Scope::Genre,
            Some(Name::Year) => match years(lexeme.text) {
                Some(range) if lexeme.not => return self.not_years.push(range),
                Some(range) => return self.years.push(range),
                None => Scope::Any,
            },
        };
        let need = match (lexeme.not, scope == Scope::Any && !lexeme.quoted) {
            (true, _) => Need::MustNot,
            (false, true) => Need::May,
            (false, false) => Need::Must,
        };
        let mut pieces = cut_up(lexeme.text);
        let own_words = pieces.iter().any(Piece::is_word);
        let words = if need == Need::May { words } else { own_words };
        pieces.retain(|piece| piece.is_word() == words);
        if lexeme.quoted {
            self.add(Phrase::of(&pieces, parts).map(|phrase| Term {
                need,
                scope,
                what: What::Phrase(phrase),
            }));
            return;
        }
        for piece in pieces {
            let forgiven = need != Need::MustNot && scope != Scope::Genre && self.terms.len() < FORGIVEN;
            let word = Word { forgiven, ..Word::of(piece, parts) };
            self.add(Some(Term { need, scope, what: What::Word(word) }));
        }
    }

    fn add(&mut self, term: Option<Term>) {
        self.terms.extend(term.filter(|term| self.terms.len() < TERMS && !self.terms.contains(term)));
    }

    /// Somebody who types may not be at the end of the last word yet.
    fn let_last_go_on(&mut self, last: Option<&Lexeme<'_>>) {
        let open = last.is_some_and(|lexeme| !lexeme.quoted && !lexeme.not);
        if let Some(Term { what: What::Word(word), .. }) = self.terms.last_mut().filter(|_| open) {
            word.unfinished = !word.forms.is_empty();
        }
    }
}

fn cut_up(text: &str) -> Vec<Piece> {
    fold(text, QUESTION_CHARS).split_whitespace().flat_map(pieces).collect()
}

fn short(all: Vec<String>) -> Vec<String> {
    all.iter().map(|one| cut(one, TOKEN_CHARS)).collect()
}

impl Word {
    fn of(piece: Piece, left: &mut usize) -> Self {
        let (forms, mut parts) = match piece {
            Piece::Word { parts, joined, styled } => {
                let parts = if parts.len() > 1 { parts } else { Vec::new() };
                (styled.into_iter().chain([joined]).collect(), parts)
            }
            Piece::Dense(text) if text.chars().nth(1).is_none() => (vec![text], Vec::new()),
            Piece::Dense(text) => (Vec::new(), pairs(&text).collect()),
            Piece::Signs(signs) => (vec![signs], Vec::new()),
        };
        parts.truncate(PARTS.min(if forms.is_empty() { (*left).max(1) } else { *left }));
        *left = left.saturating_sub(parts.len());
        Self { forms: short(forms), parts: short(parts), unfinished: false, forgiven: false }
    }

    /// How many letters of `form` may be wrong: none below four letters, one below eight, else two. A number is
    /// right or it is another number.
    pub(crate) fn typos(&self, form: &str) -> u8 {
        match form.chars().count() {
            _ if !self.forgiven || !form.chars().all(char::is_alphabetic) => 0,
            0..4 => 0,
            4..8 => 1,
            _ => 2,
        }
    }
}

impl Phrase {
    /// `None` when nothing is in it.
    fn of(pieces: &[Piece], left: &mut usize) -> Option<Self> {
        let mut all: Vec<Vec<String>> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Dense(text) if text.chars().nth(1).is_some() => {
                    all.extend(pairs(text).map(|pair| vec![pair]));
                }
                piece if pieces.len() == 1 => {
                    let parts = piece.inner_pairs();
                    let whole = short(piece.whole());
                    all.push(if parts.len() == 1 { [whole, parts].concat() } else { whole });
                }
                _ => {}
            }
        }
        all.extend(neighbours(pieces).map(|(one, next)| Piece::pairs(one, next).into_iter().collect()));
        all.truncate(PARTS.min((*left).max(1)));
        *left = left.saturating_sub(all.len());
        (!all.is_empty()).then_some(Self(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let question = Question::new(text).expect("a question");
        let word = |term: Term| match term.what {
            What::Word(word) => Some(word),
            What::Phrase(_) => None,
        };
        question.terms.into_iter().filter_map(word).collect()
    }

    #[test]
    fn a_question_is_its_words() {
        assert_eq!(
            Question::new("  AC/DC  live at live").expect("words").name.as_deref(),
            Some("acdcliveatlive")
        );
        let found = words("  AC/DC  live at live");
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].forms, ["acdc"]);
        assert_eq!(found[0].parts, ["ac", "dc"]);
        assert!(found[2].unfinished && !found[0].unfinished);
        assert_eq!(words("夜に駆")[0].parts, ["夜に", "に駆"]);
        for nothing in [" \0\u{200b} ", "\"\"", ""] {
            assert_eq!(Question::new(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn fields_phrases_and_negations_are_needs() {
        let question =
            Question::new("one artist:u2 -\"one more\" \"let it be\" year:1991").expect("a question");
        let needs: Vec<_> = question.terms.iter().map(|term| (term.need, term.scope)).collect();
        assert_eq!(
            needs,
            [
                (Need::May, Scope::Any),
                (Need::Must, Scope::Artist),
                (Need::MustNot, Scope::Any),
                (Need::Must, Scope::Any)
            ]
        );
        let phrase = |pairs: &[&str]| {
            What::Phrase(Phrase(pairs.iter().map(|pair| vec![(*pair).to_owned()]).collect()))
        };
        assert_eq!(question.terms[2].what, phrase(&["one_more"]));
        assert_eq!(question.terms[3].what, phrase(&["let_it", "it_be"]));
        assert_eq!(question.years, [(1991, 1991)]);
        assert_eq!(question.name.as_deref(), Some("oneletitbe"));
        let only = Question::new("-live").expect("a question");
        assert_eq!((only.wanted().count(), only.name), (0, None));
        assert_eq!(words("year:soon").len(), 1, "no year is a word");
    }

    #[test]
    fn a_question_is_bounded() {
        for text in ["x".repeat(9999), "漢字".repeat(999), "a b c/d ".repeat(999), "a!b/".repeat(999)] {
            let found = words(&text);
            assert!(found.len() <= TERMS);
            let tokens: usize = found.iter().map(|w| w.forms.len() + w.parts.len()).sum();
            assert!(tokens <= 2 * TERMS + ALL_PARTS + TERMS, "{tokens}");
        }
        let many: String = (0..200).map(|n| format!("{n} ")).collect();
        assert_eq!(words(&many).len(), TERMS);
    }

    #[test]
    fn typos_are_for_letters() {
        for (form, typos) in
            [("sun", 0), ("kino", 1), ("кино", 1), ("1991", 0), ("metallica", 2), ("blink182", 0)]
        {
            assert_eq!(words(form)[0].typos(form), typos, "{form}");
        }
        assert_eq!(
            words("-metallica")[0].typos("metallica"),
            0,
            "what must not be there is as it is written"
        );
    }
}
