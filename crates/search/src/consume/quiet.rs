//! Facts by which nothing changes that the index says, but for the version: an item of a playlist was moved. They wait a
//! moment for others, so that a stream of them is not a stream of commits. Of each thing only the newest waits: once that
//! is applied, those before it change nothing.

use super::Taken;
use crate::document::{self, Change};
use segue_ports::index::{Document, Kind, Write};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use tokio::time::Instant;

/// Longest wait of a quiet fact. A commit of the embedded index takes both cores of a small machine for some hundredths of a
/// second.
const LONGEST: Duration = Duration::from_secs(1);
/// Things of which it is remembered what was said last.
const REMEMBERED: usize = 4096;

/// What was said last, and the quiet facts that wait.
#[derive(Default)]
pub(super) struct Quiet {
    said: HashMap<Subject, Said>,
    waiting: HashMap<Subject, Taken>,
    due: Option<Instant>,
}

type Subject = (Kind, String);

/// What the newest fact of a thing said that was applied or waits.
struct Said {
    version: u64,
    content: u64,
}

/// What becomes of facts.
#[derive(Default)]
pub(super) struct Passed {
    /// To be applied now: everything, or nothing while all may wait.
    pub(super) apply: Vec<Taken>,
    /// A newer one of the same thing waits.
    pub(super) overtaken: Vec<Taken>,
}

impl Quiet {
    /// When what waits must be applied.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes facts, and says what becomes of them and of those that waited. Fewer than `most` wait.
    pub(super) fn pass(&mut self, facts: Vec<Taken>, most: usize) -> Passed {
        let mut passed = Passed::default();
        for fact in facts {
            match self.quiet(&fact) {
                Some(subject) => passed.overtaken.extend(self.waiting.insert(subject, fact)),
                None => passed.apply.push(fact),
            }
        }
        let now = Instant::now();
        if passed.apply.is_empty() {
            if self.waiting.is_empty() {
                return passed;
            }
            if self.waiting.len() < most && now < *self.due.get_or_insert(now + LONGEST) {
                return passed;
            }
        }
        self.due = None;
        passed.apply.extend(self.waiting.drain().map(|(_, fact)| fact));
        passed
    }

    /// These were applied.
    pub(super) fn applied(&mut self, writes: &[Write]) {
        if self.said.len() + writes.len() > REMEMBERED {
            self.said.clear();
        }
        for write in writes {
            let ((kind, id), version) = document::subject(write);
            let subject = (kind, id.to_owned());
            // An old fact that came late changed nothing.
            if self.said.get(&subject).is_some_and(|said| said.version > version) {
                continue;
            }
            if let Write::Put(document) = write {
                self.said.insert(subject, Said { version, content: content(document) });
            } else {
                self.said.remove(&subject);
            }
        }
    }

    /// What a quiet fact is about. It is the next after the one before and says the same: where one in between is not known,
    /// another process may have applied it, and what seems to change nothing takes it back.
    fn quiet(&mut self, fact: &Taken) -> Option<Subject> {
        let Ok((Change::Write(Write::Put(document)), _)) = &fact.change else { return None };
        let subject = (document.kind, document.id.clone());
        let said = self.said.get_mut(&subject)?;
        let next = document.version == said.version + 1 && content(document) == said.content;
        next.then(|| {
            said.version = document.version;
            subject
        })
    }
}

