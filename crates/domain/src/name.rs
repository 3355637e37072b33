//! Names that people wrote, made equal where people mean the same.

use unicode_normalization::UnicodeNormalization;

/// Characters of a key to sort or look up by. Longer names that begin alike are told apart by what follows them.
const KEY: usize = 80;

/// The name in one spelling: compatibility forms composed (NFKC), small letters, no control characters, one space between
/// words and none around. Diacritics and punctuation stay: they tell names apart.
///
/// Folding what is folded changes nothing.
pub fn fold(name: &str) -> String {
    // Composing may open up capitals and small letters may need composing, so both are done around it.
    let small: String = name.nfkc().flat_map(char::to_lowercase).nfkc().filter(|c| !drops(*c)).collect();
    small.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first 80 characters of the folded name: bounded, for columns that are sorted and looked up by.
pub fn sort_key(name: &str) -> String {
    let folded = fold(name);
    match folded.char_indices().nth(KEY) {
        Some((end, _)) => folded[..end].trim_end().to_owned(),
        None => folded,
    }
}

/// Control characters that are no space between words.
fn drops(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_mean_alike_is_alike() {
        for (one, other) in [
            ("  The   Beatles ", "the beatles"),
            ("BJÖRK", "bjo\u{308}rk"),
            ("Ｐｅｒｆｕｍｅ", "perfume"),
            ("a\tb\u{a0}c", "A B C"),
            ("ﬁre", "FIRE"),
            ("\u{1}x\0", "X"),
        ] {
            assert_eq!(fold(one), fold(other), "{one:?}");
        }
        for (one, other) in [("P!nk", "Pink"), ("AC/DC", "ACDC"), ("Bjork", "Björk"), ("!!!", "")] {
            assert_ne!(fold(one), fold(other), "{one:?}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once_and_a_key_is_bounded() {
        let names = ["İstanbul", "ẞ", "ŉ", "ΣΊΣΥΦΟΣ", "ﷺ", "e\u{301}\u{323}", "𝓐𝓫𝓒", "", "   "];
        for name in names {
            let once = fold(name);
            assert_eq!(fold(&once), once, "{name:?}");
            let long = name.repeat(100);
            assert!(sort_key(&long).chars().count() <= KEY);
        }
    }
}
