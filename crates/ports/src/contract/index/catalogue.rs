//! A catalogue that is made up, the same for the same seed: names in several scripts, words and artists as unevenly
//! frequent as they are, remixes, live takes and guests.

mod words;

use crate::index::{Document, Kind, popularity};
use segue_domain::{Timestamp, UserId, Visibility};

/// Accounts that own the songs.
const OWNERS: u64 = 1_000;
/// Songs of an artist, in the middle.
const SONGS_OF_ARTIST: u64 = 14;
/// Songs of an album.
const SONGS_OF_ALBUM: u64 = 11;
const GENRES: [&str; 16] = [
    "Rock",
    "Pop",
    "Jazz",
    "Electronic",
    "Hip-Hop",
    "Folk",
    "Metal",
    "Classical",
    "R&B",
    "Soul",
    "Reggae",
    "Blues",
    "Ambient",
    "Country",
    "House",
    "World",
];

/// The catalogue. Songs, artists and albums are made as they are asked for: it takes no memory.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    seed: u64,
    songs: u64,
}

/// A generator that gives the same numbers for the same seed on every machine (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// One for that purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.next();
        random
    }

    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, each as likely as the others.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number below `end`: 0 twice as often as 1, ten times as often as 9 (Zipf).
    pub fn zipf(&mut self, end: u64) -> u64 {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let rank = ((end as f64 + 1.0).ln() * part).exp();
        (rank as u64).saturating_sub(1).min(end.saturating_sub(1))
    }

    /// One of them.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let place = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
        &all[place]
    }
}

impl Catalogue {
    /// One with so many songs.
    pub const fn new(seed: u64, songs: u64) -> Self {
        Self { seed, songs }
    }

    /// How many songs it has.
    pub const fn songs(&self) -> u64 {
        self.songs
    }

    /// How many artists it has.
    pub fn artists(&self) -> u64 {
        self.songs / SONGS_OF_ARTIST + 1
    }

    fn random(&self, what: u64, number: u64) -> Random {
        Random::new(self.seed, number * 8 + what)
    }

    /// Song number `n`, below [`Self::songs`].
    pub fn song(&self, n: u64) -> Document {
        let mut random = self.random(0, n);
        let artist = random.zipf(self.artists());
        let script = words::script(&mut self.random(1, artist));
        let mut title = words::name(&mut random, script, 5);
        for (percent, suffix) in [(4, " (Live)"), (4, " (Remix)"), (2, " (Acoustic)"), (2, ", Pt. 2")] {
            if random.percent(percent) {
                title += suffix;
            }
        }
        let mut artists = vec![self.artist_name(artist)];
        if random.percent(8) {
            artists.push(self.artist_name(random.zipf(self.artists())));
        }
        let album = random.below(self.albums_of(artist));
        let plays = 1_000_000 / (random.zipf(self.songs) + 1);
        let made = self.document(&mut random, Kind::Song, n);
        Document {
            title,
            album_artist: self.artist_name(artist),
            artists,
            popularity: popularity(plays),
            duration_ms: 120_000 + random.below(240_000),
            items: 0,
            ..self.on_album(artist, album, made)
        }
    }

    /// Artist number `n`, below [`Self::artists`].
    pub fn artist(&self, n: u64) -> Document {
        let songs = self.albums_of(n) * SONGS_OF_ALBUM;
        let made = self.document(&mut self.random(2, n), Kind::Artist, n);
        Document {
            title: self.artist_name(n),
            items: u32::try_from(songs).unwrap_or(u32::MAX),
            popularity: popularity(songs),
            ..made
        }
    }

    /// How many albums artist number `artist` has.
    pub fn albums_of(&self, artist: u64) -> u64 {
        // As many songs as draw that artist.
        let all = (self.artists() as f64 + 1.0).ln();
        let songs = self.songs as f64 / all / (artist as f64 + 1.0);
        (songs as u64 / SONGS_OF_ALBUM).clamp(1, 60)
    }

    /// Album number `album`, below [`Self::albums_of`], of artist number `artist`.
    pub fn album(&self, artist: u64, album: u64) -> Document {
        let number = artist * 64 + album;
        let made = self.document(&mut self.random(3, number), Kind::Album, number);
        let made = self.on_album(artist, album, made);
        Document {
            title: made.album.clone(),
            album: String::new(),
            album_artist: self.artist_name(artist),
            items: u32::try_from(SONGS_OF_ALBUM).unwrap_or(0),
            popularity: popularity(SONGS_OF_ALBUM),
            duration_ms: SONGS_OF_ALBUM * 200_000,
            ..made
        }
    }

    fn on_album(&self, artist: u64, album: u64, made: Document) -> Document {
        let mut random = self.random(4, artist * 64 + album);
        let script = words::script(&mut self.random(1, artist));
        Document {
            album: words::name(&mut random, script, 4),
            genre: (*random.of(&GENRES)).to_owned(),
            year: 1_955 + u32::try_from(random.below(70)).unwrap_or(0),
            ..made
        }
    }

    fn artist_name(&self, artist: u64) -> String {
        let mut random = self.random(1, artist);
        let script = words::script(&mut random);
        let name = words::name(&mut random, script, 3);
        if random.percent(10) { format!("The {name}") } else { name }
    }

    fn document(&self, random: &mut Random, kind: Kind, n: u64) -> Document {
        let owner = format!("01900000-0000-7000-9000-{:012x}", random.zipf(OWNERS));
        let owner: UserId = owner.parse().unwrap_or_else(|_| UserId::new());
        let public = if random.percent(90) { Visibility::Public } else { Visibility::Private };
        let id = format!("01900000-0000-7000-8000-{n:012x}");
        let created = Timestamp(1_700_000_000_000 + i64::try_from(n).unwrap_or(0) * 1_000);
        Document { created, ..Document::new(kind, id, 1, owner, public) }
    }
}