/// Stands for all that a document says but its version.
fn content(document: &Document) -> u64 {
    let mut hasher = DefaultHasher::new();
    Document { version: 0, ..document.clone() }.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use segue_domain::{PlaylistId, UserId};
    use segue_ports::bus::{BusError, Delivery, Message};
    use segue_proto::event::v1::{Event, PlaylistChanged, event::Data};

    struct Held(Message);

    #[async_trait::async_trait]
    impl Delivery for Held {
        fn message(&self) -> &Message {
            &self.0
        }
        fn attempt(&self) -> u32 {
            1
        }
        fn last_attempt(&self) -> bool {
            false
        }
        async fn ack(self: Box<Self>) -> Result<(), BusError> {
            Ok(())
        }
        async fn fail(self: Box<Self>, _: &str) -> Result<(), BusError> {
            Ok(())
        }
        async fn release(self: Box<Self>, _: Duration) -> Result<(), BusError> {
            Ok(())
        }
    }

    struct List {
        playlist: PlaylistId,
        owner: UserId,
    }

    impl List {
        fn new() -> Self {
            Self { playlist: PlaylistId::new(), owner: UserId::new() }
        }

        fn fact(&self, version: u64, visibility: &str) -> Taken {
            let header = PlaylistChanged {
                playlist_id: self.playlist.to_string(),
                owner_id: self.owner.to_string(),
                visibility: visibility.into(),
                title: "Road trip".into(),
                ..PlaylistChanged::default()
            };
            let event = Event {
                r#type: "playlist.updated.v1".into(),
                sequence: version,
                data: Some(Data::PlaylistUpdated(header)),
                ..Event::default()
            };
            let message = Message {
                id: String::new(),
                topic: event.r#type.clone(),
                key: self.playlist.to_string(),
                payload: event.encode_to_vec().into(),
                traceparent: None,
            };
            (Box::new(Held(message)) as Box<dyn Delivery>).into()
        }
    }

    fn versions(facts: &[Taken]) -> Vec<u64> {
        facts.iter().map(|fact| fact.change.as_ref().expect("it is understood").1.sequence).collect()
    }

    /// Passes facts, and applies what is to be applied.
    fn pass(quiet: &mut Quiet, facts: Vec<Taken>, most: usize) -> (Vec<u64>, Vec<u64>) {
        let Passed { apply, overtaken } = quiet.pass(facts, most);
        let writes = apply.iter().map(|fact| match &fact.change {
            Ok((Change::Write(write), _)) => write.clone(),
            _ => panic!("only playlists are written here"),
        });
        quiet.applied(&writes.collect::<Vec<_>>());
        (versions(&apply), versions(&overtaken))
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_each_thing_waits_until_its_time_or_until_something_is_said() {
        let (a, b) = (List::new(), List::new());
        let quiet = &mut Quiet::default();
        let first = vec![a.fact(1, "PUBLIC"), b.fact(1, "PUBLIC")];
        assert_eq!(pass(quiet, first, 9), (vec![1, 1], vec![]));
        let more = vec![a.fact(2, "PUBLIC"), b.fact(2, "PUBLIC"), a.fact(3, "PUBLIC")];
        assert_eq!(pass(quiet, more, 9), (vec![], vec![2]));
        assert_eq!(pass(quiet, vec![a.fact(4, "PUBLIC")], 9), (vec![], vec![3]));
        tokio::time::advance(LONGEST).await;
        let (mut due, overtaken) = pass(quiet, Vec::new(), 9);
        due.sort_unstable();
        assert_eq!((due, overtaken, quiet.due()), (vec![2, 4], vec![], None));

        // Something is said, and takes with it what waits; too many wait no longer.
        assert_eq!(pass(quiet, vec![b.fact(3, "PUBLIC")], 9), (vec![], vec![]));
        assert_eq!(pass(quiet, vec![a.fact(5, "PRIVATE")], 9), (vec![5, 3], vec![]));
        assert_eq!(pass(quiet, vec![a.fact(6, "PRIVATE")], 1), (vec![6], vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_take_back_something_that_another_process_applied_does_not_wait() {
        let list = List::new();
        let quiet = &mut Quiet::default();
        assert_eq!(pass(quiet, vec![list.fact(5, "PRIVATE")], 9).0, [5]);
        // The sixth, which made it public, went to another process.
        assert_eq!(pass(quiet, vec![list.fact(7, "PRIVATE")], 9).0, [7]);
        // And what comes late is no memory of what is said now.
        assert_eq!(pass(quiet, vec![list.fact(6, "PUBLIC")], 9).0, [6]);
        assert_eq!(pass(quiet, vec![list.fact(8, "PUBLIC")], 9).0, [8]);
        assert_eq!(pass(quiet, vec![list.fact(9, "PUBLIC")], 9), (vec![], vec![]));
    }
}
