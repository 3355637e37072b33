//! GetUpload, RenewUpload and CompleteUpload: the blob store's block list is the truth.

use crate::{
    Error, access, block::BlockPlan, field::id, record::SongRecord, role::Role, service::Call, transition,
};
use segue_domain::{EncodingId, ObjectName, SongState};
use segue_mesh::to_proto;
use segue_ports::blob::{Access, BlobError, Condition};
use segue_proto::song::v1 as pb;

/// Times that CompleteUpload looks again when another one commits at the same time.
const ATTEMPTS: u32 = 4;
/// What the original is, as far as the blob store is concerned: nobody has looked into it.
const CONTENT_TYPE: &str = "application/octet-stream";

impl Role {
    pub(crate) async fn upload(&self, call: &Call, song_id: &str) -> Result<pb::GetUploadResponse, Error> {
        let song = self.own_latest(call, song_id).await?;
        let plan = plan(&song);
        let mut upload = pb::Upload {
            upload_id: song.upload.id.to_string(),
            state: pb::UploadState::Completed.into(),
            size_bytes: plan.size,
            block_size: plan.block_size,
            block_count: plan.count(),
            received_bytes: plan.size,
            received_blocks: Vec::new(),
        };
        if song.state == SongState::Created {
            let list = self.blob.block_list(&song.object()).await?;
            match &list.committed {
                Some(object) => {
                    upload.state = pb::UploadState::Committed.into();
                    upload.received_bytes = object.size;
                }
                None => {
                    let progress = plan.progress(&list);
                    upload.state = pb::UploadState::Uploading.into();
                    upload.received_bytes = progress.received_bytes;
                    upload.received_blocks = progress.received.into_iter().collect();
                }
            }
        }
        Ok(pb::GetUploadResponse { upload: Some(upload) })
    }

    pub(crate) async fn renew(&self, call: &Call, song_id: &str) -> Result<pb::RenewUploadResponse, Error> {
        let song = self.own_latest(call, song_id).await?;
        if song.state != SongState::Created {
            return Err(Error::UploadComplete(song.state));
        }
        Ok(pb::RenewUploadResponse { upload: Some(self.grant_upload(&song, &call.origin).await?) })
    }

    pub(crate) async fn complete(
        &self,
        call: &Call,
        song_id: &str,
    ) -> Result<pb::CompleteUploadResponse, Error> {
        let mut song = self.own_latest(call, song_id).await?;
        if song.state == SongState::Created {
            let etag = self.settle(&song).await?;
            (self.crash)("upload-committed");
            let (upload, encoding) = (song.upload.id, EncodingId::new());
            let _turn = self.turns.of(song.owner).lock().await;
            let released = self.may_run(song.owner).await?;
            song = self
                .songs
                .change(song.id, |song| {
                    access::own(&call.caller, song)?;
                    Ok(transition::uploaded(song, upload, &etag, encoding, released))
                })
                .await?;
            if song.state == SongState::Created {
                // Between the two steps the song failed and was started again with another upload.
                return Err(Error::Contended);
            }
        }
        Ok(pb::CompleteUploadResponse { song: Some(self.answer(song, &call.caller, &call.origin)) })
    }

    /// A signed URL for the current attempt. It does not outlive the attempt.
    pub(crate) async fn grant_upload(
        &self,
        song: &SongRecord,
        origin: &str,
    ) -> Result<pb::UploadGrant, Error> {
        let now = self.now();
        let end = song.upload.started.plus(self.config.upload_expiry());
        let expires = now.plus(self.config.upload_url_life()).min(end);
        if expires <= now {
            return Err(Error::UploadExpired);
        }
        let plan = plan(song);
        let access = Access::Upload { max_bytes: plan.size };
        let url = self.blob.sign(&song.object(), access, expires, origin).await?;
        Ok(pb::UploadGrant {
            upload_id: song.upload.id.to_string(),
            url,
            block_size: plan.block_size,
            block_count: plan.count(),
            expire_time: Some(to_proto(expires)),
        })
    }

    /// The row as it is now, if the caller may change it.
    pub(crate) async fn own_latest(&self, call: &Call, song_id: &str) -> Result<SongRecord, Error> {
        let id = id("song_id", song_id)?;
        let song = self.songs.latest(id).await?.ok_or(Error::NotFound(id))?;
        access::own(&call.caller, &song)?;
        Ok(song)
    }

    /// Makes sure that exactly the declared number of bytes is committed, and answers with their ETag.
    async fn settle(&self, song: &SongRecord) -> Result<String, Error> {
        let (object, plan) = (song.object(), plan(song));
        for _ in 0..ATTEMPTS {
            let list = self.blob.block_list(&object).await?;
            if let Some(committed) = list.committed {
                return match committed.size == plan.size {
                    true => Ok(committed.etag),
                    false => Err(self.refuse(&object, plan.size, committed.size).await?),
                };
            }
            let progress = plan.progress(&list);
            let (missing, count) = progress.missing(&plan);
            if count > 0 {
                if progress.stored_bytes > plan.size {
                    return Err(self.refuse(&object, plan.size, progress.stored_bytes).await?);
                }
                let received_bytes = progress.received_bytes;
                return Err(Error::UploadIncomplete { missing, count, total: plan.count(), received_bytes });
            }
            match self.blob.commit(&object, &plan.ids(), CONTENT_TYPE, Condition::IfAbsent).await {
                Ok(committed) if committed.size == plan.size => return Ok(committed.etag),
                Ok(committed) => return Err(self.refuse(&object, plan.size, committed.size).await?),
                Err(BlobError::TooLarge(_)) => {
                    return Err(self.refuse(&object, plan.size, progress.stored_bytes).await?);
                }
                // Another call, or the client itself, was faster: look again.
                Err(BlobError::Exists(_) | BlobError::InvalidBlockList | BlobError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended)
    }

    /// Deletes what does not match, so that the client can begin again.
    async fn refuse(&self, object: &ObjectName, declared: u64, found: u64) -> Result<Error, Error> {
        self.blob.delete(object).await?;
        Ok(Error::UploadSizeMismatch { declared, found })
    }
}

fn plan(song: &SongRecord) -> BlockPlan {
    BlockPlan { size: song.original.size, block_size: song.original.block_size }
}
