//! How often songs are played, in a few kilobytes: the reason why one play of a song that nobody else wants does not
//! push out what many want.

use segue_domain::SongId;
use std::hash::{BuildHasher, RandomState};

const ROWS: usize = 4;

/// A count-min sketch over songs (Cormode and Muthukrishnan 2005) with the ageing of TinyLFU (Einziger 2017):
/// after as many plays as it has columns times [`SAMPLE`] all counters are halved.
///
/// One count is one *play* (one new grant), never one request: the forty segments of a single play would
/// otherwise look like popularity.
#[derive(Debug)]
pub(crate) struct Sketch {
    counters: Vec<u8>,
    hashers: [RandomState; ROWS],
    mask: usize,
    plays: usize,
}

/// Plays per column between two halvings.
const SAMPLE: usize = 8;

impl Sketch {
    /// A sketch with `columns` (rounded up to a power of two) counters in each of four rows.
    pub(crate) fn new(columns: usize) -> Self {
        let columns = columns.next_power_of_two().max(64);
        let hashers = std::array::from_fn(|_| RandomState::new());
        Self { counters: vec![0; columns * ROWS], hashers, mask: columns - 1, plays: 0 }
    }

    /// Counts one play of the song.
    pub(crate) fn played(&mut self, song: SongId) {
        for row in 0..ROWS {
            let at = self.at(row, song);
            self.counters[at] = self.counters[at].saturating_add(1);
        }
        self.plays += 1;
        if self.plays >= (self.mask + 1) * SAMPLE {
            self.plays = 0;
            self.counters.iter_mut().for_each(|c| *c /= 2);
        }
    }

    /// How often the song was played of late; never too low, seldom too high.
    pub(crate) fn plays(&self, song: SongId) -> u8 {
        (0..ROWS).map(|row| self.counters[self.at(row, song)]).min().unwrap_or(0)
    }

    fn at(&self, row: usize, song: SongId) -> usize {
        // Hashing with keys of this process, so that nobody can pick songs that collide.
        let hash = self.hashers[row].hash_one(song.bytes()) as usize;
        row * (self.mask + 1) + (hash & self.mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_played_song_counts_and_fades() {
        let mut sketch = Sketch::new(256);
        let (hot, cold) = (SongId::new(), SongId::new());
        for _ in 0..20 {
            sketch.played(hot);
        }
        assert_eq!((sketch.plays(hot), sketch.plays(cold)), (20, 0));
        for _ in 0..256 * SAMPLE {
            sketch.played(cold);
        }
        assert!((10..20).contains(&sketch.plays(hot)), "{}", sketch.plays(hot));
    }
}
