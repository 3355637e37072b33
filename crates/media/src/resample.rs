//! From the source's rate to one that AAC has, once for all AAC rungs.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::Error;
use crate::pcm::{Format, Pcm, round_i16};

/// Shortest FFT block, in samples of the source. Half of it loses 8 dB just below half the rate at a ratio of 4.
const LEAST_BLOCK: usize = 2048;

/// Streams blocks of a song through an FFT resampler and gives back exactly `wanted` frames.
pub(crate) struct Resampler {
    fft: Fft<f64>,
    input: Vec<Vec<f64>>,
    output: Vec<Vec<f64>>,
    filled: usize,
    skip: usize,
    left: u64,
}

impl Resampler {
    /// From `format.rate` to `to`; `wanted` frames will come out in all.
    pub(crate) fn new(format: Format, to: u32, wanted: u64) -> Result<Self, Error> {
        let (from, to) = (format.rate as usize, to as usize);
        let unit = from / gcd(from, to);
        // An even number of units keeps the delay a whole number of samples.
        let units = LEAST_BLOCK.div_ceil(unit).next_multiple_of(2);
        let fft = Fft::new_custom(
            from,
            to,
            units * unit,
            1,
            format.channels,
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|error| Error::Encoder(format!("resampler: {error}")))?;
        let (input, output) = (fft.input_frames_max(), fft.output_frames_max());
        Ok(Self {
            skip: fft.output_delay(),
            fft,
            input: vec![vec![0.0; input]; format.channels],
            output: vec![vec![0.0; output]; format.channels],
            filled: 0,
            left: wanted,
        })
    }

    /// Takes a block, and appends what is ready to `out`, interleaved.
    pub(crate) fn push(&mut self, block: &Pcm, format: Format, out: &mut Vec<i16>) -> Result<(), Error> {
        let channels = format.channels;
        let scale = format.scale();
        for index in 0..block.len() / channels {
            for channel in 0..channels {
                self.input[channel][self.filled] = match block {
                    Pcm::Int(samples) => f64::from(samples[index * channels + channel]) * scale,
                    Pcm::Float(samples) => f64::from(samples[index * channels + channel]),
                };
            }
            self.filled += 1;
            if self.filled == self.input[0].len() {
                self.run(out)?;
            }
        }
        Ok(())
    }

    /// Pumps silence through until all wanted frames are out.
    pub(crate) fn finish(&mut self, out: &mut Vec<i16>) -> Result<(), Error> {
        while self.left > 0 {
            self.input.iter_mut().for_each(|channel| channel[self.filled..].fill(0.0));
            self.run(out)?;
        }
        Ok(())
    }

    fn run(&mut self, out: &mut Vec<i16>) -> Result<(), Error> {
        let refused = |error: String| Error::Encoder(format!("resampler: {error}"));
        let (channels, frames_in, frames_out) = (self.input.len(), self.input[0].len(), self.output[0].len());
        let input = SequentialSliceOfVecs::new(&self.input, channels, frames_in)
            .map_err(|e| refused(e.to_string()))?;
        let mut output = SequentialSliceOfVecs::new_mut(&mut self.output, channels, frames_out)
            .map_err(|e| refused(e.to_string()))?;
        let (_, made) = self
            .fft
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| refused(error.to_string()))?;
        self.filled = 0;
        let from = self.skip.min(made);
        self.skip -= from;
        let take = ((made - from) as u64).min(self.left) as usize;
        self.left -= take as u64;
        for index in from..from + take {
            out.extend(self.output.iter().map(|channel| round_i16(channel[index])));
        }
        Ok(())
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How many samples `samples` become at another rate: rounded, half up.
pub(crate) fn resampled_len(samples: u64, from: u32, to: u32) -> u64 {
    let (from, to) = (u128::from(from), u128::from(to));
    ((2 * u128::from(samples) * to + from) / (2 * from)) as u64
}
