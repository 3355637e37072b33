//! Makes one AAC rung: padding in front, frames, segments.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::fdk::{AacEncoder, DELAY, FRAME};
use crate::fragment::Fragment;
use crate::init_file::{self, Description};
use crate::output::{MEDIA_TYPE, MadeRung, MadeSegment, Output, segment_name};
use crate::plan::Plan;
use crate::{Analysis, Error, Rung};

/// Takes 16-bit blocks at the rung's rate until the sender is gone.
pub(crate) fn make(
    blocks: &Receiver<Arc<Vec<i16>>>,
    rung: &Rung,
    plan: &Plan,
    analysis: &Analysis,
    output: &Output<'_>,
) -> Result<MadeRung, Error> {
    let channels = usize::from(rung.channels);
    let encoder = AacEncoder::new(rung.sample_rate, channels, rung.bitrate)?;
    let description = Description::Aac {
        config: encoder.config(),
        bitrate: rung.bitrate,
        priming: plan.priming(),
        samples: plan.aac_samples,
    };
    let init = init_file::write(&description, rung.sample_rate, rung.channels, analysis);
    let init = output.put(format!("{}/init.mp4", rung.name), MEDIA_TYPE, init)?;
    let mut maker = Maker {
        encoder,
        rung,
        plan,
        output,
        pending: vec![0; plan.front_padding as usize * channels],
        fragment: Fragment::default(),
        time: 0,
        segments: Vec::new(),
    };
    let mut samples = 0;
    for block in blocks {
        samples += (block.len() / channels) as u64;
        maker.push(&block)?;
    }
    if samples != plan.aac_samples {
        // The decoder stopped early, and its error is the one that is reported.
        return Err(Error::Cancelled);
    }
    maker.push(&vec![0; DELAY as usize * channels])?;
    let segments = maker.finish()?;
    Ok(MadeRung { init, segments, samples })
}

struct Maker<'a, 's> {
    encoder: AacEncoder,
    rung: &'a Rung,
    plan: &'a Plan,
    output: &'a Output<'s>,
    /// Less than a frame.
    pending: Vec<i16>,
    fragment: Fragment,
    time: u64,
    segments: Vec<MadeSegment>,
}

impl Maker<'_, '_> {
    fn push(&mut self, mut samples: &[i16]) -> Result<(), Error> {
        let frame = FRAME * usize::from(self.rung.channels);
        while self.pending.len() + samples.len() >= frame {
            if self.pending.is_empty() {
                self.frame(&samples[..frame])?;
                samples = &samples[frame..];
            } else {
                let (now, later) = samples.split_at(frame - self.pending.len());
                let mut whole = std::mem::take(&mut self.pending);
                whole.extend_from_slice(now);
                self.frame(&whole)?;
                whole.clear();
                self.pending = whole;
                samples = later;
            }
        }
        self.pending.extend_from_slice(samples);
        Ok(())
    }

    fn frame(&mut self, samples: &[i16]) -> Result<(), Error> {
        let unit = self.encoder.encode(samples)?;
        let unit = unit.ok_or_else(|| Error::Encoder("fdk-aac: a frame without output".into()))?;
        self.fragment.push(unit, FRAME as u32);
        if self.fragment.len() as u64 == self.plan.frames_per_segment {
            self.segment()?;
        }
        Ok(())
    }

    fn segment(&mut self) -> Result<(), Error> {
        let number = self.segments.len() as u32 + 1;
        let duration = self.fragment.duration();
        let bytes = self.fragment.write(number, self.time);
        let object = self.output.put(segment_name(&self.rung.name, number), MEDIA_TYPE, bytes)?;
        self.segments.push(MadeSegment { object, duration });
        self.time += duration;
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<MadeSegment>, Error> {
        if self.fragment.len() > 0 {
            self.segment()?;
        }
        if !self.pending.is_empty() || self.time != self.plan.aac_frames * FRAME as u64 {
            return Err(Error::Encoder("fdk-aac: the frames do not add up".into()));
        }
        Ok(self.segments)
    }
}
