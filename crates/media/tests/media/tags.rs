//! Tags and covers out of files that ffmpeg tagged.

use lofty::TextEncoding;
use lofty::config::{ParseOptions, WriteOptions};
use lofty::file::{AudioFile, TaggedFileExt};
use lofty::flac::FlacFile;
use lofty::id3::v2::{
    BinaryFrame, ExtendedTextFrame, Frame, FrameId, Id3v2Tag, SyncTextContentType, SynchronizedTextFrame,
    TimestampFormat, UniqueFileIdentifierFrame,
};
use lofty::probe::Probe;
use lofty::tag::{ItemKey, ItemValue, Tag, TagItem};
use segue_media::{Limits, Lyrics, Tags, Unattended, analyse};

use crate::judge;
use crate::song::{bytes, encode_bytes, encode_file, samples, wav};

fn tagged(extension: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("a.wav"), wav(1, 44_100, 1, 16, &bytes(&samples(44_100, 1, 16, 44_100), 16)))
        .expect("written");
    judge::run(&[
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "color=red:s=900x600",
        "-frames:v",
        "1",
        &path("c.png"),
    ]);
    let out = path(&format!("b.{extension}"));
    let mut arguments = vec!["-v", "error", "-i"];
    let (wave, cover) = (path("a.wav"), path("c.png"));
    arguments.push(&wave);
    if extension != "wav" {
        arguments.extend([
            "-i",
            &cover,
            "-map",
            "0:a",
            "-map",
            "1:v",
            "-c:v",
            "copy",
            "-disposition:v",
            "attached_pic",
        ]);
    }
    for tag in ["title=Ein Lied", "artist=Zoë", "album=Alles", "genre=Jazz", "date=1999-05-01", "track=3/12"]
    {
        arguments.extend(["-metadata", tag]);
    }
    arguments.push(&out);
    judge::run(&arguments);
    let out = out.into();
    (folder, out)
}

#[test]
fn are_read_from_every_kind_of_file() {
    for extension in ["mp3", "flac", "wav"] {
        let (_folder, path) = tagged(extension);
        let run = encode_file(&path).expect("it is a song");
        let tags = &run.manifest.tags;
        assert_eq!(tags.title.as_deref(), Some("Ein Lied"), "{extension}");
        assert_eq!(tags.artists, ["Zoë"], "{extension}");
        assert_eq!(
            (tags.album.as_deref(), tags.genre.as_deref()),
            (Some("Alles"), Some("Jazz")),
            "{extension}"
        );
        assert_eq!((tags.year, tags.track), (Some(1999), Some(3)), "{extension}");
        let shapes: Vec<_> =
            run.manifest.covers.iter().map(|cover| (cover.px, cover.width, cover.height)).collect();
        if extension == "wav" {
            assert!(shapes.is_empty());
            continue;
        }
        assert_eq!(shapes, [(96, 96, 64), (320, 320, 213), (640, 640, 427)], "{extension}");
        let jpeg = std::fs::read(run.path("cover-320.jpg")).expect("the cover was put");
        assert!(jpeg.starts_with(&[0xff, 0xd8, 0xff]));
    }
}

#[test]
fn a_broken_cover_costs_the_cover_and_not_the_song() {
    let (_folder, path) = tagged("flac");
    let mut flac = std::fs::read(path).expect("it is there");
    let png = flac.windows(8).position(|bytes| bytes == b"\x89PNG\r\n\x1a\n").expect("the cover is inside");
    flac[png + 10..png + 60].fill(0xaa);
    let run = encode_bytes(&flac).expect("it is a song");
    assert!(run.manifest.covers.is_empty());
    assert_eq!(run.manifest.tags.title.as_deref(), Some("Ein Lied"));
}

#[test]
fn a_cover_beyond_the_limits_is_left_out() {
    let (_folder, path) = tagged("mp3");
    let file = std::fs::File::open(path).expect("it is there");
    let cover = |limits: Limits| analyse(&file, &limits, &Unattended).expect("it is a song").cover;
    assert_eq!(cover(Limits::default()).and_then(|cover| cover.mime).as_deref(), Some("image/png"));
    assert_eq!(cover(Limits { cover_max_pixels: 900 * 600 - 1, ..Limits::default() }), None);
    assert_eq!(cover(Limits { cover_max_bytes: 100, ..Limits::default() }), None);
    assert_eq!(cover(Limits { tags_max_bytes: 100, ..Limits::default() }), None);
}

/// What is read of a file whose tag was changed like this.
fn retagged(extension: &str, change: impl FnOnce(&mut Tag)) -> (Tags, Option<Lyrics>) {
    let (_folder, path) = tagged(extension);
    let mut file = Probe::open(&path).expect("it is there").read().expect("lofty reads it");
    change(file.primary_tag_mut().expect("ffmpeg wrote a tag"));
    file.save_to_path(&path, WriteOptions::default()).expect("lofty writes it");
    read(&path)
}

fn read(path: &std::path::Path) -> (Tags, Option<Lyrics>) {
    let file = std::fs::File::open(path).expect("it is there");
    let analysis = analyse(&file, &Limits::default(), &Unattended).expect("it is a song");
    (analysis.tags, analysis.lyrics)
}

/// What is read of an MP3 with these frames more.
fn with_frames(frames: Vec<Frame<'static>>) -> (Tags, Option<Lyrics>) {
    retagged("mp3", |tag| {
        let mut id3 = Id3v2Tag::from(tag.clone());
        for frame in frames {
            id3.insert(frame);
        }
        *tag = id3.into();
    })
}

