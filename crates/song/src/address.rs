//! Addresses of what edges serve, with the grants in them.

use crate::{SongConfig, record::Output};
use segue_domain::{Grant, GrantSigner, OutputId, SongId, Timestamp, UserId};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Makes URLs on edges.
#[derive(Debug)]
pub(crate) struct Addresses {
    edges: Vec<String>,
    public_url: Option<String>,
    signer: GrantSigner,
    cover_life: Duration,
}

/// Leave to fetch one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Playback {
    /// `{edge}/media/{grant}/{song}/{output}/`, the song's own edge first.
    pub bases: Vec<String>,
    pub expires: Timestamp,
}

impl Addresses {
    pub(crate) fn new(config: &SongConfig, signer: GrantSigner) -> Self {
        Self {
            edges: config.edges.clone(),
            public_url: config.public_url.clone(),
            signer,
            cover_life: Duration::from_secs(config.cover_url_seconds),
        }
    }

    /// The address under which clients reach us: the configured one, else that of this call.
    pub(crate) fn origin<'a>(&'a self, of_call: &'a str) -> &'a str {
        self.public_url.as_deref().unwrap_or(of_call)
    }

    /// Leave for `listener` to play an output, from now for max(2 h, twice its duration).
    pub(crate) fn playback(
        &self,
        song: SongId,
        output: &Output,
        listener: Option<UserId>,
        now: Timestamp,
        origin: &str,
    ) -> Playback {
        // Grants count whole seconds; never less than promised.
        let expires =
            Timestamp::from_seconds(now.plus(output.grant_life()).plus(Duration::from_millis(999)).seconds());
        let grant = self.signer.sign(&Grant { song, output: output.id, listener, expires });
        let edges = self.edges_of(song, origin);
        let bases = edges.into_iter().map(|edge| base(edge, &grant, song, output.id)).collect();
        Playback { bases, expires }
    }

    /// Where the covers of an output are, for anyone who may see the song. The same address for half of its
    /// life, so that browsers can keep the picture.
    pub(crate) fn covers(&self, song: SongId, output: OutputId, now: Timestamp, origin: &str) -> String {
        let step = i64::try_from((self.cover_life / 2).as_secs()).unwrap_or(i64::MAX).max(1);
        let expires = Timestamp::from_seconds((now.seconds().div_euclid(step) + 2).saturating_mul(step));
        let grant = self.signer.sign(&Grant { song, output, listener: None, expires });
        let edge = self.edges_of(song, origin)[0];
        base(edge, &grant, song, output)
    }

    /// All edges, in an order that spreads songs evenly and moves few of them when an edge comes or goes
    /// (rendezvous hashing). Never empty.
    fn edges_of<'a>(&'a self, song: SongId, origin: &'a str) -> Vec<&'a str> {
        if self.edges.is_empty() {
            return vec![self.origin(origin).trim_end_matches('/')];
        }
        let mut edges: Vec<_> = self.edges.iter().map(|e| (weight(e, song), e.as_str())).collect();
        edges.sort_by(|a, b| b.cmp(a));
        edges.into_iter().map(|(_, edge)| edge).collect()
    }
}

fn base(edge: &str, grant: &str, song: SongId, output: OutputId) -> String {
    format!("{edge}/media/{grant}/{song}/{output}/")
}

fn weight(edge: &str, song: SongId) -> [u8; 32] {
    Sha256::new().chain_update(edge).chain_update(song.bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn addresses(edges: &[&str]) -> Addresses {
        let config =
            SongConfig { edges: edges.iter().map(|e| (*e).to_owned()).collect(), ..SongConfig::default() };
        Addresses::new(&config, GrantSigner::from_seed(&[1; 32]))
    }

    #[test]
    fn songs_spread_over_edges_and_stay_when_one_goes() {
        let (all, fewer) =
            (addresses(&["http://a", "http://b", "http://c"]), addresses(&["http://a", "http://b"]));
        let mut counts: HashMap<String, u32> = HashMap::new();
        for _ in 0..600 {
            let song = SongId::new();
            let first = all.edges_of(song, "")[0].to_owned();
            if first != "http://c" {
                assert_eq!(fewer.edges_of(song, "")[0], first);
            }
            *counts.entry(first).or_default() += 1;
        }
        assert!(counts.len() == 3 && counts.values().all(|n| *n > 120), "{counts:?}");
    }

    #[test]
    fn a_cover_keeps_its_address_for_an_hour_and_works_for_another() {
        let addresses = addresses(&[]);
        let (song, output) = (SongId::new(), OutputId::new());
        let at = |seconds| addresses.covers(song, output, Timestamp::from_seconds(seconds), "http://x");
        assert_eq!(at(7200), at(10_799));
        assert_ne!(at(7200), at(10_800));
    }
}
