//! The language of questions: words, "phrases", field:word, field:"phrase", -word.
//!
//! Every text is a question. What does not fit the language, as a quotation mark without its other one, is words.

/// A field that a question may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Title,
    Artist,
    Album,
    Genre,
    Year,
}

/// What stands between spaces, or between quotation marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexeme<'a> {
    /// It must not be there.
    pub(super) not: bool,
    /// The field that it is wanted in.
    pub(super) field: Option<Name>,
    /// It stood between quotation marks.
    pub(super) quoted: bool,
    pub(super) text: &'a str,
}

/// Quotation marks that open, and those that close them.
const QUOTES: [(char, &[char]); 6] = [
    ('"', &['"']),
    ('“', &['”', '“', '"']),
    ('„', &['“', '”', '"']),
    ('«', &['»']),
    ('»', &['«']),
    ('「', &['」']),
];
const NAMES: [(&str, Name); 5] = [
    ("title:", Name::Title),
    ("artist:", Name::Artist),
    ("album:", Name::Album),
    ("genre:", Name::Genre),
    ("year:", Name::Year),
];

/// The parts of a question, in order.
pub(super) fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(gap);
    while !rest.is_empty() {
        let (lexeme, behind) = first(rest);
        found.extend(lexeme);
        rest = behind.trim_start_matches(gap);
    }
    found
}

fn gap(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn first(text: &str) -> (Option<Lexeme<'_>>, &str) {
    let unsigned = text.strip_prefix('-').filter(|rest| !rest.starts_with(|c| gap(c) || c == '-'));
    let (not, after_sign) =
        unsigned.filter(|rest| !rest.is_empty()).map_or((false, text), |rest| (true, rest));
    let (field, value) = named(after_sign).map_or((None, after_sign), |(name, value)| (Some(name), value));
    if let Some((quoted, behind)) = quoted(value) {
        return (Some(Lexeme { not, field, quoted: true, text: quoted }), behind);
    }
    // A mark that is not closed says nothing.
    let value = if opens(value) { skip_first(value) } else { value };
    let (text, behind) = value.split_at(value.find(gap).unwrap_or(value.len()));
    let lexeme = Lexeme { not, field, quoted: false, text };
    ((!text.is_empty()).then_some(lexeme), behind)
}

/// A field's name before something that it is wanted to be.
fn named(text: &str) -> Option<(Name, &str)> {
    let (name, begin) = NAMES.iter().find_map(|(word, name)| {
        let begin = text.get(..word.len())?;
        begin.eq_ignore_ascii_case(word).then_some((*name, word.len()))
    })?;
    let value = text.get(begin..)?;
    (!value.is_empty() && !value.starts_with(gap)).then_some((name, value))
}

fn opens(text: &str) -> bool {
    text.chars().next().is_some_and(|c| QUOTES.iter().any(|(open, _)| *open == c))
}

fn skip_first(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

/// What stands between marks at the beginning of the text, and what is behind them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let open = text.chars().next()?;
    let (_, closing) = QUOTES.iter().find(|(mark, _)| *mark == open)?;
    let inside = skip_first(text);
    let end = inside.find(|c| closing.contains(&c))?;
    let (inside, behind) = inside.split_at(end);
    Some((inside, skip_first(behind)))
}

/// The years of `1994`, `1990..1999`, `1990..` and `..1999`.
pub(super) fn years(text: &str) -> Option<(u32, u32)> {
    let year = |text: &str, default| {
        if text.is_empty() { Some(default) } else { text.parse::<u32>().ok() }
    };
    let range = match text.split_once("..") {
        Some(("", "")) => return None,
        Some((from, to)) => (year(from, 1)?, year(to.trim_start_matches(['.', '=']), u32::MAX)?),
        None => {
            let year = text.parse().ok()?;
            (year, year)
        }
    };
    Some(if range.0 <= range.1 { range } else { (range.1, range.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let one = |lexeme: Lexeme<'_>| {
            let sign = if lexeme.not { "-" } else { "" };
            let field = lexeme.field.map_or(String::new(), |name| format!("{name:?}:"));
            let quote = if lexeme.quoted { "'" } else { "" };
            format!("{sign}{field}{quote}{}{quote}", lexeme.text)
        };
        lexemes(text).into_iter().map(one).collect()
    }

    #[test]
    fn a_question_is_taken_apart() {
        for (text, parts) in [
            ("enter  sandman", &["enter", "sandman"][..]),
            ("\"enter sandman\" live", &["'enter sandman'", "live"]),
            ("“enter sandman” «du hast»", &["'enter sandman'", "'du hast'"]),
            ("Artist:björk -album:\"post\"", &["Artist:björk", "-Album:'post'"]),
            ("year:1990..1999 genre:", &["Year:1990..1999", "genre:"]),
            ("-love -- - a-b", &["-love", "--", "-", "a-b"]),
            ("\"open end", &["open", "end"]),
            ("artist: x", &["artist:", "x"]),
            ("artist:\"open end", &["Artist:open", "end"]),
            ("\"\" \"", &["''"]),
            ("-\"a b\"c", &["-'a b'", "c"]),
            ("", &[]),
        ] {
            assert_eq!(shown(text), parts, "{text}");
        }
    }

    #[test]
    fn years_are_numbers_or_ranges() {
        assert_eq!(years("1994"), Some((1994, 1994)));
        assert_eq!(years("1999..1990"), Some((1990, 1999)));
        assert_eq!(years("..1999"), Some((1, 1999)));
        assert_eq!(years("1990.."), Some((1990, u32::MAX)));
        for nothing in ["", "..", "x", "1990..x", "-1", "99999999999"] {
            assert_eq!(years(nothing), None, "{nothing}");
        }
    }
}