/// What is read of a FLAC with these fields more.
fn with_fields(fields: &[(&str, &str)]) -> (Tags, Option<Lyrics>) {
    let (_folder, path) = tagged("flac");
    let mut source = std::fs::File::open(&path).expect("it is there");
    let mut file = FlacFile::read_from(&mut source, ParseOptions::new()).expect("lofty reads it");
    let comments = file.vorbis_comments_mut().expect("ffmpeg wrote a tag");
    for (key, value) in fields {
        comments.push((*key).to_owned(), (*value).to_owned());
    }
    file.save_to_path(&path, WriteOptions::default()).expect("lofty writes it");
    read(&path)
}

fn lines(lyrics: &Option<Lyrics>) -> Vec<(u64, &str)> {
    lyrics.iter().flat_map(|l| &l.lines).map(|line| (line.start_ms, line.text.as_str())).collect()
}

const MBID: &str = "b1a9c0e9-d987-4042-ae91-78d6a3267d69";

#[test]
fn recording_ids_and_several_artists_are_read_as_the_format_separates_them() {
    for extension in ["mp3", "flac"] {
        let (tags, _) = retagged(extension, |tag| {
            tag.insert_text(ItemKey::Isrc, "us-rc1-76-07839".into());
            tag.insert_text(ItemKey::TrackArtist, "A feat. B/C".into());
            tag.push(TagItem::new(ItemKey::TrackArtist, ItemValue::Text("D; E".into())));
        });
        assert_eq!(tags.artists, ["A feat. B/C", "D; E"], "{extension}");
        assert_eq!(tags.isrc.as_deref(), Some("USRC17607839"), "{extension}");
    }
    let (url, id) = ("http://musicbrainz.org", MBID.to_ascii_uppercase().into_bytes());
    let (tags, _) = with_frames(vec![Frame::UniqueFileIdentifier(UniqueFileIdentifierFrame::new(url, id))]);
    assert_eq!(tags.musicbrainz_id.as_deref(), Some(MBID));
    let (tags, _) = with_fields(&[("MUSICBRAINZ_TRACKID", MBID), ("ARTIST", "Ada")]);
    assert_eq!((tags.musicbrainz_id.as_deref(), tags.artists.len()), (Some(MBID), 2));
    assert_eq!(with_fields(&[("MUSICBRAINZ_TRACKID", "not an id")]).0.musicbrainz_id, None);
}

#[test]
fn words_are_read_with_times_when_any_tag_has_them() {
    for extension in ["mp3", "flac"] {
        let (_, none) = retagged(extension, |_| ());
        assert_eq!(none, None);
        let (_, lyrics) = retagged(extension, |tag| {
            tag.insert_text(ItemKey::UnsyncLyrics, "la\r\n\r\nli\u{7}".into());
        });
        assert_eq!(lines(&lyrics), [(0, "la"), (0, ""), (0, "li")], "{extension}");
        assert!(!lyrics.expect("words").synced);
    }
    let (_, lyrics) = with_fields(&[
        ("UNSYNCEDLYRICS", "plain"),
        ("SYNCEDLYRICS", "[00:02.00]zwei\n[00:01.00]eins"),
        ("LANGUAGE", "DEU"),
    ]);
    assert_eq!(lines(&lyrics), [(1000, "eins"), (2000, "zwei")]);
    assert_eq!(lyrics.expect("words").language.as_deref(), Some("deu"));
    let (_, lyrics) = with_fields(&[("LYRICS", "[00:01.50]timed"), ("UNSYNCEDLYRICS", "plain")]);
    assert_eq!(lines(&lyrics), [(1500, "timed")]);
}

#[test]
fn id3_frames_with_times_are_read() {
    let frame = |content: &[(u32, &str)]| {
        let content = content.iter().map(|(ms, text)| (*ms, (*text).to_owned())).collect();
        let (format, kind) = (TimestampFormat::MS, SyncTextContentType::Lyrics);
        let frame = SynchronizedTextFrame::new(TextEncoding::UTF16, *b"eng", format, kind, None, content);
        frame.as_bytes(WriteOptions::default()).expect("it is one")
    };
    let sylt = |bytes: Vec<u8>| {
        let id = FrameId::new("SYLT").expect("an id");
        Frame::Binary(BinaryFrame::new(id, bytes))
    };
    let whole = [(500, "one"), (1500, "two")];
    let parts = [(500, "o"), (700, "ne"), (1500, "\nt"), (1600, "wo")];
    for content in [&whole[..], &parts[..]] {
        let (_, lyrics) = with_frames(vec![sylt(frame(content))]);
        assert_eq!(lines(&lyrics), whole.map(|(ms, text)| (u64::from(ms), text)));
        assert_eq!(lyrics.expect("words").language.as_deref(), Some("eng"));
    }
    let text =
        ExtendedTextFrame::new(TextEncoding::UTF8, "SYNCEDLYRICS".to_owned(), "[00:03.00]x".to_owned());
    let broken = sylt(b"\x01eng\x02\x01\xff\xfe".to_vec());
    let (_, lyrics) = with_frames(vec![broken, Frame::UserText(text)]);
    assert_eq!(lines(&lyrics), [(3000, "x")]);
}

#[test]
fn a_manifest_from_before_lyrics_is_still_read() {
    let (_folder, path) = tagged("flac");
    let run = encode_file(&path).expect("it is a song");
    let json = std::fs::read(run.path("manifest.json")).expect("the manifest was put");
    let mut json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json.get("lyrics"), None, "nothing is written of what is not there");
    json["tags"].as_object_mut().expect("tags").remove("musicbrainz_id");
    let manifest: segue_media::Manifest = serde_json::from_value(json).expect("it is read");
    assert_eq!((manifest.lyrics, manifest.tags), (None, run.manifest.tags));
}
