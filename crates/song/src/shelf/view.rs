//! What somebody sees of a shelf: sums over the songs on it that they see.

use super::Kind;
use sea_orm::prelude::Uuid;
use segue_domain::{OutputId, SongId, Visibility};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A shelf as one kind of reader sees it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct View {
    /// Title of the album or name of the artist, in the spelling that most songs have.
    pub title: String,
    /// Artist of the album, likewise. Empty for an artist, as is all that only albums have.
    pub artist: String,
    pub genre: String,
    /// The newest.
    pub year: u32,
    pub songs: u64,
    pub discs: u32,
    /// Albums that the songs of an artist are on.
    pub albums: u32,
    pub duration_ms: u64,
    pub loudness_lufs: Option<f64>,
    pub true_peak_db: Option<f64>,
    /// That of the first song that has one.
    pub cover: Option<Cover>,
}

/// Pictures of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cover {
    pub song: SongId,
    pub output: OutputId,
    /// Edge lengths in pixels, smallest first.
    pub sizes: Vec<u32>,
}

/// Songs of a shelf that agree in all that is counted, summed up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Total {
    pub visibility: Visibility,
    pub title: String,
    pub artist: String,
    pub genre: String,
    pub year: u32,
    pub disc_number: u32,
    pub on_album: Option<Uuid>,
    pub songs: u64,
    pub duration_ms: u64,
    /// Sum of [`energy`].
    pub energy: f64,
    /// Duration of those that have a loudness.
    pub measured_ms: u64,
    pub true_peak_db: Option<f64>,
}

/// What a song adds to the energy of its album: its mean power, for as long as it lasts.
pub(crate) fn energy(loudness_lufs: Option<f64>, duration_ms: u64) -> f64 {
    loudness_lufs.map_or(0.0, |lufs| 10_f64.powf(lufs / 10.0) * duration_ms as f64)
}

impl View {
    /// The sum of the totals.
    pub(crate) fn of<'a>(
        kind: Kind,
        totals: impl Iterator<Item = &'a Total> + Clone,
        cover: Option<Cover>,
    ) -> Self {
        let songs = totals.clone().map(|t| t.songs).sum();
        if songs == 0 {
            return Self::default();
        }
        let view = Self {
            title: commonest(totals.clone().map(|t| (t.title.as_str(), t.songs))),
            songs,
            duration_ms: totals.clone().map(|t| t.duration_ms).sum(),
            cover,
            ..Self::default()
        };
        let distinct = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match kind {
            Kind::Artist => {
                let albums: BTreeSet<_> = totals.filter_map(|t| t.on_album).collect();
                Self { albums: distinct(albums.len()), ..view }
            }
            Kind::Album => {
                let discs: BTreeSet<_> = totals.clone().map(|t| t.disc_number).collect();
                Self {
                    artist: commonest(totals.clone().map(|t| (t.artist.as_str(), t.songs))),
                    genre: commonest(totals.clone().map(|t| (t.genre.as_str(), t.songs))),
                    year: totals.clone().map(|t| t.year).max().unwrap_or(0),
                    discs: distinct(discs.len()),
                    loudness_lufs: loudness(totals.clone()),
                    true_peak_db: totals.filter_map(|t| t.true_peak_db).max_by(f64::total_cmp),
                    ..view
                }
            }
        }
    }
}

/// The mean of the loudness by energy and duration, to a hundredth, so that the order of summing does not show. Songs
/// without a loudness are silent and count for nothing, as silence inside a song does (ITU-R BS.1770, gating).
fn loudness<'a>(totals: impl Iterator<Item = &'a Total> + Clone) -> Option<f64> {
    let measured_ms: u64 = totals.clone().map(|t| t.measured_ms).sum();
    let energy: f64 = totals.map(|t| t.energy).sum();
    let lufs = 10.0 * (energy / measured_ms as f64).log10();
    lufs.is_finite().then(|| (lufs * 100.0).round() / 100.0)
}

/// The text that most songs have, the first by order among equals; empty when none has any.
fn commonest<'a>(texts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (text, songs) in texts.filter(|(text, _)| !text.is_empty()) {
        *counts.entry(text).or_default() += songs;
    }
    let mut best: Option<(&str, u64)> = None;
    for (text, songs) in counts {
        if best.is_none_or(|(_, most)| songs > most) {
            best = Some((text, songs));
        }
    }
    best.map(|(text, _)| text.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(songs: u64, minutes: u64, lufs: Option<f64>) -> Total {
        let duration_ms = minutes * 60_000;
        Total {
            visibility: Visibility::Public,
            title: "Kid A".into(),
            artist: "Radiohead".into(),
            genre: String::new(),
            year: 2000,
            disc_number: 1,
            on_album: None,
            songs,
            duration_ms,
            energy: energy(lufs, duration_ms),
            measured_ms: if lufs.is_some() { duration_ms } else { 0 },
            true_peak_db: lufs.map(|lufs| lufs + 12.0),
        }
    }

    fn album(totals: &[Total]) -> View {
        View::of(Kind::Album, totals.iter(), None)
    }

    #[test]
    fn an_album_is_as_loud_as_its_songs_one_after_the_other() {
        let alike = album(&[total(1, 3, Some(-14.0)), total(2, 7, Some(-14.0))]);
        assert_eq!((alike.loudness_lufs, alike.true_peak_db), (Some(-14.0), Some(-2.0)));
        // Half the time at a tenth of the power: 10 log10(0.55) below the louder half.
        let halves = album(&[total(1, 4, Some(-10.0)), total(1, 4, Some(-20.0))]);
        assert_eq!(halves.loudness_lufs, Some(-12.6));
        let long = album(&[total(1, 1, Some(-10.0)), total(1, 9, Some(-20.0))]);
        assert_eq!(long.loudness_lufs, Some(-17.21));
        let silence = album(&[total(1, 4, Some(-10.0)), total(1, 60, None)]);
        assert_eq!((silence.loudness_lufs, silence.songs), (Some(-10.0), 2));
        assert_eq!(album(&[total(1, 4, None)]).loudness_lufs, None);
    }

    #[test]
    fn words_are_those_of_most_songs_and_the_year_is_the_newest() {
        let spelled = |title: &str, genre: &str, year, disc_number, songs| Total {
            title: title.into(),
            genre: genre.into(),
            year,
            disc_number,
            ..total(songs, 3, None)
        };
        let view = album(&[
            spelled("kid a", "Rock", 1999, 1, 1),
            spelled("Kid A", "", 2001, 2, 2),
            spelled("KID A", "Art", 0, 2, 1),
        ]);
        assert_eq!((view.title.as_str(), view.genre.as_str()), ("Kid A", "Art"));
        assert_eq!((view.year, view.discs, view.songs, view.duration_ms), (2001, 2, 4, 540_000));
        assert_eq!(album(&[total(1, 3, None)]).discs, 1);
        assert_eq!(album(&[]), View::default());
    }

    #[test]
    fn an_artist_has_albums_and_nothing_that_only_albums_have() {
        let on = |id: u128| Total {
            on_album: Some(Uuid::from_u128(id)),
            genre: "x".into(),
            ..total(1, 3, Some(-9.0))
        };
        let view = View::of(Kind::Artist, [on(1), on(1), on(2), total(1, 3, None)].iter(), None);
        assert_eq!((view.songs, view.albums, view.discs, view.year), (4, 2, 0, 0));
        assert_eq!((view.artist.as_str(), view.genre.as_str(), view.loudness_lufs), ("", "", None));
    }
}
