//! MatchSongs: which of the caller's songs other programs meant.

use crate::{
    Error, access,
    field::{Checks, isrc, musicbrainz_id},
    repository::{By, Names},
    role::Role,
    service::Call,
};
use segue_domain::{PageSize, SongId, UserId, fold, sort_key};
use segue_proto::song::v1::{MatchSongsRequest, MatchSongsResponse, SongHint, SongMatch};
use std::collections::{BTreeSet, HashMap};

/// How far a duration may be off, milliseconds.
const TOLERANCE_MS: u64 = 3_000;
/// Longest text of a hint that is looked at, characters.
const MOST_TEXT: usize = 2_000;
/// Songs that are looked at for one kind of hint.
const MOST_FOUND: u64 = 10_000;
/// Words that join artists, which programs write differently.
const JOINING: [&str; 8] = ["and", "feat", "featuring", "ft", "vs", "with", "und", "x"];

/// Songs with what they are matched by, oldest first.
type Found = Vec<(SongId, Names)>;

/// A hint in the spelling in which songs are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hint {
    song: Option<SongId>,
    isrc: String,
    musicbrainz_id: String,
    title_key: String,
    artist: String,
    duration_ms: u64,
}

/// A column to look in, what a hint says of it, and what a song does.
type Way = (By, fn(&Hint) -> &str, fn(&Names) -> &str);

impl Role {
    pub(crate) async fn match_songs(
        &self,
        owner: UserId,
        call: &Call,
        request: MatchSongsRequest,
    ) -> Result<MatchSongsResponse, Error> {
        check(&request.hints)?;
        let hints: Vec<Hint> = request.hints.iter().map(Hint::of).collect();
        let mut matches: Vec<Option<(SongId, u64)>> = vec![None; hints.len()];

        let ids: Vec<SongId> = hints.iter().filter_map(|hint| hint.song).collect();
        let named = self.songs.find_many(&ids).await?;
        for (hint, found) in hints.iter().zip(&mut matches) {
            let song =
                hint.song.and_then(|id| named.get(&id)).filter(|song| access::sees(&call.caller, song));
            *found = song.map(|song| (song.id, song.output.as_ref().map_or(0, |o| o.duration_ms)));
        }
        let ways: [Way; 3] = [
            (By::Isrc, |hint| &hint.isrc, |names| &names.isrc),
            (By::MusicbrainzId, |hint| &hint.musicbrainz_id, |names| &names.musicbrainz_id),
            (By::TitleKey, |hint| &hint.title_key, |names| &names.title_key),
        ];
        for (by, wanted, has) in ways {
            let open =
                hints.iter().zip(&matches).filter(|(_, found)| found.is_none()).map(|(hint, _)| wanted(hint));
            let values: BTreeSet<String> = open.filter(|text| !text.is_empty()).map(str::to_owned).collect();
            let found = self.list.matching(owner, by, &Vec::from_iter(values), MOST_FOUND).await?;
            let found = self.still_there(owner, found).await?;
            let mut with: HashMap<&str, Vec<&(SongId, Names)>> = HashMap::new();
            for song in &found {
                with.entry(has(&song.1)).or_default().push(song);
            }
            for (hint, settled) in hints.iter().zip(&mut matches).filter(|(_, settled)| settled.is_none()) {
                let candidates = with.get(wanted(hint)).into_iter().flatten().copied();
                let fitting = candidates.filter(|(_, names)| by != By::TitleKey || hint.fits(names));
                let best = fitting.min_by_key(|(id, names)| (hint.off_by(names).unwrap_or(0), *id));
                *settled = best.map(|(id, names)| (*id, names.duration_ms));
            }
        }
        let answer = |found: Option<(SongId, u64)>| {
            found.map_or_else(SongMatch::default, |(id, duration_ms)| SongMatch {
                song_id: id.to_string(),
                duration_ms,
            })
        };
        Ok(MatchSongsResponse { matches: matches.into_iter().map(answer).collect() })
    }

    /// Those that the owner still has: the list may be a moment behind.
    async fn still_there(&self, owner: UserId, found: Found) -> Result<Found, Error> {
        let mut there = Vec::with_capacity(found.len());
        for part in found.chunks(PageSize::MAX as usize) {
            let ids: Vec<SongId> = part.iter().map(|(id, _)| *id).collect();
            let songs = self.songs.find_many(&ids).await?;
            let owned = |id| songs.get(id).is_some_and(|song| song.deleted.is_none() && song.owner == owner);
            there.extend(part.iter().filter(|(id, _)| owned(id)).cloned());
        }
        Ok(there)
    }
}

