//! The way of a file: hash, declare, send what is missing, complete, wait until it plays.

use crate::{Client, ClientError, FileIdentity, Patience, blocks, watch};
use segue_proto::song::v1::{
    CompleteUploadRequest, CreateSongRequest, GetUploadRequest, ListSongsRequest, RenewUploadRequest, Song,
    SongState, Upload, UploadGrant, UploadState, Visibility,
};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// What an upload is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the file.
    Hashing,
    /// Sending blocks.
    Uploading,
    /// Waiting for the encoder.
    Encoding,
}

/// Hears how far an upload is: stage, done and total, in bytes; in percent while encoding.
pub trait Progress: Send + Sync {
    /// How far it is.
    fn at(&self, stage: Stage, done: u64, total: u64);
}

impl Progress for () {
    fn at(&self, _: Stage, _: u64, _: u64) {}
}

/// How to upload.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// Wait until the song is READY or FAILED.
    pub wait: bool,
    /// How long to go on while the server is away.
    pub patience: Patience,
    /// UUIDv7 that becomes the song id. Keep it and give it again, and an interrupted upload is found again.
    pub request_id: Option<String>,
    /// Overrides the title in the tags.
    pub title: String,
    /// Who may see it.
    pub public: Option<Visibility>,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            wait: true,
            patience: Patience::default(),
            request_id: None,
            title: String::new(),
            public: None,
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// The song.
    pub song: Song,
    /// The user already had these bytes; nothing was sent.
    pub skipped: bool,
    /// Bytes that were sent, without those that were stored before.
    pub sent_bytes: u64,
}

/// An upload under way.
pub(crate) struct Uploading<'a> {
    pub(crate) client: &'a Client,
    pub(crate) file: &'a FileIdentity,
    pub(crate) patience: Patience,
    pub(crate) url: Mutex<String>,
    song_id: String,
    progress: &'a dyn Progress,
    stored: AtomicU64,
    sent: AtomicU64,
}

impl Client {
    /// Uploads a file that [`crate::identify`] has read. Interrupted anywhere and called again, it sends only the
    /// blocks that the store does not have. A file that the user already has is not sent.
    pub async fn upload(
        &self,
        file: &FileIdentity,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<Uploaded, ClientError> {
        let known = options.patience.retry(|| self.find(&file.sha256)).await?;
        let complete = known.iter().find(|s| !matches!(s.state(), SongState::Created | SongState::Failed));
        if let Some(song) = complete {
            let song = self.finish(song.clone(), options, progress).await?;
            return Ok(Uploaded { song, skipped: true, sent_bytes: 0 });
        }
        let begun = known.into_iter().find(|s| s.state() == SongState::Created);
        let (song, grant) = match begun {
            Some(song) => {
                let grant = options.patience.retry(|| self.renew(&song.song_id)).await?;
                (song, Some(grant))
            }
            None => options.patience.retry(|| self.create(file, options)).await?,
        };
        let (song, sent_bytes) = match grant {
            Some(grant) => self.fill(file, &song, grant, options, progress).await?,
            None => (song, 0),
        };
        let song = self.finish(song, options, progress).await?;
        Ok(Uploaded { song, skipped: false, sent_bytes })
    }

    async fn find(&self, sha256: &str) -> Result<Vec<Song>, ClientError> {
        let request = self.request(ListSongsRequest { sha256: sha256.into(), ..Default::default() }).await?;
        let answer = self.songs().list_songs(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().songs)
    }

    async fn create(
        &self,
        file: &FileIdentity,
        options: &UploadOptions,
    ) -> Result<(Song, Option<UploadGrant>), ClientError> {
        let name = file.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let request = CreateSongRequest {
            request_id: options.request_id.clone().unwrap_or_default(),
            filename: name.chars().filter(|c| !c.is_control()).take(255).collect(),
            size_bytes: file.size,
            sha256: file.sha256.clone(),
            title: options.title.clone(),
            visibility: options.public.unwrap_or(Visibility::Unspecified).into(),
        };
        let answer = self
            .songs()
            .create_song(self.request(request).await?)
            .await
            .map_err(|s| self.refused(s))?
            .into_inner();
        let song =
            answer.song.ok_or_else(|| ClientError::Other("the server answered without a song".into()))?;
        Ok((song, answer.upload))
    }

    async fn renew(&self, song_id: &str) -> Result<UploadGrant, ClientError> {
        let request = self.request(RenewUploadRequest { song_id: song_id.into() }).await?;
        let answer = self.songs().renew_upload(request).await.map_err(|s| self.refused(s))?;
        answer
            .into_inner()
            .upload
            .ok_or_else(|| ClientError::Other("the server answered without a grant".into()))
    }

    async fn progress_of(&self, song_id: &str) -> Result<Upload, ClientError> {
        let request = self.request(GetUploadRequest { song_id: song_id.into() }).await?;
        let answer = self.songs().get_upload(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().upload.unwrap_or_default())
    }

    async fn complete(&self, song_id: &str) -> Result<Song, ClientError> {
        let request = self.request(CompleteUploadRequest { song_id: song_id.into() }).await?;
        let answer = self.songs().complete_upload(request).await.map_err(|s| self.refused(s))?;
        answer
            .into_inner()
            .song
            .ok_or_else(|| ClientError::Other("the server answered without a song".into()))
    }

    /// Sends what is missing and completes. What the store says is missing after that is sent again, twice at most.
    async fn fill(
        &self,
        file: &FileIdentity,
        song: &Song,
        grant: UploadGrant,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<(Song, u64), ClientError> {
        let up = Uploading {
            client: self,
            file,
            patience: options.patience,
            url: Mutex::new(grant.url.clone()),
            song_id: song.song_id.clone(),
            progress,
            stored: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        };
        let mut rounds = 0;
        loop {
            let upload = options.patience.retry(|| self.progress_of(&song.song_id)).await?;
            if upload.state() == UploadState::Uploading {
                let stored: std::collections::HashSet<u32> = upload.received_blocks.iter().copied().collect();
                up.stored.store(upload.received_bytes, Ordering::Relaxed);
                progress.at(Stage::Uploading, upload.received_bytes, file.size);
                let missing = (0..grant.block_count).filter(|i| !stored.contains(i)).collect();
                blocks::send(&up, &grant, missing).await?;
                file.check_unchanged()?;
            }
            rounds += 1;
            match options.patience.retry(|| self.complete(&song.song_id)).await {
                Err(e) if e.reason().as_deref() == Some("UPLOAD_INCOMPLETE") && rounds < 3 => {}
                done => return done.map(|song| (song, up.sent.load(Ordering::Relaxed))),
            }
        }
    }

    async fn finish(
        &self,
        song: Song,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<Song, ClientError> {
        if !options.wait || matches!(song.state(), SongState::Ready) {
            return Ok(song);
        }
        watch::until_done(self, &song.song_id, options.patience, |_, percent| {
            progress.at(Stage::Encoding, u64::from(percent), 100);
        })
        .await
    }
}

impl Uploading<'_> {
    /// Counts a block that is now stored.
    pub(crate) fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        let stored = self.stored.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.progress.at(Stage::Uploading, stored, self.file.size);
    }

    /// A new URL, unless another block has already fetched one.
    pub(crate) async fn renew(&self, refused: &str) -> Result<(), ClientError> {
        let mut url = self.url.lock().await;
        if *url == refused {
            *url = self.client.renew(&self.song_id).await?.url;
        }
        Ok(())
    }
}
