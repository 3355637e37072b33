//! The state machine: what each thing that happens makes of a song. Pure; the repository makes it durable.

use crate::{
    fact::Fact,
    field::{self, MOST_ARTISTS, MOST_NUMBER, tidy, tidy_message},
    record::{Failure, Field, Metadata, Output, SongRecord},
};
use segue_domain::{EncodingId, ObjectName, SongId, SongState, Timestamp, UploadId, UserId};
use segue_proto::event::v1::Tags;
use std::time::Duration;

/// What to do about something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// The song as it becomes, and the fact that says so; `None` leaves it alone. Version and time are set when it is written.
    pub change: Option<(Box<SongRecord>, Fact)>,
    /// What the reaper has to remove.
    pub garbage: Vec<Garbage>,
}

/// Objects that nobody needs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Garbage {
    pub song: SongId,
    /// Everything whose name begins with this.
    pub prefix: String,
    /// How long it must stay: someone may still hold a grant, or still write.
    pub delay: Duration,
}

impl Step {
    /// Nothing.
    pub(crate) fn keep() -> Self {
        Self { change: None, garbage: Vec::new() }
    }
    /// A change.
    pub(crate) fn to(song: SongRecord, fact: Fact) -> Self {
        Self { change: Some((Box::new(song), fact)), garbage: Vec::new() }
    }
    /// Garbage and no change.
    pub(crate) fn drop(garbage: Garbage) -> Self {
        Self { change: None, garbage: vec![garbage] }
    }
    fn and(mut self, garbage: Option<Garbage>) -> Self {
        self.garbage.extend(garbage);
        self
    }
}

/// All bytes of attempt `upload` are stored under `etag`. `released`: it is this song's turn.
pub(crate) fn uploaded(
    song: &SongRecord,
    upload: UploadId,
    etag: &str,
    encoding: EncodingId,
    released: bool,
) -> Step {
    if song.state != SongState::Created || song.upload.id != upload {
        return Step::keep();
    }
    let mut next = song.clone();
    next.upload.etag = Some(etag.to_owned());
    queue(next, encoding, released)
}

/// A waiting song's turn has come.
pub(crate) fn released(song: &SongRecord) -> Step {
    if song.deleted.is_some() || song.state != SongState::Uploaded || song.released {
        return Step::keep();
    }
    let mut next = song.clone();
    next.released = true;
    Step::to(next, Fact::Uploaded)
}

/// An encoder has taken the job.
pub(crate) fn started(song: &SongRecord, encoding: EncodingId) -> Step {
    if !current(song, encoding) || song.state != SongState::Uploaded {
        return Step::keep();
    }
    let mut next = song.clone();
    next.state = SongState::Processing;
    Step::to(next, Fact::Processing)
}

/// A job has made `output`. Only the first output of the newest job becomes visible, whatever the order and the number of
/// deliveries; `longest_job` is how long a loser may still be written to.
pub(crate) fn succeeded(song: &SongRecord, output: Output, tags: &Tags, longest_job: Duration) -> Step {
    if song.output.as_ref().is_some_and(|visible| visible.id == output.id) {
        return Step::keep();
    }
    let settled = song.output.as_ref().is_some_and(|visible| visible.encoding == output.encoding);
    if !current(song, output.encoding) || settled {
        return Step::drop(output_garbage(song.id, &output, longest_job));
    }
    // Whoever listens to the output that this one replaces holds a grant for it.
    let replaced = song
        .output
        .as_ref()
        .map(|old| output_garbage(song.id, old, old.grant_life() + Duration::from_secs(60)));
    let mut next = song.clone();
    next.state = SongState::Ready;
    next.failure = None;
    fill(&mut next, tags);
    next.output = Some(output);
    Step::to(next, Fact::Ready).and(replaced)
}

/// A job has ended without an output. A READY song stays READY.
pub(crate) fn failed(song: &SongRecord, encoding: EncodingId, reason: &str, message: &str) -> Step {
    if !current(song, encoding) || !matches!(song.state, SongState::Uploaded | SongState::Processing) {
        return Step::keep();
    }
    let mut next = song.clone();
    next.state = SongState::Failed;
    next.failure = Some(Failure { reason: tidy(reason), message: tidy_message(message) });
    Step::to(next, Fact::Failed)
}

