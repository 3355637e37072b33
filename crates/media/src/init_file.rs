//! `init.mp4`: everything a player must know before the first segment.

use crate::Analysis;
use crate::boxes::Boxes;

/// What is special about one codec.
pub(crate) enum Description<'a> {
    Aac {
        /// AudioSpecificConfig.
        config: &'a [u8],
        bitrate: u32,
        /// Samples to drop at the start.
        priming: u64,
        /// Samples to play after them.
        samples: u64,
    },
    Flac {
        /// STREAMINFO block, without header.
        streaminfo: [u8; 34],
        bits: u16,
    },
}

/// Writes the file of one rung.
pub(crate) fn write(description: &Description<'_>, rate: u32, channels: u16, analysis: &Analysis) -> Vec<u8> {
    let mut out = Boxes::default();
    out.plain(b"ftyp", |out| {
        out.raw(b"iso6").u32(0).raw(b"iso6mp41cmfcdash");
    });
    out.plain(b"moov", |out| {
        out.full(b"mvhd", 0, 0, |out| {
            out.zeros(8).u32(rate).u32(0).u32(0x0001_0000).u16(0x0100).zeros(10);
            matrix(out);
            out.zeros(24).u32(2);
        });
        out.plain(b"trak", |out| track(out, description, rate, channels, analysis));
        out.plain(b"mvex", |out| {
            out.full(b"trex", 0, 0, |out| {
                out.u32(1).u32(1).u32(0).u32(0).u32(0);
            });
        });
        if let Description::Aac { priming, samples, .. } = description {
            itunes_gapless(out, *priming, *samples);
        }
    });
    out.into_bytes()
}

fn track(out: &mut Boxes, description: &Description<'_>, rate: u32, channels: u16, analysis: &Analysis) {
    // Enabled, in movie, in preview.
    out.full(b"tkhd", 0, 7, |out| {
        out.zeros(8).u32(1).u32(0).u32(0).zeros(8).u16(0).u16(0).u16(0x0100).u16(0);
        matrix(out);
        out.u32(0).u32(0);
    });
    if let Description::Aac { priming, .. } = description {
        // Duration 0: to the end of what is fragmented (ISO/IEC 14496-12, 8.6.6). Browsers and Apple obey it.
        out.plain(b"edts", |out| {
            out.full(b"elst", 0, 0, |out| {
                out.u32(1).u32(0).u32(*priming as u32).u32(0x0001_0000);
            });
        });
    }
    out.plain(b"mdia", |out| {
        out.full(b"mdhd", 0, 0, |out| {
            // Language "und".
            out.zeros(8).u32(rate).u32(0).u16(0x55c4).u16(0);
        });
        out.full(b"hdlr", 0, 0, |out| {
            out.u32(0).raw(b"soun").zeros(12).raw(b"SoundHandler\0");
        });
        out.plain(b"minf", |out| {
            out.full(b"smhd", 0, 0, |out| {
                out.zeros(4);
            });
            out.plain(b"dinf", |out| {
                out.full(b"dref", 0, 0, |out| {
                    out.u32(1).full(b"url ", 0, 1, |_| {});
                });
            });
            out.plain(b"stbl", |out| {
                out.full(b"stsd", 0, 0, |out| {
                    out.u32(1);
                    sample_entry(out, description, rate, channels);
                });
                for table in [b"stts", b"stsc", b"stco"] {
                    out.full(table, 0, 0, |out| {
                        out.u32(0);
                    });
                }
                out.full(b"stsz", 0, 0, |out| {
                    out.u32(0).u32(0);
                });
            });
        });
    });
    loudness(out, analysis);
}

fn sample_entry(out: &mut Boxes, description: &Description<'_>, rate: u32, channels: u16) {
    let (kind, bits) = match description {
        Description::Aac { .. } => (b"mp4a", 16),
        Description::Flac { bits, .. } => (b"fLaC", *bits),
    };
    // The field holds 16 bits; FLAC in ISO base media asks for the largest regular division that fits.
    let mut entry_rate = rate;
    while entry_rate > u32::from(u16::MAX) {
        entry_rate /= 2;
    }
    out.plain(kind, |out| {
        out.zeros(6).u16(1).zeros(8).u16(channels).u16(bits).zeros(4).u32(entry_rate << 16);
        match description {
            Description::Aac { config, bitrate, .. } => {
                out.full(b"esds", 0, 0, |out| {
                    out.descriptor(3, |out| {
                        out.u16(0).u8(0);
                        out.descriptor(4, |out| {
                            // MPEG-4 audio, audio stream, buffer size unknown.
                            out.u8(0x40).u8(0x15).zeros(3).u32(*bitrate).u32(*bitrate);
                            out.descriptor(5, |out| {
                                out.raw(config);
                            });
                        });
                        out.descriptor(6, |out| {
                            out.u8(2);
                        });
                    });
                });
            }
            Description::Flac { streaminfo, .. } => {
                out.full(b"dfLa", 0, 0, |out| {
                    out.raw(&[0x80, 0, 0, 0x22]).raw(streaminfo);
                });
            }
        }
    });
}

/// `ludt` (ISO/IEC 14496-12, 12.2.7; Apple's HLS authoring rules 2.19 and 2.21), coded as ISO/IEC 23003-4 has it.
fn loudness(out: &mut Boxes, analysis: &Analysis) {
    let (Some(loudness), Some(true_peak)) = (analysis.loudness_lufs, analysis.true_peak_db) else {
        return;
    };
    // 0 would mean "not known".
    let peak = |db: f64| (((20.0 - db) * 32.0).round() as i64).clamp(1, 0xfff) as u32;
    let value = ((loudness + 57.75) * 4.0).round().clamp(0.0, 255.0) as u8;
    out.plain(b"udta", |out| {
        out.plain(b"ludt", |out| {
            out.full(b"tlou", 0, 0, |out| {
                // Reserved 3, downmix 7, DRC set 6: the stream as it is.
                out.u16(0);
                let peaks = peak(analysis.sample_peak_db.unwrap_or(true_peak)) << 12 | peak(true_peak);
                out.raw(&peaks.to_be_bytes()[1..]);
                // True peak by BS.1770, accurate; one measurement: programme loudness by BS.1770, accurate.
                out.u8(0x23).u8(1).u8(1).u8(value).u8(0x23);
            });
        });
    });
}

/// The older way to say what `elst` says; ffmpeg 5 heeds only this one in fragmented files.
fn itunes_gapless(out: &mut Boxes, priming: u64, samples: u64) {
    let mut text = format!(" 00000000 {priming:08X} 00000000 {samples:016X}");
    text.push_str(&" 00000000".repeat(8));
    out.plain(b"udta", |out| {
        out.full(b"meta", 0, 0, |out| {
            out.full(b"hdlr", 0, 0, |out| {
                out.u32(0).raw(b"mdirappl").zeros(9);
            });
            out.plain(b"ilst", |out| {
                out.plain(b"----", |out| {
                    out.full(b"mean", 0, 0, |out| {
                        out.raw(b"com.apple.iTunes");
                    });
                    out.full(b"name", 0, 0, |out| {
                        out.raw(b"iTunSMPB");
                    });
                    out.full(b"data", 0, 1, |out| {
                        out.u32(0).raw(text.as_bytes());
                    });
                });
            });
        });
    });
}

/// The identity matrix.
pub(crate) fn matrix(out: &mut Boxes) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        out.u32(value);
    }
}
