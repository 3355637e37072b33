//! Where the words are among the tags: SYLT and USLT frames, and LYRICS, SYNCEDLYRICS and UNSYNCEDLYRICS fields.

use super::{Lines, Lyrics, lrc, plain};
use lofty::id3::v2::{
    Frame, FrameFlags, Id3v2Tag, SyncTextContentType, SynchronizedTextFrame, TimestampFormat,
};
use lofty::ogg::tag::VorbisComments;
use lofty::tag::{ItemKey, Tag, TagType};

/// The field of words with times that has no key of its own in lofty.
const SYNCED: &str = "SYNCEDLYRICS";

/// The words of a song: with times if any tag has them, else the first that there are.
pub(crate) fn find(tags: &[&Tag]) -> Option<Lyrics> {
    let frames = || tags.iter().find_map(|tag| synchronised(tag));
    let texts: Vec<(String, Option<String>)> = tags.iter().flat_map(|tag| texts(tag)).collect();
    let timed = || texts.iter().find_map(|(text, language)| lrc::parse(text, language.clone()));
    let words = || texts.iter().find_map(|(text, language)| plain(text, language.clone()));
    frames().or_else(timed).or_else(words)
}

/// Texts with words, those that are meant to have times first, and their languages.
fn texts(tag: &Tag) -> Vec<(String, Option<String>)> {
    let of_song = tag.get_string(ItemKey::Language).and_then(code);
    let mut texts: Vec<_> = fields(tag).into_iter().map(|text| (text, of_song.clone())).collect();
    for key in [ItemKey::Lyrics, ItemKey::UnsyncLyrics] {
        for item in tag.get_items(key) {
            let own = std::str::from_utf8(item.lang()).ok().and_then(code);
            let text = item.value().text().unwrap_or_default().to_owned();
            texts.push((text, own.or_else(|| of_song.clone())));
        }
    }
    texts
}

/// Fields that lofty keeps aside because it has no key for them.
fn fields(tag: &Tag) -> Vec<String> {
    match tag.tag_type() {
        TagType::VorbisComments => {
            VorbisComments::from(bare(tag)).get_all(SYNCED).map(str::to_owned).collect()
        }
        TagType::Id3v2 => {
            let tag = Id3v2Tag::from(bare(tag));
            [SYNCED, "LYRICS"].iter().filter_map(|name| tag.get_user_text(name)).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The words of an ID3v2 frame with times in milliseconds.
fn synchronised(tag: &Tag) -> Option<Lyrics> {
    if tag.tag_type() != TagType::Id3v2 {
        return None;
    }
    let tag = Id3v2Tag::from(bare(tag));
    let frames = tag.into_iter().filter_map(|frame| match frame {
        Frame::Binary(binary) if frame.id_str() == "SYLT" => {
            SynchronizedTextFrame::parse(&binary.data, FrameFlags::default()).ok()
        }
        _ => None,
    });
    frames.filter(has_words).find_map(|frame| lines(&frame))
}

fn has_words(frame: &SynchronizedTextFrame<'_>) -> bool {
    use SyncTextContentType::{Lyrics, Other, TextTranscription};
    frame.timestamp_format == TimestampFormat::MS
        && matches!(frame.content_type, Lyrics | TextTranscription | Other)
}

/// Each entry is a line; or, when entries have line feeds in them, a part of one, and a line feed begins the next.
fn lines(frame: &SynchronizedTextFrame<'_>) -> Option<Lyrics> {
    let parts = frame.content.iter().skip(1).any(|(_, text)| text.contains('\n'));
    let mut lines = Lines::default();
    let mut open: Option<(u64, String)> = None;
    for (ms, text) in &frame.content {
        let begins =
            !parts || text.starts_with('\n') || open.as_ref().is_none_or(|(_, words)| words.ends_with('\n'));
        match open.as_mut().filter(|_| !begins) {
            Some((_, words)) if words.len() < super::MOST_BYTES => words.push_str(text),
            Some(_) => {}
            None => {
                if let Some((start, words)) = open.replace((u64::from(*ms), text.clone())) {
                    lines.push(start, &words);
                }
            }
        }
    }
    if let Some((start, words)) = open {
        lines.push(start, &words);
    }
    lines.done(true, std::str::from_utf8(&frame.language).ok().and_then(code))
}

/// The tag without its pictures, which are large and not looked at here.
fn bare(tag: &Tag) -> Tag {
    let mut tag = tag.clone();
    while tag.picture_count() > 0 {
        tag.remove_picture(0);
    }
    tag
}

/// A language code of three letters that means one.
fn code(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_lowercase();
    let letters = code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase());
    (letters && !["xxx", "und", "zxx", "mis"].contains(&code.as_str())).then_some(code)
}
