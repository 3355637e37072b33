//! Who is written to.

use super::probe::Role;

/// What is known of a server when the choice is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// None while it is silent.
    pub(super) role: Option<Role>,
    pub(super) may_lead: bool,
}

/// What Patroni says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// Nobody was asked, or nobody answered.
    Unasked,
    /// There is none at the moment, or one that is not configured here.
    Nobody,
    /// This one.
    Is(usize),
}

/// The server that writes go to; none when none can be trusted with them.
///
/// A server that says it is a primary may be one that was cut off while another was promoted. So Patroni's word counts
/// when there is one; else the highest timeline, and never one below `newest`, the highest that was ever seen: that
/// server was replaced, and what is written to it would be lost.
pub(super) fn writer(
    candidates: &[Candidate],
    leader: Leader,
    before: Option<usize>,
    newest: u32,
) -> Option<usize> {
    let timeline = |index: usize| match candidates[index] {
        Candidate { role: Some(Role::Primary { timeline, .. }), may_lead: true } if timeline >= newest => {
            Some(timeline)
        }
        _ => None,
    };
    match leader {
        Leader::Is(index) => timeline(index).map(|_| index),
        Leader::Nobody => None,
        Leader::Unasked => {
            let primaries = (0..candidates.len()).filter_map(|index| Some((index, timeline(index)?)));
            // Among equals the one that is in use stays.
            primaries
                .max_by_key(|(index, timeline)| {
                    (*timeline, Some(*index) == before, std::cmp::Reverse(*index))
                })
                .map(|(index, _)| index)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn primary(timeline: u32) -> Candidate {
        Candidate { role: Some(Role::Primary { timeline, position: 0 }), may_lead: true }
    }
    const REPLICA: Candidate = Candidate { role: Some(Role::Replica { position: 0 }), may_lead: true };
    const SILENT: Candidate = Candidate { role: None, may_lead: true };

    #[test]
    fn the_only_primary_is_chosen() {
        assert_eq!(writer(&[REPLICA, primary(1), SILENT], Leader::Unasked, None, 0), Some(1));
        assert_eq!(writer(&[REPLICA, SILENT], Leader::Unasked, Some(1), 1), None);
    }

    #[test]
    fn of_two_primaries_the_later_promoted_is_chosen() {
        assert_eq!(writer(&[primary(1), primary(2)], Leader::Unasked, Some(0), 1), Some(1));
    }

    #[test]
    fn a_replaced_primary_is_never_written_to_again() {
        assert_eq!(writer(&[primary(1), SILENT], Leader::Unasked, Some(1), 2), None);
        assert_eq!(writer(&[primary(1), SILENT], Leader::Is(0), Some(1), 2), None);
    }

    #[test]
    fn two_names_of_one_server_do_not_make_it_flap() {
        assert_eq!(writer(&[primary(1), primary(1)], Leader::Unasked, None, 1), Some(0));
        assert_eq!(writer(&[primary(1), primary(1)], Leader::Unasked, Some(1), 1), Some(1));
    }

    #[test]
    fn patroni_has_the_last_word_but_cannot_make_a_replica_writable() {
        assert_eq!(writer(&[primary(1), primary(1)], Leader::Is(1), Some(0), 1), Some(1));
        assert_eq!(writer(&[primary(1), REPLICA], Leader::Is(1), Some(0), 1), None);
        assert_eq!(writer(&[primary(1)], Leader::Nobody, Some(0), 1), None);
    }

    #[test]
    fn a_server_named_as_a_replica_is_not_written_to() {
        let replica = Candidate { may_lead: false, ..primary(3) };
        assert_eq!(writer(&[primary(1), replica], Leader::Unasked, None, 1), Some(0));
    }
}