fn check(hints: &[SongHint]) -> Result<(), Error> {
    let mut checks = Checks::default();
    if hints.is_empty() || hints.len() > PageSize::MAX as usize {
        checks.refuse("hints", format!("1 to {}", PageSize::MAX));
    }
    let too_long = |hint: &SongHint| {
        let texts = [&hint.song_id, &hint.isrc, &hint.musicbrainz_id, &hint.title, &hint.artist];
        texts.iter().any(|text| text.len() > 4 * MOST_TEXT || text.chars().count() > MOST_TEXT)
    };
    if let Some(at) = hints.iter().take(PageSize::MAX as usize).position(too_long) {
        checks.refuse(&format!("hints[{at}]"), format!("texts of at most {MOST_TEXT} characters"));
    }
    checks.done()
}

impl Hint {
    fn of(hint: &SongHint) -> Self {
        Self {
            // What another program wrote is taken as it is: text that is no id matches nothing by it.
            song: hint.song_id.parse().ok(),
            isrc: isrc(&hint.isrc),
            musicbrainz_id: musicbrainz_id(&hint.musicbrainz_id),
            title_key: sort_key(&hint.title),
            artist: fold(&hint.artist),
            duration_ms: hint.duration_ms,
        }
    }

    /// A song of the same title is meant when the artist and the duration fit, as far as they are known; one must be.
    fn fits(&self, names: &Names) -> bool {
        let off = self.off_by(names);
        let known = !self.artist.is_empty() || off.is_some();
        known && off.unwrap_or(0) <= TOLERANCE_MS && (self.artist.is_empty() || self.same_artist(names))
    }

    /// How far the durations are apart, when both are known.
    fn off_by(&self, names: &Names) -> Option<u64> {
        let known = self.duration_ms > 0 && names.duration_ms > 0;
        known.then(|| self.duration_ms.abs_diff(names.duration_ms))
    }

    /// One of the artists, or all of them in one text, however they are joined.
    fn same_artist(&self, names: &Names) -> bool {
        names.artists_key.split('\n').any(|artist| artist == self.artist)
            || (!names.artists_key.is_empty() && words(&self.artist) == words(&names.artists_key))
    }
}

fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let kept: Vec<&str> = words.filter(|word| !JOINING.contains(word)).collect();
    // A name of nothing but signs ("!!!") is compared as it is.
    if kept.is_empty() { vec![text] } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(title: &str, artist: &str, duration_ms: u64) -> Hint {
        Hint::of(&SongHint { title: title.into(), artist: artist.into(), duration_ms, ..SongHint::default() })
    }

    fn names(artists: &[&str], duration_ms: u64) -> Names {
        let artists: Vec<String> = artists.iter().map(|artist| (*artist).to_owned()).collect();
        Names { duration_ms, ..Names::of("Song", &artists) }
    }

    #[test]
    fn several_artists_are_the_same_however_they_are_joined() {
        let song = names(&["Simon", "Garfunkel"], 0);
        for artist in ["simon & garfunkel", "Simon, Garfunkel", "Simon feat. Garfunkel", "SIMON", "Garfunkel"]
        {
            assert!(hint("song", artist, 0).fits(&song), "{artist}");
        }
        for artist in ["Garfunkel and Simon and Co", "Sim", "", "&"] {
            assert!(!hint("song", artist, 0).fits(&song), "{artist:?}");
        }
        assert!(hint("song", "!!!", 0).fits(&names(&["!!!"], 0)));
        assert!(!hint("song", "!!!", 0).fits(&names(&["???"], 0)));
        assert!(!hint("song", "!!!", 0).fits(&names(&[], 0)));
    }

    #[test]
    fn a_duration_may_be_three_seconds_off_and_a_title_alone_is_a_guess() {
        let song = names(&["A"], 180_000);
        assert!(hint("Song", "a", 183_000).fits(&song) && hint("Song", "", 177_000).fits(&song));
        assert!(!hint("Song", "a", 183_001).fits(&song) && !hint("Song", "", 176_999).fits(&song));
        assert!(hint("Song", "a", 0).fits(&song));
        assert!(!hint("Song", "", 0).fits(&song));
        assert!(!hint("Song", "", 180_000).fits(&names(&["A"], 0)), "nothing is known of it");
    }
}
