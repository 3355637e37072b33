//! The second pass: every rung at once, segments handed out as they are made.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::decode::Decoder;
use crate::locate::locate;
use crate::manifest::{CoverObject, MANIFEST_VERSION, ManifestRung, Segment, Source};
use crate::output::{COVER_TYPE, MANIFEST_TYPE, MadeRung, Output, PLAYLIST_TYPE};
use crate::pcm::{Format, Pcm};
use crate::plan::Plan;
use crate::playlist::{self, Variant};
use crate::resample::Resampler;
use crate::{Analysis, Codec, Control, Error, Limits, Manifest, Rung, Sink, aac_rung, cover, flac_rung};

/// Blocks that may wait for a rung. A slow rung, or a slow sink, slows the decoder down.
const QUEUE: usize = 4;

/// Encodes and packages `ladder` from `file`, and returns what it wrote as `manifest.json`.
///
/// `analysis` must come from the same bytes. The same file and ladder give the same objects on one machine type.
/// On an error the objects already put stay in the sink; there is no manifest among them.
pub fn encode(
    file: &File,
    analysis: &Analysis,
    ladder: &[Rung],
    song: &str,
    control: &dyn Control,
    sink: &mut dyn Sink,
) -> Result<Manifest, Error> {
    let output = Output::new(sink);
    let covers = put_covers(analysis, &output)?;
    let made = catch_unwind(AssertUnwindSafe(|| run(file, analysis, ladder, control, &output)))
        .unwrap_or_else(|_| Err(Error::Damaged("the decoder cannot make sense of it".into())))?;
    let rungs: Vec<ManifestRung> = ladder
        .iter()
        .zip(made)
        .map(|(rung, made)| describe(rung, made, &output))
        .collect::<Result<_, _>>()?;
    let variants: Vec<Variant<'_>> = rungs
        .iter()
        .map(|rung| Variant {
            name: &rung.name,
            codec: &rung.codec,
            bandwidth: playlist::Bandwidth { peak: rung.bandwidth, average: rung.average_bandwidth },
        })
        .collect();
    let master = output.put("master.m3u8".into(), PLAYLIST_TYPE, playlist::master(&variants).into_bytes())?;
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        song: song.to_owned(),
        duration_ms: analysis.duration_ms(),
        samples: analysis.samples,
        sample_rate: analysis.sample_rate,
        channels: analysis.channels.min(2),
        source: Source {
            codec: analysis.codec.clone(),
            container: analysis.container.clone(),
            lossless: analysis.lossless,
            sample_rate: analysis.sample_rate,
            channels: analysis.channels,
            bits_per_sample: analysis.bits_per_sample,
            bitrate: analysis.bitrate,
        },
        loudness_lufs: analysis.loudness_lufs,
        true_peak_db: analysis.true_peak_db,
        waveform: BASE64.encode(&analysis.waveform),
        tags: analysis.tags.clone(),
        lyrics: analysis.lyrics.clone(),
        covers,
        playlist: master.name,
        rungs,
    };
    let json = serde_json::to_vec(&manifest).map_err(|error| Error::Encoder(format!("manifest: {error}")))?;
    output.put("manifest.json".into(), MANIFEST_TYPE, json)?;
    Ok(manifest)
}

/// Decodes here, encodes on a thread per rung.
fn run(
    file: &File,
    analysis: &Analysis,
    ladder: &[Rung],
    control: &dyn Control,
    output: &Output<'_>,
) -> Result<Vec<MadeRung>, Error> {
    // The analysis has let the file pass; what counts now is that it is still the same.
    let limits = Limits { max_channels: 8, ..Limits::default() };
    let mut decoder = Decoder::open(file, &locate(file)?, &limits)?;
    let format = decoder.format();
    let aac_rate =
        ladder.iter().find(|rung| rung.codec == Codec::Aac).map_or(format.rate, |rung| rung.sample_rate);
    if ladder.is_empty()
        || analysis.samples == 0
        || format.rate != analysis.sample_rate
        || ladder.iter().any(|rung| !fits(rung, format, aac_rate))
    {
        return Err(Error::Encoder("the ladder does not fit the file".into()));
    }
    let plan = &Plan::new(analysis.samples, format.rate, aac_rate);
    thread::scope(|scope| {
        let mut feed = Feed { aac: Vec::new(), flac: Vec::new(), resampler: None, format };
        if aac_rate != format.rate {
            feed.resampler = Some(Resampler::new(format, aac_rate, plan.aac_samples)?);
        }
        let mut threads = Vec::new();
        for rung in ladder {
            threads.push(match rung.codec {
                Codec::Aac => {
                    let (sender, blocks) = sync_channel(QUEUE);
                    feed.aac.push(sender);
                    scope.spawn(move || aac_rung::make(&blocks, rung, plan, analysis, output))
                }
                Codec::Flac => {
                    let (sender, blocks) = sync_channel(QUEUE);
                    feed.flac.push(sender);
                    scope.spawn(move || flac_rung::make(&blocks, rung, format, plan, analysis, output))
                }
            });
        }
        let decoded = feed_all(&mut decoder, &mut feed, analysis.samples, control);
        drop(feed);
        let made: Vec<Result<MadeRung, Error>> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(Error::Encoder("a rung panicked".into()))))
            .collect();
        match decoded {
            Ok(()) => made.into_iter().collect(),
            Err(Stop::Decoder(error)) => Err(error),
            // A rung hung up; it knows why. The others only saw the stream end early.
            Err(Stop::Rung) => {
                let errors = made.into_iter().filter_map(Result::err);
                let cause =
                    errors.reduce(|first, next| if matches!(first, Error::Cancelled) { next } else { first });
                Err(cause.unwrap_or_else(|| Error::Encoder("a rung hung up".into())))
            }
        }
    })
}

