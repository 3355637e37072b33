//! What a file says about itself, as MP4 and as FLAC have it.

use crate::boxes::Boxes;

/// ReplayGain 2.0's reference, LUFS.
const REFERENCE: f64 = -18.0;

/// Tags of a single file. Empty texts and zeros are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SingleTags {
    /// Title.
    pub title: String,
    /// Artists, in order.
    pub artists: Vec<String>,
    /// Album.
    pub album: String,
    /// The album's artist.
    pub album_artist: String,
    /// Genre.
    pub genre: String,
    /// Year.
    pub year: u32,
    /// Number on the disc.
    pub track: u32,
    /// Number of the disc.
    pub disc: u32,
    /// International Standard Recording Code.
    pub isrc: String,
    /// MusicBrainz recording id.
    pub musicbrainz_id: String,
    /// Words, a line each; with times as in an LRC file where they have them.
    pub lyrics: String,
    /// Integrated loudness, LUFS.
    pub loudness_lufs: Option<f64>,
    /// True peak, dBTP.
    pub true_peak_db: Option<f64>,
    /// Integrated loudness of the album, LUFS.
    pub album_loudness_lufs: Option<f64>,
    /// True peak of the album, dBTP.
    pub album_true_peak_db: Option<f64>,
    /// The cover, a JPEG.
    pub cover: Option<Vec<u8>>,
}

impl SingleTags {
    /// ReplayGain 2.0, which players of files obey: name and value of each tag.
    fn gains(&self) -> Vec<(&'static str, String)> {
        let gain =
            |name, loudness: Option<f64>| loudness.map(|lufs| (name, format!("{:.2} dB", REFERENCE - lufs)));
        let peak = |name, db: Option<f64>| db.map(|db| (name, format!("{:.6}", 10f64.powf(db / 20.0))));
        let all = [
            gain("REPLAYGAIN_TRACK_GAIN", self.loudness_lufs),
            peak("REPLAYGAIN_TRACK_PEAK", self.true_peak_db),
            gain("REPLAYGAIN_ALBUM_GAIN", self.album_loudness_lufs),
            peak("REPLAYGAIN_ALBUM_PEAK", self.album_true_peak_db),
        ];
        all.into_iter().flatten().collect()
    }

    /// The fields of a Vorbis comment (RFC 9639, section 8.6).
    pub(super) fn vorbis(&self) -> Vec<u8> {
        let number = |number: u32| if number == 0 { String::new() } else { number.to_string() };
        let mut fields = vec![("TITLE", self.title.clone())];
        fields.extend(self.artists.iter().map(|artist| ("ARTIST", artist.clone())));
        fields.extend([
            ("ALBUM", self.album.clone()),
            ("ALBUMARTIST", self.album_artist.clone()),
            ("GENRE", self.genre.clone()),
            ("DATE", number(self.year)),
            ("TRACKNUMBER", number(self.track)),
            ("DISCNUMBER", number(self.disc)),
            ("ISRC", self.isrc.clone()),
            ("MUSICBRAINZ_TRACKID", self.musicbrainz_id.clone()),
            ("LYRICS", self.lyrics.clone()),
        ]);
        fields.extend(self.gains());
        fields.retain(|(_, value)| !value.is_empty());
        let mut out = Vec::new();
        let mut text = |text: &str| {
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        };
        text("Segue");
        let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut body = (lines.len() as u32).to_le_bytes().to_vec();
        for line in &lines {
            body.extend((line.len() as u32).to_le_bytes());
            body.extend(line.as_bytes());
        }
        out.extend(body);
        out
    }

    /// The `meta` box of iTunes; `gapless` is the value of `iTunSMPB`.
    pub(super) fn itunes(&self, gapless: &str, out: &mut Boxes) {
        out.full(b"meta", 0, 0, |out| {
            out.full(b"hdlr", 0, 0, |out| {
                out.u32(0).raw(b"mdirappl").zeros(9);
            });
            out.plain(b"ilst", |out| {
                text(out, b"\xa9nam", &self.title);
                // Most players read one value here; the names one by one follow below.
                text(out, b"\xa9ART", &self.artists.join(", "));
                text(out, b"aART", &self.album_artist);
                text(out, b"\xa9alb", &self.album);
                text(out, b"\xa9gen", &self.genre);
                text(out, b"\xa9lyr", &self.lyrics);
                if self.year > 0 {
                    text(out, b"\xa9day", &self.year.to_string());
                }
                for (kind, number, end) in [(b"trkn", self.track, 4), (b"disk", self.disc, 2)] {
                    if let Ok(number) = u16::try_from(number)
                        && number > 0
                    {
                        out.plain(kind, |out| {
                            data(out, 0, |out| {
                                out.u16(0).u16(number).zeros(end);
                            })
                        });
                    }
                }
                if let Some(cover) = &self.cover {
                    out.plain(b"covr", |out| {
                        data(out, 13, |out| {
                            out.raw(cover);
                        })
                    });
                }
                freeform(out, "iTunSMPB", &[gapless]);
                if self.artists.len() > 1 {
                    freeform(out, "ARTISTS", &self.artists.iter().map(String::as_str).collect::<Vec<_>>());
                }
                for (name, value) in [("ISRC", &self.isrc), ("MusicBrainz Track Id", &self.musicbrainz_id)] {
                    if !value.is_empty() {
                        freeform(out, name, &[value]);
                    }
                }
                for (name, value) in self.gains() {
                    freeform(out, &name.to_ascii_lowercase(), &[&value]);
                }
            });
        });
    }
}

/// A `data` box of a well-known type: 0 binary, 1 UTF-8, 13 JPEG.
fn data(out: &mut Boxes, kind: u32, body: impl FnOnce(&mut Boxes)) {
    out.full(b"data", 0, kind, |out| {
        out.u32(0);
        body(out);
    });
}

fn text(out: &mut Boxes, kind: &[u8; 4], value: &str) {
    if !value.is_empty() {
        out.plain(kind, |out| {
            data(out, 1, |out| {
                out.raw(value.as_bytes());
            })
        });
    }
}

fn freeform(out: &mut Boxes, name: &str, values: &[&str]) {
    out.plain(b"----", |out| {
        out.full(b"mean", 0, 0, |out| {
            out.raw(b"com.apple.iTunes");
        });
        out.full(b"name", 0, 0, |out| {
            out.raw(name.as_bytes());
        });
        for value in values {
            data(out, 1, |out| {
                out.raw(value.as_bytes());
            });
        }
    });
}
