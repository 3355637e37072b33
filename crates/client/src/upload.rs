//! The way of a file: hash, declare, send what is missing, complete, wait until it plays.

use crate::{Client, ClientError, FileIdentity, Patience, blocks, watch};
use segue_domain::FailureReason;
use segue_proto::song::v1::{
    CompleteUploadRequest, CreateSongRequest, GetUploadRequest, ListSongsRequest, RenewUploadRequest,
    RetrySongRequest, Song, SongState, Upload, UploadGrant, UploadState, Visibility,
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
    /// The song had FAILED before, and is tried again.
    pub retried: bool,
    /// Bytes that were sent, without those that were stored before.
    pub sent_bytes: u64,
    /// Bytes that an interrupted upload had stored before.
    pub resumed_bytes: u64,
}

impl Uploaded {
    fn untouched(song: Song) -> Self {
        Self { song, skipped: false, retried: false, sent_bytes: 0, resumed_bytes: 0 }
    }
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
    /// blocks that the store does not have. A file that the user already has is not sent; a song that these bytes made
    /// and that FAILED is tried again, so that there is never a second one.
    pub async fn upload(
        &self,
        file: &FileIdentity,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<Uploaded, ClientError> {
        let mut known = options.patience.retry(|| self.find(&file.sha256)).await?;
        known.sort_by_key(|song| match song.state() {
            SongState::Created => 1,
            SongState::Failed => 2,
            _ => 0,
        });
        let first = known.into_iter().next();
        match first.as_ref().map(Song::state) {
            Some(SongState::Failed) => {
                let song_id = first.unwrap_or_default().song_id;
                self.retry_song(&song_id, Some(file), options, progress).await
            }
            Some(SongState::Created) => {
                let song = first.unwrap_or_default();
                let grant = options.patience.retry(|| self.renew(&song.song_id)).await?;
                self.go_on(Uploaded::untouched(song), Some((grant, file)), options, progress).await
            }
            Some(_) => {
                let known = Uploaded { skipped: true, ..Uploaded::untouched(first.unwrap_or_default()) };
                self.go_on(known, None, options, progress).await
            }
            None => {
                let (song, grant) = options.patience.retry(|| self.create(file, options)).await?;
                let missing = grant.map(|grant| (grant, file));
                self.go_on(Uploaded::untouched(song), missing, options, progress).await
            }
        }
    }

    /// Tries a FAILED song again. `file` must be the one that it was declared with, and is needed when the stored bytes
    /// are not that file's. Interrupted and called again, it goes on.
    pub async fn retry_song(
        &self,
        song_id: &str,
        file: Option<&FileIdentity>,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<Uploaded, ClientError> {
        let song = options.patience.retry(|| self.song(song_id)).await?;
        if let Some(file) = file.filter(|file| file.sha256 != song.sha256) {
            return Err(ClientError::OtherFile(file.path.display().to_string()));
        }
        let reason = song.failure.as_ref().and_then(|failure| failure.reason.parse().ok());
        let needed = song.state() == SongState::Created || reason.is_some_and(FailureReason::needs_new_bytes);
        if needed && file.is_none() {
            // Said before the song is touched: as it is, it says why it failed.
            return Err(ClientError::FileNeeded(song_id.into()));
        }
        let (song, grant) = match song.state() {
            SongState::Created => {
                let grant = options.patience.retry(|| self.renew(song_id)).await?;
                (song, Some(grant))
            }
            _ => options.patience.retry(|| self.restart(&song)).await?,
        };
        let missing = match (grant, file) {
            (None, _) => None,
            (Some(grant), Some(file)) => Some((grant, file)),
            (Some(_), None) => return Err(ClientError::FileNeeded(song_id.into())),
        };
        let retried = Uploaded { retried: true, ..Uploaded::untouched(song) };
        self.go_on(retried, missing, options, progress).await
    }

    /// Sends what is missing, when something is, and waits when that is wished.
    async fn go_on(
        &self,
        mut uploaded: Uploaded,
        missing: Option<(UploadGrant, &FileIdentity)>,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<Uploaded, ClientError> {
        if let Some((grant, file)) = missing {
            self.fill(file, &mut uploaded, grant, options, progress).await?;
        }
        uploaded.song = self.finish(uploaded.song, options, progress).await?;
        Ok(uploaded)
    }

    /// RetrySong. Sent again after an answer that was lost, it finds the song on its way.
    async fn restart(&self, failed: &Song) -> Result<(Song, Option<UploadGrant>), ClientError> {
        let request = self.request(RetrySongRequest { song_id: failed.song_id.clone() }).await?;
        let answer = match self.songs().retry_song(request).await.map_err(|s| self.refused(s)) {
            Ok(answer) => answer.into_inner(),
            Err(e)
                if e.reason().as_deref() == Some("SONG_NOT_FAILED")
                    && failed.state() == SongState::Failed =>
            {
                let song = self.song(&failed.song_id).await?;
                let grant = match song.state() {
                    SongState::Created => Some(self.renew(&song.song_id).await?),
                    _ => None,
                };
                return Ok((song, grant));
            }
            Err(error) => return Err(error),
        };
        Ok((answer.song.unwrap_or_default(), answer.upload))
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
        uploaded: &mut Uploaded,
        grant: UploadGrant,
        options: &UploadOptions,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let song_id = uploaded.song.song_id.clone();
        let up = Uploading {
            client: self,
            file,
            patience: options.patience,
            url: Mutex::new(grant.url.clone()),
            song_id: song_id.clone(),
            progress,
            stored: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        };
        let mut rounds = 0;
        loop {
            let upload = options.patience.retry(|| self.progress_of(&song_id)).await?;
            if rounds == 0 {
                uploaded.resumed_bytes = upload.received_bytes;
            }
            if upload.state() == UploadState::Uploading {
                let stored: std::collections::HashSet<u32> = upload.received_blocks.iter().copied().collect();
                up.stored.store(upload.received_bytes, Ordering::Relaxed);
                progress.at(Stage::Uploading, upload.received_bytes, file.size);
                let missing = (0..grant.block_count).filter(|i| !stored.contains(i)).collect();
                blocks::send(&up, &grant, missing).await?;
                file.check_unchanged()?;
            }
            rounds += 1;
            match options.patience.retry(|| self.complete(&song_id)).await {
                Err(e) if e.reason().as_deref() == Some("UPLOAD_INCOMPLETE") && rounds < 3 => {}
                done => {
                    uploaded.song = done?;
                    uploaded.sent_bytes = up.sent.load(Ordering::Relaxed);
                    return Ok(());
                }
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
