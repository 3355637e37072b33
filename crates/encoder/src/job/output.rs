//! The objects of one attempt on their way into the blob store.

use super::stop::Stop;
use bytes::Bytes;
use futures::StreamExt;
use segue_domain::{ObjectName, OutputId, SongId};
use segue_media::Manifest;
use segue_ports::blob::{BlobError, BlobStore, Condition};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tracing::Instrument;

/// Most objects of one output: twelve hours of all rungs are a third of it.
const MOST_OBJECTS: usize = 100_000;
/// Name of the commit point.
pub(super) const MANIFEST: &str = "manifest.json";
/// How often a put is tried while the store is away.
const TRIES: u32 = 4;
/// How long cleaning up may take; the reaper does the rest.
const CLEANING: Duration = Duration::from_secs(20);

/// Stores objects under an output id of its own, a few at a time.
pub(super) struct Output {
    pub(super) song: SongId,
    pub(super) id: OutputId,
    blob: Arc<dyn BlobStore>,
    crash: fn(&'static str),
    parallel: usize,
    /// Bytes that the whole output may have.
    room: u64,
    in_flight: JoinSet<Result<(), BlobError>>,
    /// Size of every object that was begun, by its relative name.
    sizes: HashMap<String, u64>,
    stored: usize,
}

impl Output {
    pub(super) fn new(
        blob: Arc<dyn BlobStore>,
        song: SongId,
        parallel: usize,
        room: u64,
        crash: fn(&'static str),
    ) -> Self {
        Self {
            song,
            id: OutputId::new(),
            blob,
            crash,
            parallel,
            room,
            in_flight: JoinSet::new(),
            sizes: HashMap::new(),
            stored: 0,
        }
    }

    /// Begins to store an object; waits while too many are on their way. Playlists wait for everything before
    /// them. The manifest is not stored here but by [`Output::commit`].
    pub(super) async fn put(&mut self, name: String, content_type: String, bytes: Bytes) -> Result<(), Stop> {
        let object = self.admit(&name, &content_type, bytes.len())?;
        if name.ends_with(".m3u8") {
            self.drain().await?;
        }
        while self.in_flight.len() >= self.parallel {
            self.join_one().await?;
        }
        self.sizes.insert(name, bytes.len() as u64);
        let blob = Arc::clone(&self.blob);
        let span =
            tracing::info_span!("blob.put", object = %object, bytes = bytes.len(), otel.kind = "client");
        let put = async move { store(&*blob, &object, &content_type, bytes).await };
        self.in_flight.spawn(put.instrument(span));
        Ok(())
    }

    /// Names, types and sizes come from a child that may have been taken over.
    fn admit(&mut self, name: &str, content_type: &str, size: usize) -> Result<ObjectName, Stop> {
        let refuse = |why: &str| Err(Stop::Died(format!("child process sent object {name:?}: {why}")));
        let Ok(object) = ObjectName::media(self.song, self.id, name) else {
            return refuse("name is not allowed");
        };
        let good = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("m3u8") => content_type == "application/vnd.apple.mpegurl",
            Some("mp4" | "m4s") => content_type == "audio/mp4",
            Some("jpg") => content_type == "image/jpeg",
            Some("json") => content_type == "application/json" && name == MANIFEST,
            _ => false,
        };
        if !good {
            return refuse("kind is not allowed");
        }
        if self.sizes.len() >= MOST_OBJECTS || self.sizes.contains_key(name) {
            return refuse("one too many");
        }
        match self.room.checked_sub(size as u64) {
            None => return refuse("output is too large"),
            Some(room) => self.room = room,
        }
        Ok(object)
    }

    /// Waits until everything that was begun is stored.
    pub(super) async fn drain(&mut self) -> Result<(), Stop> {
        while !self.in_flight.is_empty() {
            self.join_one().await?;
        }
        Ok(())
    }

    async fn join_one(&mut self) -> Result<(), Stop> {
        match self.in_flight.join_next().await {
            None => {}
            Some(Err(panicked)) => return Err(Stop::Died(format!("put: {panicked}"))),
            Some(Ok(put)) => {
                put?;
                self.stored += 1;
                if self.stored == 3 {
                    (self.crash)("segment-put");
                }
            }
        }
        Ok(())
    }

    /// Whether every object that the manifest names is there; the size of all of them together.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<u64, Stop> {
        let objects = manifest
            .rungs
            .iter()
            .flat_map(|r| r.segments.iter().map(|s| &s.object).chain([&r.init]))
            .chain(manifest.covers.iter().map(|c| &c.object));
        let playlists = manifest.rungs.iter().map(|r| &r.playlist).chain([&manifest.playlist]);
        let whole = !manifest.rungs.is_empty()
            && objects.into_iter().all(|o| self.sizes.get(&o.name) == Some(&o.bytes))
            && playlists.into_iter().all(|name| self.sizes.contains_key(name));
        match whole {
            true => Ok(self.sizes.values().sum()),
            false => Err(Stop::Died("child process sent a manifest that names what is not there".into())),
        }
    }

    /// Stores the manifest: from here on the output is complete.
    pub(super) async fn commit(&mut self, manifest: Bytes) -> Result<(), Stop> {
        self.drain().await?;
        let object = self.admit(MANIFEST, "application/json", manifest.len())?;
        self.sizes.insert(MANIFEST.into(), manifest.len() as u64);
        Ok(store(&*self.blob, &object, "application/json", manifest).await?)
    }

    /// Deletes what was stored, as far as that goes in a moment. Only for an output that nobody was told of.
    pub(super) async fn abandon(mut self) {
        let song = self.song;
        let cleaned = tokio::time::timeout(CLEANING, async {
            // What is on its way would arrive after its deletion.
            while self.in_flight.join_next().await.is_some() {}
            let mut names = Vec::new();
            for name in self.sizes.keys() {
                names.extend(ObjectName::media(self.song, self.id, name).ok());
            }
            let deleted = futures::stream::iter(names).map(|name| {
                let blob = Arc::clone(&self.blob);
                async move { blob.delete(&name).await.is_ok() }
            });
            deleted.buffer_unordered(self.parallel).all(std::future::ready).await
        });
        if !cleaned.await.unwrap_or(false) {
            tracing::info!(song.id = %song, "objects of an abandoned attempt are left to the reaper");
        }
    }
}

/// Stores an object that nobody else stores: one that is there after a failure is our own.
async fn store(
    blob: &dyn BlobStore,
    object: &ObjectName,
    content_type: &str,
    bytes: Bytes,
) -> Result<(), BlobError> {
    let mut wait = Duration::from_millis(200);
    for tried in 1.. {
        match blob.put(object, content_type, bytes.clone(), Condition::IfAbsent).await {
            Ok(_) => return Ok(()),
            Err(BlobError::Exists(_)) if tried > 1 => return Ok(()),
            Err(BlobError::Unavailable(error)) if tried < TRIES => {
                tracing::debug!(%object, %error, "put is tried again");
                tokio::time::sleep(wait).await;
                wait *= 3;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
