//! Which objects are on disk, how large they are, and which ones give way to a new one.

use super::admission::Sketch;
use crate::{lru::Lru, path::Key};

/// Files take whole blocks, so small objects cost more than their bytes.
const BLOCK: u64 = 4096;

/// The contents of the disk cache. Pure bookkeeping: files are the business of [`super::disk::Disk`].
#[derive(Debug)]
pub(crate) struct Index {
    entries: Lru<Key, Entry>,
    used: u64,
    limit: u64,
    /// How many of the least recently used entries are looked at for a victim; 1 is plain LRU order.
    sample: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    cost: u64,
    verified: bool,
}

impl Index {
    /// An empty index of at most `limit` bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { entries: Lru::new(), used: 0, limit, sample: 16 }
    }

    /// Bytes of disk that entries and reservations take.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.entries.peek(key).is_some()
    }

    /// Counts a use. Says whether the object is there, and if so whether its checksum was seen to be right.
    pub(crate) fn touch(&mut self, key: &Key) -> Option<bool> {
        self.entries.get(key).map(|e| e.verified)
    }

    /// The checksum of the stored body was right.
    pub(crate) fn verified(&mut self, key: &Key) {
        if let Some(entry) = self.entries.get(key) {
            entry.verified = true;
        }
    }

    /// Reserves room for an object of `bytes`, and names the objects that are given up for it. `None` when what
    /// would have to go is worth more: each victim is the least played song among the sixteen entries that were
    /// not used for longest, and a song that is played less often than that is not let in.
    pub(crate) fn reserve(&mut self, key: &Key, bytes: u64, sketch: &Sketch) -> Option<Vec<Key>> {
        let cost = cost(bytes);
        if cost > self.limit {
            return None;
        }
        let own = sketch.plays(key.song);
        let mut victims = Vec::new();
        let mut missing = (self.used + cost).saturating_sub(self.limit);
        let mut tail = self.entries.oldest().map(|(k, e)| (*k, e.cost, sketch.plays(k.song)));
        let mut pool: Vec<_> = tail.by_ref().take(self.sample).collect();
        while missing > 0 {
            // min_by_key takes the first of equals: the oldest.
            let (at, &(victim, freed, plays)) =
                pool.iter().enumerate().min_by_key(|(_, (_, _, plays))| *plays)?;
            if plays > own {
                return None;
            }
            missing = missing.saturating_sub(freed);
            victims.push(victim);
            pool.remove(at);
            pool.extend(tail.next());
        }
        drop(tail);
        victims.iter().for_each(|v| self.remove(v));
        self.used += cost;
        Some(victims)
    }

    /// The reserved object is stored.
    pub(crate) fn stored(&mut self, key: Key, bytes: u64, verified: bool) {
        let entry = Entry { cost: cost(bytes), verified };
        if let Some(old) = self.entries.insert(key, entry) {
            self.used -= old.cost;
        }
    }

    /// The reserved object could not be stored.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.used -= cost(bytes);
    }

    /// Takes an object that was found on disk at start in as the newest.
    pub(crate) fn found(&mut self, key: Key, bytes: u64) {
        self.used += cost(bytes);
        self.stored(key, bytes, false);
    }

    /// Drops an entry whose file is gone or bad.
    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.used -= entry.cost;
        }
    }

    /// Drops the least recently used entries until the limit holds.
    pub(crate) fn trim(&mut self) -> Vec<Key> {
        let mut victims = Vec::new();
        while self.used > self.limit {
            let Some((key, entry)) = self.entries.pop_oldest() else { break };
            self.used -= entry.cost;
            victims.push(key);
        }
        victims
    }
}

