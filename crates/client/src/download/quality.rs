//! Which rung is wanted.

use segue_proto::song::v1::Rung;

/// How good a download should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quality {
    /// The best rung that is no larger than what was uploaded, else the smallest.
    #[default]
    Best,
    /// As [`Quality::Best`], among the AAC rungs of at most so many kbit/s.
    AtMost(u32),
}

impl Quality {
    /// The name to ask for, of the rungs that a song has. Empty leaves the choice to the server, as it does for a song
    /// whose rungs are not known.
    pub(crate) fn rung(self, rungs: &[Rung]) -> String {
        let Self::AtMost(most) = self else { return String::new() };
        let nominal = |rung: &Rung| rung.name.strip_prefix("aac-").and_then(|kbps| kbps.parse::<u32>().ok());
        let lossy = || rungs.iter().filter_map(|rung| Some((nominal(rung)?, rung)));
        let best = lossy().filter(|(kbps, _)| *kbps <= most).max_by_key(|(kbps, _)| *kbps);
        let chosen = best.or_else(|| lossy().min_by_key(|(kbps, _)| *kbps));
        chosen.map_or_else(String::new, |(_, rung)| rung.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rungs(names: &[&str]) -> Vec<Rung> {
        names.iter().map(|name| Rung { name: (*name).into(), ..Rung::default() }).collect()
    }

    #[test]
    fn the_best_rung_within_the_limit_else_the_smallest() {
        let all = rungs(&["aac-64", "aac-128", "aac-256", "flac"]);
        assert_eq!(Quality::Best.rung(&all), "");
        assert_eq!(Quality::AtMost(256).rung(&all), "aac-256");
        assert_eq!(Quality::AtMost(255).rung(&all), "aac-128");
        assert_eq!(Quality::AtMost(32).rung(&all), "aac-64");
        assert_eq!(Quality::AtMost(128).rung(&rungs(&["aac-48", "flac"])), "aac-48");
        assert_eq!(Quality::AtMost(128).rung(&rungs(&[])), "");
    }
}
