//! The first pass: what the file is, how long, how loud.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::decode::Decoder;
use crate::locate::{Container, Located, locate};
use crate::loudness::{Fingerprint, Measured, measure, true_peak};
use crate::pcm::Format;
use crate::{Control, Cover, Error, Limits, Lyrics, Tags, tags};

/// Blocks that may wait for a measuring thread.
const QUEUE: usize = 4;

/// What the first pass found out. Everything the second pass and the manifest need.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// `mp3`, `flac` or `pcm`.
    pub codec: String,
    /// `mp3`, `flac` or `wav`.
    pub container: String,
    /// Whether the codec keeps every bit. Decides whether there is a FLAC rung.
    pub lossless: bool,
    /// Samples per second, 8,000 to 384,000.
    pub sample_rate: u32,
    /// Channels of the file; more than two are mixed down to stereo.
    pub channels: u16,
    /// Bits per sample of the FLAC rung, 8 to 24; 0 for a lossy source. Wider integers and floating point are
    /// rounded to 24 bits, and floating point beyond full scale is clipped.
    pub bits_per_sample: u16,
    /// Samples per channel, counted by decoding all of them.
    pub samples: u64,
    /// Average bit/s of the audio, tags and pictures not counted.
    pub bitrate: u64,
    /// Integrated loudness in LUFS of the (mixed) audio; none for silence or under 0.4 s.
    pub loudness_lufs: Option<f64>,
    /// True peak in dBTP; none for digital silence.
    pub true_peak_db: Option<f64>,
    /// Highest sample in dBFS; none for digital silence.
    pub sample_peak_db: Option<f64>,
    /// Peaks of 1,000 equal stretches (fewer for a song of fewer samples), 255 = full scale.
    pub waveform: Vec<u8>,
    /// Tags.
    pub tags: Tags,
    /// The words, if the tags have them.
    pub lyrics: Option<Lyrics>,
    /// The cover as stored in the file.
    #[serde(skip)]
    pub cover: Option<Cover>,
    /// Hexadecimal MD5 of the (mixed) samples as FLAC defines it; none for a lossy source.
    pub flac_md5: Option<String>,
}

impl Analysis {
    /// Length in milliseconds, rounded.
    pub fn duration_ms(&self) -> u64 {
        let rate = u64::from(self.sample_rate.max(1));
        (self.samples * 1000 + rate / 2) / rate
    }
}

/// Reads the whole file once: counts its samples, measures its loudness, collects tags and cover.
///
/// The file's content decides what it is; its name and position play no part, and its position is not moved.
/// A file that breaks off before the length that its own header promises is [`Error::Damaged`]: an upload cut
/// short must not quietly become a shorter song.
pub fn analyse(file: &File, limits: &Limits, control: &dyn Control) -> Result<Analysis, Error> {
    // The decoders are safe code, but their input is hostile: a panic means a broken file, not a broken process.
    catch_unwind(AssertUnwindSafe(|| analyse_file(file, limits, control)))
        .unwrap_or_else(|_| Err(Error::Damaged("the decoder cannot make sense of it".into())))
}

fn analyse_file(file: &File, limits: &Limits, control: &dyn Control) -> Result<Analysis, Error> {
    let located = &locate(file)?;
    let len = file.metadata()?.len();
    let mut decoder = Decoder::open(file, located, limits)?;
    let format = decoder.format();
    let audio_bytes = located.end - located.start;
    let (samples, measured, fingerprint) = decode_and_measure(&mut decoder, audio_bytes, limits, control)?;
    check_whole(&decoder, located, samples, audio_bytes)?;
    let comparable = decoder.source_channels() <= 2 && (8..=24).contains(&located.stored_bits);
    if comparable && located.md5.is_some() && located.md5 != fingerprint.md5 {
        return Err(Error::Damaged("its sound differs from the checksum inside it; send it again".into()));
    }
    let tags::Told { tags, lyrics, cover } = tags::read(file, len, located, limits);
    let bytes = if located.container == Container::Mp3 { decoder.packet_bytes() } else { audio_bytes };
    Ok(Analysis {
        codec: located.container.codec().into(),
        container: located.container.name().into(),
        lossless: format.bits > 0,
        sample_rate: format.rate,
        channels: decoder.source_channels() as u16,
        bits_per_sample: format.bits as u16,
        samples,
        bitrate: (u128::from(bytes) * 8 * u128::from(format.rate) / u128::from(samples)) as u64,
        loudness_lufs: measured.loudness_lufs,
        true_peak_db: fingerprint.true_peak_db,
        sample_peak_db: measured.sample_peak_db,
        waveform: measured.waveform,
        tags,
        lyrics,
        cover,
        flac_md5: fingerprint.md5.map(hex::encode),
    })
}

/// Decodes here, measures on two more threads.
fn decode_and_measure(
    decoder: &mut Decoder<'_>,
    audio_bytes: u64,
    limits: &Limits,
    control: &dyn Control,
) -> Result<(u64, Measured, Fingerprint), Error> {
    let format: Format = decoder.format();
    let most = limits.max_duration_s.saturating_mul(u64::from(format.rate));
    thread::scope(|scope| {
        let (to_meter, meter_blocks) = sync_channel(QUEUE);
        let (to_peak, peak_blocks) = sync_channel(QUEUE);
        let meter = scope.spawn(move || measure(&meter_blocks, format));
        let peak = scope.spawn(move || true_peak(&peak_blocks, format));
        let mut samples = 0;
        while let Some(block) = decoder.next_block()? {
            if control.cancelled() {
                return Err(Error::Cancelled);
            }
            samples += (block.len() / format.channels) as u64;
            if samples > most {
                return Err(Error::TooLong { max_s: limits.max_duration_s });
            }
            control.progress(decoder.bytes_reached().min(audio_bytes), audio_bytes);
            let block = Arc::new(block);
            // A thread that is gone has failed; joining it tells why.
            if to_meter.send(Arc::clone(&block)).is_err() || to_peak.send(block).is_err() {
                break;
            }
        }
        drop((to_meter, to_peak));
        let measured = meter.join().map_err(|_| Error::Encoder("the loudness meter panicked".into()))??;
        let fingerprint =
            peak.join().map_err(|_| Error::Encoder("the true-peak meter panicked".into()))??;
        Ok((samples, measured, fingerprint))
    })
}

/// Is it audio at all, and all of it?
fn check_whole(
    decoder: &Decoder<'_>,
    located: &Located,
    samples: u64,
    audio_bytes: u64,
) -> Result<(), Error> {
    let (packets, errors) = decoder.packets_and_errors();
    if located.container == Container::Mp3 {
        // Any bytes hold something that looks like an MP3 frame here and there. In music they are nearly all of it.
        if samples == 0 || decoder.packet_bytes() * 2 < audio_bytes || errors > packets {
            return Err(Error::NotAudio("next to nothing in it can be decoded".into()));
        }
    }
    if samples == 0 {
        return Err(Error::Damaged("not a single sample of it can be decoded".into()));
    }
    // Encoders may count a frame of MP3 more or less; two frames less is no rounding.
    let slack = if located.container == Container::Mp3 { 2 * 1152 } else { 0 };
    match decoder.promised() {
        Some(promised) if samples + slack < promised => {
            let rate = f64::from(decoder.format().rate);
            let (has, wants) = (samples as f64 / rate, promised as f64 / rate);
            Err(Error::Damaged(format!("it breaks off after {has:.1} of {wants:.1} seconds; send it again")))
        }
        _ => Ok(()),
    }
}
