//! How loud a song is, measured on threads of their own while another decodes.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ebur128::{EbuR128, Mode};
use md5::{Digest, Md5};

use crate::Error;
use crate::pcm::{Format, Pcm};
use crate::waveform::Waveform;

/// Integrated loudness, sample peak and waveform.
pub(crate) struct Measured {
    pub(crate) loudness_lufs: Option<f64>,
    pub(crate) sample_peak_db: Option<f64>,
    pub(crate) waveform: Vec<u8>,
}

/// Takes blocks until the sender is gone.
pub(crate) fn measure(blocks: &Receiver<Arc<Pcm>>, format: Format) -> Result<Measured, Error> {
    let mut meter = meter(format, Mode::I | Mode::SAMPLE_PEAK)?;
    let mut waveform = Waveform::new(format.channels);
    let mut samples = Vec::new();
    for block in blocks {
        block.to_f32(format, &mut samples);
        meter.add_frames_f32(&samples).map_err(refused)?;
        waveform.add(&samples);
    }
    let loudness = meter.loudness_global().map_err(refused)?;
    let peak = highest(format, |channel| meter.sample_peak(channel))?;
    Ok(Measured {
        loudness_lufs: loudness.is_finite().then_some(hundredths(loudness)),
        sample_peak_db: decibels(peak),
        waveform: waveform.finish(),
    })
}

/// True peak, and the MD5 that FLAC wants.
pub(crate) struct Fingerprint {
    pub(crate) true_peak_db: Option<f64>,
    pub(crate) md5: Option<[u8; 16]>,
}

/// Takes blocks until the sender is gone. Apart from [`measure`], since interpolating for the true peak costs as
/// much as all the rest.
pub(crate) fn true_peak(blocks: &Receiver<Arc<Pcm>>, format: Format) -> Result<Fingerprint, Error> {
    let mut meter = meter(format, Mode::TRUE_PEAK)?;
    let mut md5 = Md5::new();
    let mut samples = Vec::new();
    let mut bytes = Vec::new();
    for block in blocks {
        block.to_f32(format, &mut samples);
        meter.add_frames_f32(&samples).map_err(refused)?;
        if let Pcm::Int(samples) = block.as_ref() {
            flac_bytes(samples, format.bits, &mut bytes);
            md5.update(&bytes);
        }
    }
    Ok(Fingerprint {
        true_peak_db: decibels(highest(format, |channel| meter.true_peak(channel))?),
        md5: (format.bits > 0).then(|| md5.finalize().into()),
    })
}

/// Little-endian samples in whole bytes, as FLAC's MD5 is taken over (RFC 9639, section 8.2).
fn flac_bytes(samples: &[i32], bits: u32, bytes: &mut Vec<u8>) {
    bytes.clear();
    match bits.div_ceil(8) {
        1 => bytes.extend(samples.iter().map(|sample| *sample as u8)),
        2 => bytes.extend(samples.iter().flat_map(|sample| (*sample as i16).to_le_bytes())),
        _ => bytes.extend(samples.iter().flat_map(|sample| {
            let [low, middle, high, _] = sample.to_le_bytes();
            [low, middle, high]
        })),
    }
}

fn meter(format: Format, mode: Mode) -> Result<EbuR128, Error> {
    EbuR128::new(format.channels as u32, format.rate, mode).map_err(refused)
}

fn highest(format: Format, peak: impl Fn(u32) -> Result<f64, ebur128::Error>) -> Result<f64, Error> {
    (0..format.channels as u32)
        .try_fold(0.0f64, |most, channel| Ok(most.max(peak(channel).map_err(refused)?)))
}

fn decibels(peak: f64) -> Option<f64> {
    (peak > 0.0).then(|| hundredths(20.0 * peak.log10()))
}

/// Two decimals: more would claim a precision that the measure does not have.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn refused(error: ebur128::Error) -> Error {
    Error::Encoder(format!("loudness meter: {error}"))
}
