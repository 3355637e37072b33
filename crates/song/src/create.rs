//! CreateSong: declares a song and grants its upload.

use crate::{
    Error,
    block::BlockPlan,
    field::{Checks, MOST_TEXT, id, title_of},
    record::{Attempt, Field, Metadata, Original, SongRecord},
    role::Role,
    service::Call,
};
use segue_domain::{SongId, SongState, UploadId, UserId};
use segue_proto::song::v1::{CreateSongRequest, CreateSongResponse};
use segue_store::StoreError;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

impl Role {
    pub(crate) async fn create(
        &self,
        owner: UserId,
        call: &Call,
        request: CreateSongRequest,
    ) -> Result<CreateSongResponse, Error> {
        let song = self.declared(owner, &request)?;
        if !request.request_id.is_empty()
            && let Some(first) = self.songs.latest(song.id).await?
        {
            return self.repeated(first, &song, call).await;
        }
        self.check_quota(owner, song.original.size).await?;
        match self.songs.insert(&song).await {
            Ok(()) => self.created(song, call).await,
            Err(StoreError::Duplicate) => {
                let first = self.songs.latest(song.id).await?.ok_or(Error::Contended)?;
                self.repeated(first, &song, call).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The song that the request declares, or everything that is wrong with the request.
    fn declared(&self, owner: UserId, request: &CreateSongRequest) -> Result<SongRecord, Error> {
        let mut checks = Checks::default();
        let song_id = match request.request_id.as_str() {
            "" => SongId::new(),
            text => id::<SongId>("request_id", text).unwrap_or_else(|_| {
                checks.refuse(
                    "request_id",
                    "a UUIDv7 made by the client, such as 01890a5d-ac96-774b-bcce-b302099a8057",
                );
                SongId::new()
            }),
        };
        let most = self.config.max_file_bytes;
        match request.size_bytes {
            0 => checks.refuse("size_bytes", "the size of the file; an empty file is no song"),
            n if n > most => checks.refuse("size_bytes", format!("at most {most} bytes")),
            _ => {}
        }
        checks.filename("filename", &request.filename);
        checks.text("title", &request.title, MOST_TEXT);
        let sha256 = checks.sha256("sha256", &request.sha256);
        let visibility = checks.visibility("visibility", request.visibility);
        checks.done()?;

        let mut edited = BTreeSet::new();
        let title = match request.title.trim() {
            "" => title_of(&request.filename),
            title => {
                edited.insert(Field::Title);
                title.to_owned()
            }
        };
        let mut digest = Sha256::new();
        for part in [&request.filename, &sha256, &request.title] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.update(request.size_bytes.to_be_bytes());
        digest.update(visibility.as_str());
        let plan = BlockPlan::new(request.size_bytes, self.config.block_bytes);
        let now = self.now();
        Ok(SongRecord {
            id: song_id,
            owner,
            state: SongState::Created,
            visibility,
            version: 1,
            metadata: Metadata { title, ..Metadata::default() },
            edited,
            original: Original {
                filename: request.filename.clone(),
                size: request.size_bytes,
                sha256,
                request_digest: hex::encode(digest.finalize()),
                block_size: plan.block_size,
            },
            upload: Attempt { id: UploadId::new(), started: now, etag: None },
            encoding: None,
            released: false,
            output: None,
            failure: None,
            created: now,
            updated: now,
            deleted: None,
        })
    }

    async fn repeated(
        &self,
        first: SongRecord,
        again: &SongRecord,
        call: &Call,
    ) -> Result<CreateSongResponse, Error> {
        if first.owner != again.owner {
            return Err(Error::AlreadyExists);
        }
        if first.deleted.is_some() {
            return Err(Error::WasDeleted);
        }
        if first.original.request_digest != again.original.request_digest {
            return Err(Error::AlreadyExists);
        }
        self.created(first, call).await
    }

    async fn created(&self, song: SongRecord, call: &Call) -> Result<CreateSongResponse, Error> {
        let upload = match song.state {
            SongState::Created => Some(self.grant_upload(&song, &call.origin).await?),
            _ => None,
        };
        Ok(CreateSongResponse { song: Some(self.answer(song, &call.caller, &call.origin)), upload })
    }

    /// Two creations at once may both pass; the next one does not.
    async fn check_quota(&self, owner: UserId, bytes: u64) -> Result<(), Error> {
        let (most_songs, most_bytes) = (self.config.max_songs_per_user, self.config.quota_bytes_per_user);
        if most_songs == 0 && most_bytes == 0 {
            return Ok(());
        }
        let (songs, used) = self.songs.usage(owner).await?;
        if most_songs != 0 && songs >= most_songs {
            return Err(Error::Quota(format!("it holds {songs} of {most_songs} songs")));
        }
        if most_bytes != 0 && used.saturating_add(bytes) > most_bytes {
            return Err(Error::Quota(format!(
                "it holds {used} of {most_bytes} bytes and the file has {bytes}"
            )));
        }
        Ok(())
    }
}
