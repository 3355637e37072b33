//! Tags and covers out of files that ffmpeg tagged.

use segue_media::{Limits, Unattended, analyse};

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