fn cost(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK) * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path;
    use segue_domain::{OutputId, SongId};
    use std::collections::{HashMap, VecDeque};

    fn key(song: SongId, output: OutputId, rung: u64, segment: usize) -> Key {
        path::parse(&format!("/media/g/{song}/{output}/aac-{rung}/{segment:05}.m4s")).unwrap().key
    }

    #[test]
    fn the_limit_holds_and_what_is_too_large_is_refused() {
        let (song, output) = (SongId::new(), OutputId::new());
        let (mut index, sketch) = (Index::new(5 * BLOCK), Sketch::new(64));
        for n in 1..=20 {
            let key = key(song, output, 64, n);
            assert!(index.reserve(&key, 2 * BLOCK, &sketch).is_some());
            index.stored(key, 2 * BLOCK, true);
            assert!(index.used() <= 5 * BLOCK);
        }
        assert!(index.contains(&key(song, output, 64, 20)) && !index.contains(&key(song, output, 64, 18)));
        assert_eq!(index.reserve(&key(song, output, 64, 21), 6 * BLOCK, &sketch), None);
        index.reserve(&key(song, output, 64, 21), BLOCK, &sketch).unwrap();
        index.release(BLOCK);
        assert_eq!(index.used(), 4 * BLOCK);
    }

    #[test]
    fn a_song_played_once_does_not_push_out_a_song_played_often() {
        let (hot, once, output) = (SongId::new(), SongId::new(), OutputId::new());
        let (mut index, mut sketch) = (Index::new(10 * BLOCK), Sketch::new(64));
        (0..5).for_each(|_| sketch.played(hot));
        sketch.played(once);
        for n in 1..=10 {
            let key = key(hot, output, 64, n);
            index.reserve(&key, BLOCK, &sketch).unwrap();
            index.stored(key, BLOCK, true);
        }
        assert_eq!(index.reserve(&key(once, output, 64, 1), BLOCK, &sketch), None);
        (0..5).for_each(|_| sketch.played(once));
        assert!(index.reserve(&key(once, output, 64, 1), BLOCK, &sketch).is_some());
    }

    struct Request {
        key: Key,
        bytes: u64,
        begins_a_play: bool,
    }

    /// A music-shaped trace in miniature: 2,000 tracks by Zipf 0.9, 40 segments a track, 3 bitrates, 35 % skips, 5 % deep-catalogue plays
    /// (uniform over the tracks), 20 sessions interleaved, 150,000 requests.
    fn trace() -> Vec<Request> {
        const TRACKS: usize = 2000;
        const REQUESTS: usize = 150_000;
        const SESSIONS: usize = 20;
        let songs: Vec<_> = (0..TRACKS).map(|_| (SongId::new(), OutputId::new())).collect();
        let mut sum = 0.0;
        let mut weigh = |rank: usize| {
            sum += (rank as f64).powf(-0.9);
            sum
        };
        let zipf: Vec<f64> = (1..=TRACKS).map(&mut weigh).collect();
        let mut seed = 42_u64;
        let mut random = move |below: usize| {
            // splitmix64, so that the trace is the same on every run.
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % below as u64) as usize
        };

        let mut sessions: Vec<VecDeque<Request>> = (0..SESSIONS).map(|_| VecDeque::new()).collect();
        let mut requests = Vec::with_capacity(REQUESTS);
        while requests.len() < REQUESTS {
            let session = &mut sessions[random(SESSIONS)];
            if session.is_empty() {
                let draw = random(1 << 30) as f64 / f64::from(1 << 30) * zipf[TRACKS - 1];
                let deep = random(100) < 5;
                let track = if deep { random(TRACKS) } else { zipf.partition_point(|z| *z < draw) };
                let (rung, skipped) = (random(3), random(100) < 35);
                let length = if skipped { 1 + random(39) } else { 40 };
                let (song, output) = songs[track];
                session.extend((1..=length).map(|n| Request {
                    key: key(song, output, rung as u64, n),
                    bytes: (48 << 10) << rung,
                    begins_a_play: n == 1,
                }));
            }
            requests.extend(session.pop_front());
        }
        requests
    }

    /// The byte hit ratio after the first third, of a cache of 10 % of the bytes that the trace touches.
    fn replay(trace: &[Request], admission: bool) -> f64 {
        let touched: HashMap<_, _> = trace.iter().map(|r| (r.key, r.bytes)).collect();
        let mut index = Index::new(touched.values().sum::<u64>() / 10);
        let mut sketch = Sketch::new(1024);
        if !admission {
            index.sample = 1;
        }
        let (mut hit, mut all) = (0, 0);
        for (at, Request { key, bytes, begins_a_play }) in trace.iter().enumerate() {
            if admission && *begins_a_play {
                sketch.played(key.song);
            }
            let found = index.touch(key).is_some();
            if at > trace.len() / 3 {
                all += bytes;
                hit += if found { *bytes } else { 0 };
            }
            if !found && index.reserve(key, *bytes, &sketch).is_some() {
                index.stored(*key, *bytes, true);
            }
        }
        hit as f64 / all as f64
    }

    #[test]
    fn admission_by_song_beats_plain_lru_on_the_music_trace() {
        let trace = trace();
        let (lru, ours) = (replay(&trace, false), replay(&trace, true));
        println!("byte hit ratio at 10 %: lru {lru:.3}, by song {ours:.3}, {:.2}x", ours / lru);
        assert!(ours >= 1.15 * lru, "lru {lru:.3}, by song {ours:.3}");
    }
}
