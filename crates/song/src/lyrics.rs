//! GetLyrics: the words of a song, from the manifest of its output.

use crate::{
    Error, answer,
    manifest::{self, Unreadable},
    record::LyricsKind,
    role::Role,
    service::Call,
};
use moka::future::Cache;
use segue_domain::{OutputId, SongId, SongState};
use segue_ports::blob::BlobStore;
use segue_proto::song::v1::{GetLyricsResponse, LyricsLine};
use std::{sync::Arc, time::Duration};

/// Most lines that are handed out; no encoder writes more.
const MOST_LINES: usize = 5_000;
/// Most text that is handed out, bytes, likewise.
const MOST_BYTES: usize = 64 << 10;
/// Memory for words that were asked for lately, bytes.
const CACHE_BYTES: u64 = 4 << 20;

/// Words by output. An output never changes, so neither do they.
#[derive(Debug)]
pub(crate) struct LyricsBook {
    blob: Arc<dyn BlobStore>,
    words: Cache<OutputId, Arc<GetLyricsResponse>>,
}

impl Role {
    pub(crate) async fn get_lyrics(&self, call: &Call, song_id: &str) -> Result<GetLyricsResponse, Error> {
        let song = self.seen(call, song_id).await?;
        let output = song.output.filter(|output| song.state == SongState::Ready && output.lyrics.is_some());
        let output = output.ok_or(Error::NoLyrics(song.id))?;
        let words = self.lyrics.words(song.id, output.id).await?;
        if words.lines.is_empty() { Err(Error::NoLyrics(song.id)) } else { Ok(Arc::unwrap_or_clone(words)) }
    }
}

impl LyricsBook {
    pub(crate) fn new(blob: Arc<dyn BlobStore>) -> Self {
        let weigh = |_: &OutputId, words: &Arc<GetLyricsResponse>| {
            let lines = words.lines.iter().map(|line| line.text.len() + size_of::<LyricsLine>());
            u32::try_from(lines.sum::<usize>() + size_of::<GetLyricsResponse>()).unwrap_or(u32::MAX)
        };
        let words = Cache::builder()
            .weigher(weigh)
            .max_capacity(CACHE_BYTES)
            .time_to_idle(Duration::from_secs(600))
            .build();
        Self { blob, words }
    }

    /// The words of an output. Callers that ask at the same time wait for one load.
    async fn words(&self, song: SongId, output: OutputId) -> Result<Arc<GetLyricsResponse>, Error> {
        let loaded = self.words.try_get_with(output, self.load(song, output)).await;
        loaded.map_err(|error| error.of(song, output))
    }

    async fn load(&self, song: SongId, output: OutputId) -> Result<Arc<GetLyricsResponse>, Unreadable> {
        let lyrics = manifest::load(self.blob.as_ref(), song, output).await?.lyrics.unwrap_or_default();
        let kind = if lyrics.synced { LyricsKind::Synced } else { LyricsKind::Plain };
        let mut bytes = 0;
        let mut fits = |text: &str| {
            bytes += text.len();
            bytes <= MOST_BYTES
        };
        let lines = lyrics.lines.into_iter().take(MOST_LINES).take_while(|line| fits(&line.text));
        Ok(Arc::new(GetLyricsResponse {
            kind: answer::lyrics(kind).into(),
            lines: lines.map(|line| LyricsLine { start_ms: line.start_ms, text: line.text }).collect(),
            language: lyrics.language.chars().take(3).collect(),
        }))
    }
}
