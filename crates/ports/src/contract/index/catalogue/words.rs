//! Names that are made up.

use super::Random;

/// Words of a language, from the frequent to the rare.
const VOCABULARY: u64 = 24_000;
/// Words that songs are full of. Each language has them in the place of its most frequent ones.
const COMMON: [&str; 64] = [
    "love",
    "night",
    "heart",
    "day",
    "time",
    "you",
    "me",
    "the",
    "my",
    "in",
    "of",
    "dream",
    "fire",
    "blue",
    "black",
    "summer",
    "rain",
    "moon",
    "sun",
    "star",
    "dance",
    "home",
    "girl",
    "boy",
    "world",
    "life",
    "light",
    "dark",
    "gold",
    "river",
    "road",
    "city",
    "sky",
    "angel",
    "devil",
    "baby",
    "forever",
    "never",
    "tonight",
    "again",
    "crazy",
    "sweet",
    "wild",
    "broken",
    "lonely",
    "beautiful",
    "midnight",
    "morning",
    "winter",
    "ocean",
    "storm",
    "ghost",
    "queen",
    "king",
    "soul",
    "rock",
    "blood",
    "hope",
    "rose",
    "thunder",
    "shadow",
    "mirror",
    "electric",
    "paradise",
];

/// How the words of an artist are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    English,
    Accented,
    Cyrillic,
    Greek,
    Hebrew,
    Arabic,
    Devanagari,
    Han,
    Kana,
    Hangul,
}

/// The script of an artist. Most are Latin.
pub(super) fn script(random: &mut Random) -> Script {
    match random.below(100) {
        0..62 => Script::English,
        62..80 => Script::Accented,
        80..86 => Script::Cyrillic,
        86..88 => Script::Greek,
        88..89 => Script::Hebrew,
        89..91 => Script::Arabic,
        91..93 => Script::Devanagari,
        93..96 => Script::Han,
        96..98 => Script::Kana,
        _ => Script::Hangul,
    }
}

/// A name of up to `most` words.
pub(super) fn name(random: &mut Random, script: Script, most: u64) -> String {
    let words = 1 + random.zipf(most * 2).min(most - 1);
    let mut name = String::new();
    for n in 0..words {
        let rank = random.zipf(VOCABULARY);
        if n > 0 && script.has_spaces() {
            name.push(' ');
        }
        name += &word(script, rank);
    }
    if random.percent(2) {
        name += &format!(" {}", 1 + random.below(99));
    }
    name
}

/// Word number `rank` of the language of a script: the same each time.
fn word(script: Script, rank: u64) -> String {
    let common = usize::try_from(rank).ok().and_then(|rank| COMMON.get(rank));
    if let (Script::English, Some(word)) = (script, common) {
        return capital(word);
    }
    let mut random = Random::new(0x5e60e, rank * 16 + script as u64);
    let (first, second) = script.syllables();
    // Rarer words are longer.
    let most = 2 + rank.checked_ilog10().unwrap_or(0) / 2;
    let syllables = 1 + random.below(most.into());
    let mut word: String = (0..=syllables)
        .map(|_| format!("{}{}", random.of(first), if second.is_empty() { "" } else { random.of(second) }))
        .collect();
    if !script.has_spaces() {
        word = word.chars().take(1 + usize::try_from(random.below(3)).unwrap_or(0)).collect();
    }
    capital(&word)
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

impl Script {
    fn has_spaces(self) -> bool {
        !matches!(self, Self::Han | Self::Kana)
    }

    /// Beginnings and ends of syllables.
    fn syllables(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::English => (
                &[
                    "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st",
                    "ch", "sh", "br", "cr", "dr", "gr", "tr", "pl", "th",
                ],
                &[
                    "a", "e", "i", "o", "u", "ay", "ea", "ee", "oo", "ow", "an", "en", "in", "on", "ar",
                    "er", "or", "al", "el", "ing",
                ],
            ),
            Self::Accented => (
                &[
                    "b", "ç", "d", "f", "g", "j", "l", "ł", "m", "n", "ñ", "p", "r", "ř", "s", "š", "ş", "t",
                    "v", "ž", "br", "tr", "ß",
                ],
                &[
                    "á", "é", "í", "ó", "ú", "ä", "ö", "ü", "å", "ø", "æ", "a", "e", "i", "o", "u", "ão",
                    "ên", "ır", "ął",
                ],
            ),
            Self::Cyrillic => (
                &[
                    "б", "в", "г", "д", "ж", "з", "к", "л", "м", "н", "п", "р", "с", "т", "х", "ч", "ш",
                    "ст", "пр",
                ],
                &["а", "е", "ё", "и", "о", "у", "ы", "я", "ой", "ий", "ен", "ов"],
            ),
            Self::Greek => (
                &["β", "γ", "δ", "θ", "κ", "λ", "μ", "ν", "π", "ρ", "σ", "τ", "φ", "χ"],
                &["α", "ε", "η", "ι", "ο", "υ", "ω", "ά", "έ", "ή", "ί", "ό", "ας", "ος"],
            ),
            Self::Hebrew => (
                &[
                    "א", "ב", "ג", "ד", "ה", "ו", "ז", "ח", "ט", "י", "כ", "ל", "מ", "נ", "ס", "ע", "פ", "צ",
                    "ק", "ר", "ש", "ת",
                ],
                &[],
            ),
            Self::Arabic => (
                &["ب", "ت", "ج", "ح", "د", "ر", "س", "ش", "ع", "ف", "ق", "ك", "ل", "م", "ن", "ه"],
                &["ا", "و", "ي", "َ", ""],
            ),
            Self::Devanagari => (
                &["क", "ख", "ग", "च", "ज", "त", "द", "न", "प", "ब", "म", "र", "ल", "स", "ह"],
                &["ा", "ि", "ी", "ु", "े", "ो", ""],
            ),
            Self::Han => (
                &[
                    "月", "日", "心", "爱", "夜", "海", "山", "花", "风", "雨", "雪", "天", "人", "我", "你",
                    "的", "红", "青", "梦", "歌", "星", "光", "时", "间", "路", "城", "春", "秋", "水", "火",
                    "云", "龙", "情", "泪", "笑", "手", "南", "北", "东", "西",
                ],
                &[],
            ),
            Self::Kana => (
                &[
                    "さ", "く", "ら", "の", "ひ", "か", "り", "ゆ", "め", "そ", "ら", "カ", "ナ", "ギ", "タ",
                    "ー", "夢", "空", "夏", "恋", "花", "火", "夜", "君", "僕",
                ],
                &[],
            ),
            Self::Hangul => (
                &[
                    "사", "랑", "봄", "날", "기", "억", "하", "늘", "별", "밤", "비", "눈", "꽃", "너", "나",
                    "우", "리", "꿈", "길", "바", "람",
                ],
                &[],
            ),
        }
    }
}
