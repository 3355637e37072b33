//! The reaper: uploads that expired, and objects that nobody needs any more.

use crate::{Error, repository::Rubbish, role::Role, transition, transition::Step};
use futures::{TryStreamExt, stream};
use segue_domain::{SongId, SongState};
use segue_ports::blob::BlobError;

/// Objects that are deleted at a time.
const AT_ONCE: usize = 8;

impl Role {
    /// One round, bounded. What it does not get to, or fails at, comes in a later one; doing it twice is harmless.
    pub(crate) async fn reap(&self) {
        if let Err(error) = self.expire_uploads().await {
            tracing::warn!(%error, "expired uploads cannot be removed");
        }
        if let Err(error) = self.empty_bin().await {
            tracing::warn!(%error, "garbage cannot be removed");
        }
    }

    async fn expire_uploads(&self) -> Result<(), Error> {
        let now = self.now();
        let start = now.minus(self.config.upload_expiry());
        for id in self.songs.uploading_since(start, self.config.reap_batch).await? {
            let expired = |song: &crate::record::SongRecord| {
                song.state == SongState::Created && song.upload.started < start
            };
            let gone = self.songs.change(id, |song| {
                Ok(if expired(song) { transition::deleted(song, now) } else { Step::keep() })
            });
            if gone.await?.deleted.is_some() {
                tracing::info!(song.id = %id, "upload expired");
            }
        }
        Ok(())
    }

    async fn empty_bin(&self) -> Result<(), Error> {
        let now = self.now();
        for rubbish in self.garbage.due(now, self.config.reap_batch).await? {
            let removed = self.remove(&rubbish).await?;
            tracing::debug!(song.id = %rubbish.song, prefix = rubbish.prefix, objects = removed, "garbage removed");
            match rubbish.second_pass {
                true => self.garbage.forget(&rubbish).await?,
                // A job or an upload URL that was alive at the time may still have written.
                false => {
                    let writer = self.config.longest_job().max(self.config.upload_url_life());
                    self.garbage.again(&rubbish, now.plus(writer)).await?;
                }
            }
        }
        Ok(())
    }

    /// Deletes every object under the prefix, and says how many.
    async fn remove(&self, rubbish: &Rubbish) -> Result<u64, Error> {
        if !belongs(&rubbish.prefix, rubbish.song) {
            return Err(Error::Internal(format!(
                "garbage {:?} is not of song {}",
                rubbish.prefix, rubbish.song
            )));
        }
        let (mut removed, mut after) = (0, None);
        loop {
            let page = self.blob.list(&rubbish.prefix, after.as_deref()).await?;
            removed += page.objects.len() as u64;
            stream::iter(page.objects.into_iter().map(Ok::<_, BlobError>))
                .try_for_each_concurrent(AT_ONCE, |object| async move { self.blob.delete(&object).await })
                .await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(removed),
            }
        }
    }
}

/// The last lock before objects are deleted by prefix: it must lie in a folder of its song.
fn belongs(prefix: &str, song: SongId) -> bool {
    ["originals", "media"].iter().any(|folder| prefix.starts_with(&format!("{folder}/{song}/")))
}
