//! Peaks for drawing the song.

/// Points of the finished waveform.
const POINTS: u64 = 1000;

/// Stretches kept while the length is unknown; eight per point or more once the song is longer than this.
const MOST_STRETCHES: usize = 16_384;

/// Collects peaks without knowing how many samples will come: stretches double in length when there are too many.
pub(crate) struct Waveform {
    channels: usize,
    peaks: Vec<f32>,
    stretch: u64,
    current: f32,
    filled: u64,
    frames: u64,
}

impl Waveform {
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            channels,
            peaks: Vec::with_capacity(MOST_STRETCHES),
            stretch: 1,
            current: 0.0,
            filled: 0,
            frames: 0,
        }
    }

    pub(crate) fn add(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let room = (self.stretch - self.filled) as usize * self.channels;
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.current = now.iter().fold(self.current, |peak, sample| peak.max(sample.abs()));
            let frames = (now.len() / self.channels) as u64;
            self.filled += frames;
            self.frames += frames;
            if self.filled == self.stretch {
                self.close();
            }
            samples = later;
        }
    }

    fn close(&mut self) {
        self.peaks.push(self.current);
        (self.current, self.filled) = (0.0, 0);
        if self.peaks.len() == MOST_STRETCHES {
            let halves: Vec<f32> = self.peaks.chunks_exact(2).map(|pair| pair[0].max(pair[1])).collect();
            self.peaks.clear();
            self.peaks.extend(halves);
            self.stretch *= 2;
        }
    }

    /// The peaks of [`POINTS`] equal stretches, 255 for full scale and above; fewer for fewer samples.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.peaks.push(self.current);
        }
        let points = POINTS.min(self.frames);
        let edge = |point: u64| (u128::from(point) * u128::from(self.frames) / u128::from(points)) as u64;
        (0..points)
            .map(|point| {
                let from = edge(point) / self.stretch;
                let to = (edge(point + 1).div_ceil(self.stretch)).max(from + 1);
                let peak =
                    self.peaks[from as usize..to as usize].iter().fold(0.0f32, |peak, one| peak.max(*one));
                (peak.min(1.0) * 255.0).round() as u8
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f32], block: usize) -> Vec<u8> {
        let mut waveform = Waveform::new(1);
        samples.chunks(block).for_each(|block| waveform.add(block));
        waveform.finish()
    }

    #[test]
    fn has_a_point_per_sample_when_there_are_few() {
        assert!(of(&[], 1).is_empty());
        assert_eq!(of(&[0.0, -1.0, 0.5], 2), [0, 255, 128]);
    }

    #[test]
    fn a_peak_shows_where_it_is_however_long_the_song() {
        for frames in [999usize, 1000, 1001, 16_384, 100_003, 3_000_000] {
            let mut samples = vec![0.0f32; frames];
            samples[frames * 3 / 4] = -2.0;
            let waveform = of(&samples, 8192);
            assert_eq!(waveform.len(), frames.min(1000));
            let at = waveform.iter().position(|peak| *peak == 255).expect("the peak is there");
            assert!(at.abs_diff(waveform.len() * 3 / 4) <= 1, "{frames}: {at}");
            assert!(waveform.iter().filter(|peak| **peak > 0).count() <= 2);
        }
    }
}