fn fits(rung: &Rung, format: Format, aac_rate: u32) -> bool {
    usize::from(rung.channels) == format.channels
        && match rung.codec {
            Codec::Aac => rung.sample_rate == aac_rate,
            Codec::Flac => rung.sample_rate == format.rate && u32::from(rung.bits_per_sample) == format.bits,
        }
}

/// Why the decoder stopped before the end.
enum Stop {
    Decoder(Error),
    Rung,
}

/// The rungs' ends of the line.
struct Feed {
    aac: Vec<SyncSender<Arc<Vec<i16>>>>,
    flac: Vec<SyncSender<Arc<Pcm>>>,
    resampler: Option<Resampler>,
    format: Format,
}

impl Feed {
    fn push(&mut self, block: Pcm) -> Result<(), Stop> {
        if !self.aac.is_empty() {
            let samples = match &mut self.resampler {
                None => block.to_i16(self.format),
                Some(resampler) => {
                    let mut samples = Vec::new();
                    resampler.push(&block, self.format, &mut samples).map_err(Stop::Decoder)?;
                    samples
                }
            };
            self.push_aac(samples)?;
        }
        let block = Arc::new(block);
        self.flac.iter().try_for_each(|rung| rung.send(Arc::clone(&block))).map_err(|_| Stop::Rung)
    }

    fn push_aac(&self, samples: Vec<i16>) -> Result<(), Stop> {
        let samples = Arc::new(samples);
        self.aac.iter().try_for_each(|rung| rung.send(Arc::clone(&samples))).map_err(|_| Stop::Rung)
    }

    fn finish(&mut self) -> Result<(), Stop> {
        let Some(resampler) = &mut self.resampler else {
            return Ok(());
        };
        let mut samples = Vec::new();
        resampler.finish(&mut samples).map_err(Stop::Decoder)?;
        self.push_aac(samples)
    }
}

fn feed_all(
    decoder: &mut Decoder<'_>,
    feed: &mut Feed,
    total: u64,
    control: &dyn Control,
) -> Result<(), Stop> {
    let mut done = 0;
    while let Some(block) = decoder.next_block().map_err(Stop::Decoder)? {
        if control.cancelled() {
            return Err(Stop::Decoder(Error::Cancelled));
        }
        done += (block.len() / feed.format.channels) as u64;
        if done > total {
            break;
        }
        feed.push(block)?;
        control.progress(done, total);
    }
    if done != total {
        return Err(Stop::Decoder(Error::Damaged("it changed between two readings".into())));
    }
    feed.finish()
}

fn put_covers(analysis: &Analysis, output: &Output<'_>) -> Result<Vec<CoverObject>, Error> {
    let scaled = analysis.cover.as_ref().map(|cover| cover::scale(&cover.bytes)).unwrap_or_default();
    scaled
        .into_iter()
        .map(|cover::Scaled { px, width, height, jpeg }| {
            let object = output.put(format!("cover-{px}.jpg"), COVER_TYPE, jpeg)?;
            Ok(CoverObject { object, px, width, height })
        })
        .collect()
}

/// Writes a rung's playlist, and what the manifest says about the rung.
fn describe(rung: &Rung, made: MadeRung, output: &Output<'_>) -> Result<ManifestRung, Error> {
    let rate = rung.sample_rate;
    let bandwidth = playlist::bandwidth(&made, rate);
    let text = playlist::media(&made, rate).into_bytes();
    let playlist = output.put(format!("{}/index.m3u8", rung.name), PLAYLIST_TYPE, text)?;
    let milliseconds = |duration: u64| (2000 * duration + u64::from(rate)) / (2 * u64::from(rate));
    Ok(ManifestRung {
        name: rung.name.clone(),
        codec: rung.codec.rfc6381().into(),
        lossless: rung.codec == Codec::Flac,
        sample_rate: rate,
        channels: rung.channels,
        bandwidth: bandwidth.peak,
        average_bandwidth: bandwidth.average,
        samples: made.samples,
        playlist: playlist.name,
        init: made.init,
        segments: made
            .segments
            .into_iter()
            .map(|segment| Segment { duration_ms: milliseconds(segment.duration), object: segment.object })
            .collect(),
    })
}
