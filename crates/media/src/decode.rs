//! Bytes to blocks of PCM, by symphonia.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::locate::{Container, Located};
use crate::mixdown::Mixdown;
use crate::pcm::{Format, Pcm, round_int};
use crate::region::Region;
use crate::{Error, Limits};

/// Frames per block, more or less. Large enough that passing a block between threads costs nothing, and short
/// enough for a prompt answer to a cancellation.
const BLOCK_FRAMES: usize = 8192;

/// Undecodable packets in a row after which the rest of the file is given up.
const MOST_ERRORS_IN_A_ROW: u32 = 2000;

/// Decodes one file from start to end.
pub(crate) struct Decoder<'f> {
    reader: Box<dyn FormatReader + 'f>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    container: Container,
    format: Format,
    source_channels: usize,
    mixdown: Option<Mixdown>,
    promised: Option<u64>,
    reached: Arc<AtomicU64>,
    scratch: Scratch,
    packets: u64,
    packet_bytes: u64,
    errors: u64,
}

#[derive(Default)]
struct Scratch {
    ints: Vec<i32>,
    floats: Vec<f64>,
}

impl<'f> Decoder<'f> {
    pub(crate) fn open(file: &'f File, located: &Located, limits: &Limits) -> Result<Self, Error> {
        let region = Region::new(file, located.head.clone(), located.start, located.end);
        let reached = region.reached();
        let stream = MediaSourceStream::new(Box::new(region), Default::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| refused(located.container, error))?;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| Error::NotAudio("it has no sound track".into()))?
            .clone();
        let params =
            track.codec_params.as_ref().and_then(|params| params.audio()).cloned().unwrap_or_default();
        if located.container == Container::Mp3 && params.codec != CODEC_ID_MP3 {
            return Err(Error::Unsupported("MPEG audio other than layer 3; send MP3, FLAC or WAV".into()));
        }
        let rate = params.sample_rate.unwrap_or(0);
        if !(8_000..=384_000).contains(&rate) {
            return Err(Error::Unsupported(format!("a sample rate of {rate} Hz; 8,000 to 384,000 are read")));
        }
        let source_channels = params.channels.as_ref().map_or(0, |channels| channels.count());
        if source_channels == 0 || source_channels > usize::from(limits.max_channels.min(8)) {
            return Err(Error::Unsupported(format!(
                "{source_channels} channels; 1 to {} are read",
                limits.max_channels
            )));
        }
        // Trimming is right only where a LAME header says how much. Without one symphonia trims to its own
        // estimate of the length, and loses sound.
        let gapless = track.delay.is_some() || track.padding.is_some();
        let options = AudioDecoderOptions::default().gapless(gapless);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&params, &options)
            .map_err(|error| refused(located.container, error))?;
        let promised = match located.container {
            Container::Mp3 => located.promised.map(|samples| {
                let trimmed = u64::from(track.delay.unwrap_or(0)) + u64::from(track.padding.unwrap_or(0));
                samples.saturating_sub(trimmed)
            }),
            Container::Flac | Container::Wav => located.promised,
        };
        Ok(Self {
            reader,
            decoder,
            track: track.id,
            container: located.container,
            format: Format {
                rate,
                channels: source_channels.min(2),
                bits: match located.container {
                    Container::Mp3 => 0,
                    Container::Flac | Container::Wav => located.stored_bits.clamp(8, 24),
                },
            },
            source_channels,
            mixdown: (source_channels > 2).then(|| Mixdown::new(&located.positions)),
            promised,
            reached,
            scratch: Scratch::default(),
            packets: 0,
            packet_bytes: 0,
            errors: 0,
        })
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Channels of the file, before mixing down.
    pub(crate) fn source_channels(&self) -> usize {
        self.source_channels
    }

    /// Samples per channel that the file's header promises.
    pub(crate) fn promised(&self) -> Option<u64> {
        self.promised
    }

    /// Bytes of the audio region read so far.
    pub(crate) fn bytes_reached(&self) -> u64 {
        self.reached.load(Ordering::Relaxed)
    }

    /// Bytes of the packets that could be decoded.
    pub(crate) fn packet_bytes(&self) -> u64 {
        self.packet_bytes
    }

    /// Packets that could be decoded, and packets that could not.
    pub(crate) fn packets_and_errors(&self) -> (u64, u64) {
        (self.packets, self.errors)
    }

    /// The next block; none at the end. Never an empty block.
    pub(crate) fn next_block(&mut self) -> Result<Option<Pcm>, Error> {
        let enough = BLOCK_FRAMES * self.format.channels;
        let mut block = self.format.block(BLOCK_FRAMES + 4608);
        let mut errors_in_a_row = 0;
        while block.len() < enough && errors_in_a_row < MOST_ERRORS_IN_A_ROW {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) | Err(SymphoniaError::ResetRequired) => break,
                Err(SymphoniaError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(SymphoniaError::IoError(error)) => return Err(Error::Io(error)),
                Err(_) => {
                    errors_in_a_row += 1;
                    self.errors += 1;
                    continue;
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(decoded) => {
                    errors_in_a_row = 0;
                    self.packets += 1;
                    self.packet_bytes += packet.data.len() as u64;
                    check_rate(&decoded, self.format)?;
                    match &mut block {
                        Pcm::Int(out) => {
                            append_int(&decoded, self.format, self.mixdown.as_ref(), &mut self.scratch, out)?;
                        }
                        Pcm::Float(out) => append_float(&decoded, self.format.channels, out),
                    }
                }
                Err(SymphoniaError::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    return Err(Error::Io(error));
                }
                Err(_) => {
                    errors_in_a_row += 1;
                    self.errors += 1;
                }
            }
        }
        if self.errors > 0 && self.container == Container::Flac {
            return Err(Error::Damaged("part of it cannot be decoded; send it again".into()));
        }
        Ok((block.len() > 0).then_some(block))
    }
}

