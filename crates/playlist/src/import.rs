//! ImportPlaylist: a file of another program, or of our own, becomes a playlist.

use crate::{
    Error,
    add::new_item,
    create::{Declared, digest, requested},
    field::{Checks, MOST_AT_ONCE, MOST_TITLE},
    file::{self, Entry, Parsed},
    record::{ItemRecord, PlaylistRecord},
    role::Role,
    service::Call,
};
use segue_domain::{SongId, UserId, Visibility};
use segue_proto::playlist::v1::{ImportPlaylistRequest, ImportPlaylistResponse, MissingEntry};
use std::collections::HashMap;

/// Title of a file that says none.
const UNTITLED: &str = "Imported playlist";
/// Entries that were not found and are listed.
const MOST_MISSING: usize = 1_000;

impl Role {
    pub(crate) async fn import(
        &self,
        owner: UserId,
        call: &Call,
        request: ImportPlaylistRequest,
    ) -> Result<ImportPlaylistResponse, Error> {
        let format = file::format(request.format)?;
        let (content, parsed) = parsed(request.content, format).await?;
        let mut checks = Checks::default();
        let title = match request.title.trim() {
            "" => title_of(&parsed),
            title => checks.title("title", title),
        };
        let requested = requested(&mut checks, &request.request_id);
        checks.done()?;
        let declared = Declared {
            digest: digest(&[b"import", title.as_bytes(), &content]),
            title,
            description: String::new(),
            visibility: Visibility::Private,
            refuse_duplicates: false,
        };
        let found = self.matches(call, &parsed.entries).await?;
        if let Some(id) = requested
            && let Some(first) = self.repeated(id, owner, &declared.digest).await?
        {
            return Ok(self.imported(call, &first, &parsed, &found).await);
        }
        let now = self.now();
        let items = found.iter().flatten().map(|(song, duration)| new_item(*song, *duration, owner, now));
        let items: Vec<ItemRecord> = items.collect();
        let playlist = self.found(requested, owner, declared, items).await?;
        Ok(self.imported(call, &playlist, &parsed, &found).await)
    }

    /// The song of each entry, with its duration: by id, of all that the caller sees, else as the song role finds it among the
    /// caller's own.
    async fn matches(&self, call: &Call, entries: &[Entry]) -> Result<Vec<Option<(SongId, u64)>>, Error> {
        let named = entries.iter().map(|entry| entry.hint.song_id.parse::<SongId>().ok());
        let named: Vec<Option<SongId>> = named.collect();
        let seen = self.songs.find(&call.passport, named.iter().flatten().copied()).await?;
        let seen: HashMap<SongId, u64> = seen.iter().map(|(id, song)| (*id, song.duration_ms)).collect();
        let by_id = |id: &Option<SongId>| id.and_then(|id| Some((id, *seen.get(&id)?)));
        let mut found: Vec<Option<(SongId, u64)>> = named.iter().map(by_id).collect();
        let open: Vec<usize> = (0..entries.len()).filter(|at| found[*at].is_none()).collect();
        for part in open.chunks(MOST_AT_ONCE) {
            let hints = part.iter().map(|at| entries[*at].hint.clone()).collect();
            let matches = self.songs.matching(&call.passport, hints).await?;
            for (at, matched) in part.iter().zip(matches) {
                found[*at] = matched.song_id.parse().ok().map(|song| (song, matched.duration_ms));
            }
        }
        Ok(found)
    }

    async fn imported(
        &self,
        call: &Call,
        playlist: &PlaylistRecord,
        parsed: &Parsed,
        found: &[Option<(SongId, u64)>],
    ) -> ImportPlaylistResponse {
        let lost = parsed.entries.iter().zip(found).filter(|(_, found)| found.is_none());
        let missing = lost.clone().take(MOST_MISSING);
        let missing = missing.map(|(entry, _)| MissingEntry { position: entry.position, text: entry.text() });
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        ImportPlaylistResponse {
            playlist: Some(self.answer(call, playlist).await),
            matched: count(found.iter().flatten().count()),
            missing_count: count(lost.clone().count()).saturating_add(parsed.beyond),
            missing: missing.collect(),
        }
    }
}

/// Reads a file, and gives it back with what is in it. Three megabytes take a while, which others need not wait for.
async fn parsed(content: Vec<u8>, format: Option<file::Format>) -> Result<(Vec<u8>, Parsed), Error> {
    let read = move || {
        let parsed = file::parse(&content, format)?;
        Ok((content, parsed))
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|e| Error::Internal(format!("reading a file: {e}")))?
}

/// What a file calls itself, as far as a title may be so long.
fn title_of(parsed: &Parsed) -> String {
    let title: String = parsed.title.chars().take(MOST_TITLE).collect();
    match title.trim() {
        "" => UNTITLED.to_owned(),
        title => title.to_owned(),
    }
}
