//! Letters that are the same to somebody who types.

use super::pieces::dense;
use unicode_normalization::{
    UnicodeNormalization,
    char::{decompose_canonical, is_combining_mark},
};

/// The text in lower case, without diacritics, ligatures and width; control characters become spaces. At most
/// about `chars` characters.
pub(super) fn fold(text: &str, chars: usize) -> String {
    if text.is_ascii() {
        let plain = |c: char| if c.is_ascii_control() { ' ' } else { c.to_ascii_lowercase() };
        return text.chars().take(chars).map(plain).collect();
    }
    let mut folded = String::with_capacity(text.len().min(chars));
    // Compatibility forms first (full width, half-width kana, ligatures), composed, so that kana and hangul
    // stay whole; then what is left is taken apart letter by letter.
    for c in text.chars().take(chars).nfkc().flat_map(char::to_lowercase).take(chars) {
        if dense(c) {
            folded.push(c);
        } else if c.is_control() {
            folded.push(' ');
        } else if !invisible(c) {
            decompose_canonical(c, |part| plain(part, &mut folded));
        }
    }
    folded
}

fn plain(c: char, folded: &mut String) {
    match c {
        _ if diacritic(c) => {}
        'ß' => folded.push_str("ss"),
        'æ' => folded.push_str("ae"),
        'œ' => folded.push_str("oe"),
        'þ' => folded.push_str("th"),
        'ø' => folded.push('o'),
        'đ' | 'ð' => folded.push('d'),
        'ł' => folded.push('l'),
        'ı' => folded.push('i'),
        'ħ' => folded.push('h'),
        'ŧ' => folded.push('t'),
        'ς' => folded.push('σ'),
        'ى' => folded.push('ي'),
        'ة' => folded.push('ه'),
        c => folded.push(c),
    }
}

/// Marks that people leave out when they type: accents of Latin, Greek and Cyrillic, points of Hebrew, vowels of
/// Arabic. Marks of other scripts are vowels that make the word.
fn diacritic(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}')
        && (is_combining_mark(c) || c == '\u{640}')
}

/// What changes the look of a character, or nothing.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folds_what_people_do_not_type() {
        for (text, folded) in [
            ("Björk", "bjork"),
            ("MOTÖRHEAD", "motorhead"),
            ("Ænima", "aenima"),
            ("Jo\u{301}ga", "joga"),
            ("ﬃ ＷＩＤＥ İ", "ffi wide i"),
            ("Ёлка Й", "елка и"),
            ("ΖΟΡΜΠΆΣ", "ζορμπασ"),
            ("שָׁלוֹם", "שלום"),
            ("أُغْنِيَّة", "اغنيه"),
            ("ｶﾞ ガ 가", "ガ ガ 가"),
            ("a\0b\u{feff}c", "a bc"),
            ("A\0b\u{7f}C-\"é", "a b c-\"e"),
            ("A\0b\u{7f}C-\"", "a b c-\""),
            ("कभी", "कभी"),
        ] {
            assert_eq!(fold(text, 100), folded, "{text}");
        }
    }

    #[test]
    fn is_bounded_and_stable() {
        assert!(fold(&"ﷺ".repeat(1000), 100).chars().count() <= 400);
        for text in ["Ǆ", "ŉ", "Straße", "ᾳ", "ﷺ", "가\u{3099}"] {
            let once = fold(text, 100);
            assert_eq!(fold(&once, 100), once, "{text}");
        }
    }
}