fn check_rate(decoded: &GenericAudioBufferRef<'_>, format: Format) -> Result<(), Error> {
    if decoded.frames() > 0 && decoded.spec().rate() != format.rate {
        return Err(Error::Unsupported("its sample rate changes in the middle".into()));
    }
    Ok(())
}

/// Adds the samples of a lossless packet. symphonia hands integers out left-aligned in 32 bits.
fn append_int(
    decoded: &GenericAudioBufferRef<'_>,
    format: Format,
    mixdown: Option<&Mixdown>,
    scratch: &mut Scratch,
    out: &mut Vec<i32>,
) -> Result<(), Error> {
    let channels = decoded.num_planes();
    let mixes = mixdown.is_some();
    if decoded.frames() == 0 {
        return Ok(());
    }
    if channels != format.channels && !mixes {
        return Err(Error::Unsupported("its channel count changes in the middle".into()));
    }
    let float = matches!(decoded, GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_));
    if !float && !mixes {
        decoded.copy_to_vec_interleaved(&mut scratch.ints);
        let drop = 32 - format.bits;
        // Only 32-bit sources have bits below; they are rounded, the others are shifted without loss.
        let half = 1i64 << (drop - 1);
        let most = (1i64 << (format.bits - 1)) - 1;
        let wide = matches!(decoded, GenericAudioBufferRef::S32(_) | GenericAudioBufferRef::U32(_))
            && format.bits == 24;
        if wide {
            out.extend(
                scratch.ints.iter().map(|sample| ((i64::from(*sample) + half) >> drop).min(most) as i32),
            );
        } else {
            out.extend(scratch.ints.iter().map(|sample| sample >> drop));
        }
        return Ok(());
    }
    decoded.copy_to_vec_interleaved(&mut scratch.floats);
    let finite = |sample: &f64| if sample.is_finite() { *sample } else { 0.0 };
    match mixdown {
        None => out.extend(scratch.floats.iter().map(|sample| round_int(*sample, format.bits))),
        Some(mixdown) => {
            for frame in scratch.floats.chunks_exact(channels) {
                out.extend(
                    mixdown.frame(frame.iter().map(finite)).map(|sample| round_int(sample, format.bits)),
                );
            }
        }
    }
    Ok(())
}

/// Adds the samples of a lossy packet. MP3 may change between mono and stereo from frame to frame.
fn append_float(decoded: &GenericAudioBufferRef<'_>, channels: usize, out: &mut Vec<f32>) {
    let mut samples: Vec<f32> = Vec::new();
    decoded.copy_to_vec_interleaved(&mut samples);
    samples.iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = 0.0);
    match (decoded.num_planes(), channels) {
        (1, 2) => out.extend(samples.iter().flat_map(|sample| [*sample, *sample])),
        (2, 1) => out.extend(samples.chunks_exact(2).map(|frame| (frame[0] + frame[1]) / 2.0)),
        _ => out.extend_from_slice(&samples),
    }
}

fn refused(container: Container, error: SymphoniaError) -> Error {
    match (container, error) {
        (_, SymphoniaError::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Error::Io(error)
        }
        (Container::Mp3, SymphoniaError::Unsupported(_) | SymphoniaError::IoError(_)) => Error::NotAudio(
            "its bytes are those of no audio format that is read; MP3, FLAC and WAV are".into(),
        ),
        (_, SymphoniaError::Unsupported(what)) => Error::Unsupported(what.into()),
        (container, _) => {
            Error::Damaged(format!("its {} header cannot be read", container.name().to_uppercase()))
        }
    }
}
