//! LRC: lines that begin with the time at which they are sung.
//!
//! `[mm:ss.xx]words`, several stamps before one line, `[offset:±ms]` for all of them (positive: earlier), other `[key:value]`
//! lines about the song, and `<mm:ss.xx>` stamps of single words.

use super::{Lines, Lyrics, bounded, split};

/// The lyrics in a text of this form; `None` when no line of it has a time.
pub(super) fn parse(text: &str, language: Option<String>) -> Option<Lyrics> {
    let text = bounded(text.trim_start_matches('\u{feff}'));
    let offset = split(text).find_map(offset).unwrap_or(0);
    let mut lines = Lines::default();
    let (mut timed, mut last) = (false, 0);
    for line in split(text) {
        let (stamps, words) = stamps(line.trim_start());
        let words = without_word_stamps(words);
        if stamps.is_empty() {
            // What has no time of its own belongs to what came before.
            if !about(line) && !words.trim().is_empty() {
                lines.push(last, &words);
            }
            continue;
        }
        timed = true;
        for stamp in stamps {
            last = stamp.saturating_add_signed(offset.saturating_neg());
            lines.push(last, &words);
        }
    }
    if timed { lines.done(true, language) } else { None }
}

/// The stamps at the beginning of a line, in milliseconds, and what follows them.
fn stamps(mut line: &str) -> (Vec<u64>, &str) {
    let mut stamps = Vec::new();
    while let Some(rest) = line.strip_prefix('[') {
        let Some((inside, rest)) = rest.split_once(']') else { break };
        let Some(ms) = time(inside) else { break };
        stamps.push(ms);
        line = rest.trim_start();
    }
    (stamps, line)
}

/// `m:ss`, `mm:ss.x`, `mm:ss.xx`, `mm:ss:xx` or `mm:ss.xxx`, in milliseconds.
fn time(text: &str) -> Option<u64> {
    let (minutes, rest) = text.trim().split_once(':')?;
    let (seconds, fraction) = rest.split_once(['.', ':', ',']).unwrap_or((rest, "0"));
    let number = |text: &str, digits: usize| {
        let plain = (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if plain { text.parse::<u64>().ok() } else { None }
    };
    let (minutes, seconds) = (number(minutes, 4)?, number(seconds, 2).filter(|s| *s < 60)?);
    let scale = [0, 100, 10, 1].get(fraction.len())?;
    Some((minutes * 60 + seconds) * 1000 + number(fraction, 3)? * scale)
}

/// The milliseconds by which an `[offset:…]` line moves everything.
fn offset(line: &str) -> Option<i64> {
    let (key, value) = line.trim().strip_prefix('[')?.split_once(']')?.0.split_once(':')?;
    let value = value.trim();
    let day = super::LATEST_MS as i64;
    let ms = value.strip_prefix('+').unwrap_or(value).parse::<i64>().ok()?;
    key.trim().eq_ignore_ascii_case("offset").then_some(ms.clamp(-day, day))
}

/// True for `[key:value]`, which says something about the song.
fn about(line: &str) -> bool {
    let inside = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let key = inside.and_then(|inside| inside.split_once(':')).map(|(key, _)| key.trim());
    key.is_some_and(|key| {
        !key.is_empty() && key.len() <= 20 && key.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

fn without_word_stamps(words: &str) -> String {
    let mut kept = String::with_capacity(words.len());
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match after.split_once('>') {
            Some((inside, behind)) if time(inside).is_some() => rest = behind,
            _ => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, String)> {
        let lyrics = parse(text, None).expect("it has times");
        lyrics.lines.into_iter().map(|line| (line.start_ms, line.text)).collect()
    }

    #[test]
    fn stamps_of_every_form_are_read() {
        let text = "\u{feff}[ar:Somebody]\n[00:01]a\n[0:02.5]b\n[00:03.25]c\n[00:04:50] d\n[01:00.125]e\n[00:05.00]\n";
        let want = [(1000, "a"), (2500, "b"), (3250, "c"), (4500, "d"), (5000, ""), (60_125, "e")];
        assert_eq!(lines(text), want.map(|(ms, text)| (ms, text.to_owned())));
    }

    #[test]
    fn a_line_may_have_several_stamps_and_words_stamps_of_their_own() {
        let text = "[00:10.00][00:01.00]la <00:01.20>la <x> 1<2\n[00:05.00]<00:05.00>mid\nmore\n";
        let want = [(1000, "la la <x> 1<2"), (5000, "mid"), (5000, "more"), (10_000, "la la <x> 1<2")];
        assert_eq!(lines(text), want.map(|(ms, text)| (ms, text.to_owned())));
    }

    #[test]
    fn an_offset_moves_everything_and_nothing_before_the_start() {
        assert_eq!(lines("[offset:+500]\n[00:01.00]a\n[00:00.10]b"), [(0, "b".into()), (500, "a".into())]);
        assert_eq!(lines("[00:01.00]a\n[Offset: -500 ]"), [(1500, "a".into())]);
        assert_eq!(lines("[offset:9223372036854775807]\n[00:01.00]a"), [(0, "a".into())]);
    }

    #[test]
    fn what_only_looks_like_it_is_not_read_as_it() {
        for text in
            ["", "words", "[chorus]\nla", "[99]x", "[00:60.00]x", "[a:b]", "[00:01.0000]x", "[-1:00]x"]
        {
            assert_eq!(parse(text, None), None, "{text:?}");
        }
    }

    #[test]
    fn many_stamps_before_a_long_line_make_no_more_than_the_bounds() {
        let text = format!("{}{}", "[00:01.00]".repeat(3000), "x".repeat(30_000));
        let total: usize = lines(&text).iter().map(|(_, text)| text.len()).sum();
        assert!(total <= 64 << 10);
    }
}
