//! Makes the FLAC rung: one run of libFLAC per segment, frames renumbered into one stream.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::flac_frame::renumber;
use crate::fragment::Fragment;
use crate::init_file::{self, Description};
use crate::libflac::FlacEncoder;
use crate::output::{MEDIA_TYPE, MadeRung, MadeSegment, Output, segment_name};
use crate::pcm::{Format, Pcm};
use crate::plan::{FLAC_BLOCK, Plan};
use crate::{Analysis, Error, Rung};

/// Takes integer blocks at the source's rate until the sender is gone.
pub(crate) fn make(
    blocks: &Receiver<Arc<Pcm>>,
    rung: &Rung,
    format: Format,
    plan: &Plan,
    analysis: &Analysis,
    output: &Output<'_>,
) -> Result<MadeRung, Error> {
    let description =
        Description::Flac { streaminfo: streaminfo(format, plan, analysis)?, bits: rung.bits_per_sample };
    let init = init_file::write(&description, rung.sample_rate, rung.channels, analysis);
    let init = output.put(format!("{}/init.mp4", rung.name), MEDIA_TYPE, init)?;
    let mut maker =
        Maker { rung, format, plan, output, run: None, at: 0, segment_start: 0, segments: Vec::new() };
    for block in blocks {
        let Pcm::Int(samples) = block.as_ref() else {
            return Err(Error::Encoder("libFLAC: floating-point samples".into()));
        };
        maker.push(samples)?;
    }
    if maker.at != analysis.samples {
        // The decoder stopped early, and its error is the one that is reported.
        return Err(Error::Cancelled);
    }
    Ok(MadeRung { init, samples: maker.at, segments: maker.segments })
}

struct Maker<'a, 's> {
    rung: &'a Rung,
    format: Format,
    plan: &'a Plan,
    output: &'a Output<'s>,
    run: Option<FlacEncoder>,
    /// Samples taken.
    at: u64,
    segment_start: u64,
    segments: Vec<MadeSegment>,
}

impl Maker<'_, '_> {
    fn push(&mut self, mut samples: &[i32]) -> Result<(), Error> {
        let channels = self.format.channels;
        while !samples.is_empty() {
            let index = self.segments.len() as u64;
            if index >= self.plan.segments() {
                return Err(Error::Damaged("it is longer than it was a moment ago".into()));
            }
            let end = self.plan.flac_end(index);
            let room = (end - self.at) as usize * channels;
            let (now, later) = samples.split_at(room.min(samples.len()));
            let block = self.block_of(index);
            let run = match &mut self.run {
                Some(run) => run,
                none => none.insert(FlacEncoder::new(self.format, block as u32)?),
            };
            run.push(now)?;
            self.at += (now.len() / channels) as u64;
            if self.at == end {
                self.segment()?;
            }
            samples = later;
        }
        Ok(())
    }

    fn block_of(&self, index: u64) -> u64 {
        let last = index + 1 == self.plan.segments();
        self.plan.flac_block(self.plan.flac_end(index) - self.segment_start, last)
    }

    fn segment(&mut self) -> Result<(), Error> {
        let frames = match self.run.take() {
            Some(run) => run.finish()?,
            None => Vec::new(),
        };
        let number = self.segments.len() as u32 + 1;
        let mut fragment = Fragment::default();
        let mut sample = self.segment_start;
        for mut frame in frames {
            renumber(&mut frame.bytes, sample)?;
            fragment.push(&frame.bytes, frame.samples);
            sample += u64::from(frame.samples);
        }
        if sample != self.at {
            return Err(Error::Encoder("libFLAC: the frames do not add up".into()));
        }
        let bytes = fragment.write(number, self.segment_start);
        let object = self.output.put(segment_name(&self.rung.name, number), MEDIA_TYPE, bytes)?;
        self.segments.push(MadeSegment { object, duration: self.at - self.segment_start });
        self.segment_start = self.at;
        Ok(())
    }
}

/// STREAMINFO (RFC 9639, section 8.2). Frame sizes are left unknown, since it is written before any frame.
fn streaminfo(format: Format, plan: &Plan, analysis: &Analysis) -> Result<[u8; 34], Error> {
    let mut smallest = FLAC_BLOCK;
    let mut from = 0;
    for index in 0..plan.segments() {
        let to = plan.flac_end(index);
        let last = index + 1 == plan.segments();
        let block = plan.flac_block(to - from, last);
        smallest = smallest.min(block);
        let rest = (to - from) % block;
        // The very last block does not count.
        if rest > 0 && !last {
            smallest = smallest.min(rest);
        }
        from = to;
    }
    let mut info = [0u8; 34];
    info[..2].copy_from_slice(&(smallest as u16).to_be_bytes());
    info[2..4].copy_from_slice(&(FLAC_BLOCK as u16).to_be_bytes());
    // 20 bits of rate, 3 of channels less one, 5 of bits less one, 36 of samples.
    let packed = u64::from(format.rate) << 44
        | (format.channels as u64 - 1) << 41
        | u64::from(format.bits - 1) << 36
        | analysis.samples & 0xf_ffff_ffff;
    info[10..18].copy_from_slice(&packed.to_be_bytes());
    if let Some(md5) = &analysis.flac_md5 {
        hex::decode_to_slice(md5, &mut info[18..34])
            .map_err(|_| Error::Encoder("the analysis has no proper MD5".into()))?;
    }
    Ok(info)
}
