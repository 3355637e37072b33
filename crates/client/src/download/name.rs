//! Names that every file system takes.

/// Longest name, bytes of UTF-8, so that what is added to tell songs apart still fits in 255.
const LONGEST: usize = 180;
/// Names that Windows keeps for itself, with any extension.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// "Artist - Title" as the name of a file or folder; `otherwise` when nothing is left of it.
///
/// Letters of every script stay. What separates, controls or reorders text, or means something to a file system, to a
/// shell's glob, in a playlist or in a URL, becomes an underscore or goes.
pub(crate) fn safe(text: &str, otherwise: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '#' | '%' => name.push('_'),
            c if c.is_whitespace() => {
                if !name.ends_with(' ') {
                    name.push(' ');
                }
            }
            c if c.is_control() || is_invisible(c) => {}
            c => name.push(c),
        }
    }
    let end = (0..=LONGEST.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name.truncate(end);
    // Windows drops dots and spaces at the end; a dot in front hides.
    let kept = name.trim_end_matches(['.', ' ']).trim_start();
    let mut name = match kept.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => kept.to_owned(),
    };
    if is_reserved(&name) {
        name.insert(0, '_');
    }
    if name.chars().all(|c| c == '_' || c == '.') { otherwise.to_owned() } else { name }
}

/// A name as file systems compare them that do not tell case apart.
pub(crate) fn folded(name: &str) -> String {
    name.to_lowercase()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = ["com", "lpt"]
        .iter()
        .filter_map(|port| stem.strip_prefix(port))
        .any(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    numbered || RESERVED.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stay_and_what_means_something_goes() {
        for (text, name) in [
            ("Björk - Jóga", "Björk - Jóga"),
            ("坂本龍一 - 戦場のメリークリスマス", "坂本龍一 - 戦場のメリークリスマス"),
            ("AC/DC - T.N.T.", "AC_DC - T.N.T"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("..", "id"),
            ("", "id"),
            ("???", "id"),
            ("a\0b\n\tc\u{7}", "ab c"),
            ("abc\u{202e}cba", "abccba"),
            ("  .hidden  ", "_hidden"),
            ("CON", "_CON"),
            ("aux.txt", "_aux.txt"),
            ("Lpt1", "_Lpt1"),
            ("Console", "Console"),
            ("#1 Crush 100%", "_1 Crush 100_"),
        ] {
            assert_eq!(safe(text, "id"), name, "{text:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = safe(&"日本".repeat(1000), "id");
        assert_eq!(name.len(), 180);
        assert!(safe(&"é".repeat(1000), "id").len() <= LONGEST);
    }
}
