//! Durations of items follow their songs: a song that was added before it was READY has none yet.

use crate::{
    Error,
    fact::Fact,
    record::ItemRecord,
    repository::{Change, Draft, Outcome},
    role::Role,
};
use async_trait::async_trait;
use segue_domain::{ItemId, PlaylistId, SongId};
use segue_proto::song::v1::{Song, SongState};
use std::collections::HashMap;

/// Durations that are not what the items say, milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured(Vec<(ItemId, u64)>);

impl Measured {
    pub(crate) fn of(items: &[ItemRecord], songs: &HashMap<SongId, Song>) -> Self {
        let measured = items.iter().filter_map(|item| {
            let song = songs.get(&item.song).filter(|song| song.state() == SongState::Ready)?;
            (song.duration_ms != item.duration_ms).then_some((item.id, song.duration_ms))
        });
        Self(measured.collect())
    }
}

impl Role {
    /// Writes down what a reader has found out, after the reader was answered. Lost, it is found out again.
    pub(crate) fn remeasure(&self, playlist: PlaylistId, mut measured: Measured) {
        if measured.0.is_empty() {
            return;
        }
        // Few at a time; what is left out now is found out again.
        let Ok(permit) = self.measuring.clone().try_acquire_owned() else { return };
        let playlists = self.playlists.clone();
        tokio::spawn(async move {
            if let Err(error) = playlists.change(playlist, &mut measured).await {
                tracing::debug!(%error, playlist.id = %playlist, "durations cannot be written");
            }
            drop(permit);
        });
    }
}

#[async_trait]
impl Change for Measured {
    type Answer = ();

    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<(), Error> {
        let ids: Vec<ItemId> = self.0.iter().map(|(id, _)| *id).collect();
        let known: HashMap<ItemId, u64> = self.0.iter().copied().collect();
        let items = match draft.before.deleted {
            Some(_) => Vec::new(),
            None => draft.items().some(&ids).await?,
        };
        for item in items {
            let Some(duration) = known.get(&item.id).copied().filter(|d| *d != item.duration_ms) else {
                continue;
            };
            draft.items().measure(item.id, duration).await?;
            let total = draft.next.duration_ms.saturating_add(duration).saturating_sub(item.duration_ms);
            draft.next.duration_ms = total;
            draft.outcome = Outcome::Tell(Fact::Updated);
        }
        Ok(())
    }
}