/// A FAILED song is tried again with the bytes that are there.
pub(crate) fn retried(song: &SongRecord, encoding: EncodingId, released: bool) -> Step {
    let mut next = song.clone();
    next.failure = None;
    queue(next, encoding, released)
}

/// A FAILED song needs other bytes: the upload begins anew. URLs of the old attempt work for up to `url_life`.
pub(crate) fn restarted(song: &SongRecord, upload: UploadId, now: Timestamp, url_life: Duration) -> Step {
    let old = Garbage { song: song.id, prefix: song.object().into(), delay: url_life };
    let mut next = song.clone();
    next.failure = None;
    next.state = SongState::Created;
    next.upload.id = upload;
    next.upload.started = now;
    next.upload.etag = None;
    next.encoding = None;
    next.released = false;
    Step::to(next, Fact::Updated).and(Some(old))
}

/// The song goes. What remains is a tombstone that says nothing about its content.
pub(crate) fn deleted(song: &SongRecord, now: Timestamp) -> Step {
    if song.deleted.is_some() {
        return Step::keep();
    }
    let mut next = song.clone();
    next.deleted = Some(now);
    next.metadata = Metadata::default();
    next.original.filename = String::new();
    next.original.sha256 = String::new();
    next.failure = None;
    next.released = false;
    let mut step = Step::to(next, Fact::Deleted);
    for prefix in [ObjectName::originals_prefix(song.id), ObjectName::media_prefix(song.id)] {
        step.garbage.push(Garbage { song: song.id, prefix, delay: Duration::ZERO });
    }
    step
}

/// The song now belongs to `heir`, because `owner` is gone. Its bytes stay where they are.
pub(crate) fn handed_over(song: &SongRecord, owner: UserId, heir: UserId) -> Step {
    if song.deleted.is_some() || song.owner != owner {
        return Step::keep();
    }
    let mut next = song.clone();
    next.owner = heir;
    Step::to(next, Fact::Updated)
}

/// What the reaper removes of an output.
pub(crate) fn output_garbage(song: SongId, output: &Output, delay: Duration) -> Garbage {
    Garbage { song, prefix: ObjectName::output_prefix(song, output.id), delay }
}

fn current(song: &SongRecord, encoding: EncodingId) -> bool {
    song.deleted.is_none() && song.encoding == Some(encoding)
}

fn queue(mut next: SongRecord, encoding: EncodingId, released: bool) -> Step {
    next.state = SongState::Uploaded;
    next.encoding = Some(encoding);
    next.released = released;
    Step::to(next, if released { Fact::Uploaded } else { Fact::Updated })
}

/// Tags fill what the owner has not set. They come from a file that nobody checked.
fn fill(song: &mut SongRecord, tags: &Tags) {
    let open = |field| !song.edited.contains(&field);
    let number = |n: u32| if n <= MOST_NUMBER { n } else { 0 };
    let metadata = &mut song.metadata;
    let texts = [
        (Field::Title, &tags.title, &mut metadata.title),
        (Field::Album, &tags.album, &mut metadata.album),
        (Field::AlbumArtist, &tags.album_artist, &mut metadata.album_artist),
        (Field::Genre, &tags.genre, &mut metadata.genre),
    ];
    for (field, tag, value) in texts {
        let tag = tidy(tag);
        if open(field) && !tag.is_empty() {
            *value = tag;
        }
    }
    let numbers = [
        (Field::Year, tags.year, &mut metadata.year),
        (Field::TrackNumber, tags.track_number, &mut metadata.track_number),
        (Field::DiscNumber, tags.disc_number, &mut metadata.disc_number),
    ];
    for (field, tag, value) in numbers {
        if open(field) && number(tag) != 0 {
            *value = tag;
        }
    }
    // They name the recording, and this output may be of another than the one before.
    metadata.isrc = field::isrc(&tags.isrc);
    metadata.musicbrainz_id = field::musicbrainz_id(&tags.musicbrainz_id);
    let artists = tags.artists.iter().map(|a| tidy(a)).filter(|a| !a.is_empty()).take(MOST_ARTISTS);
    let artists: Vec<String> = artists.collect();
    if open(Field::Artists) && !artists.is_empty() {
        metadata.artists = artists;
    }
}
