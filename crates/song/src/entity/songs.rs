//! The table `songs`, and how a row becomes a record.

use crate::record::{Attempt, Failure, LyricsKind, Metadata, Original, Output, SongRecord};
use sea_orm::{Set, entity::prelude::*};
use segue_domain::{EncodingId, OutputId, SongId, Timestamp, UploadId, UserId};
use segue_store::StoreError;
use serde::{Serialize, de::DeserializeOwned};

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "songs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub state: String,
    pub visibility: String,
    pub version: i64,
    pub title: String,
    pub artists: String,
    pub album: String,
    pub album_artist: String,
    pub genre: String,
    pub year: i32,
    pub track_number: i32,
    pub disc_number: i32,
    pub edited: String,
    pub filename: String,
    pub size: i64,
    pub sha256: String,
    pub request_digest: String,
    pub block_size: i64,
    pub upload_id: Uuid,
    pub upload_started_at: i64,
    pub blob_etag: Option<String>,
    pub encoding_id: Option<Uuid>,
    pub released: bool,
    pub output_id: Option<Uuid>,
    pub output_encoding_id: Option<Uuid>,
    pub duration_ms: i64,
    pub loudness_lufs: Option<f64>,
    pub true_peak_db: Option<f64>,
    pub rungs: String,
    pub covers: String,
    pub failure_reason: Option<String>,
    pub failure_message: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
    pub isrc: String,
    pub musicbrainz_id: String,
    pub lyrics: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for SongRecord {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let corrupt = |e: segue_domain::IdError| StoreError::corrupt(e);
        let output = match (row.output_id, row.output_encoding_id) {
            (Some(id), Some(encoding)) => Some(Output {
                id: OutputId::from_uuid(id).map_err(corrupt)?,
                encoding: EncodingId::from_uuid(encoding).map_err(corrupt)?,
                duration_ms: convert(row.duration_ms)?,
                loudness_lufs: row.loudness_lufs,
                true_peak_db: row.true_peak_db,
                rungs: read(&row.rungs)?,
                covers: read(&row.covers)?,
                lyrics: LyricsKind::of(&row.lyrics),
            }),
            _ => None,
        };
        Ok(Self {
            id: SongId::from_uuid(row.id).map_err(corrupt)?,
            owner: UserId::from_uuid(row.owner_id).map_err(corrupt)?,
            state: row.state.parse().map_err(StoreError::corrupt)?,
            visibility: row.visibility.parse().map_err(StoreError::corrupt)?,
            version: convert(row.version)?,
            metadata: Metadata {
                title: row.title,
                artists: read(&row.artists)?,
                album: row.album,
                album_artist: row.album_artist,
                genre: row.genre,
                year: convert(row.year)?,
                track_number: convert(row.track_number)?,
                disc_number: convert(row.disc_number)?,
                isrc: row.isrc,
                musicbrainz_id: row.musicbrainz_id,
            },
            edited: read(&row.edited)?,
            original: Original {
                filename: row.filename,
                size: convert(row.size)?,
                sha256: row.sha256,
                request_digest: row.request_digest,
                block_size: convert(row.block_size)?,
            },
            upload: Attempt {
                id: UploadId::from_uuid(row.upload_id).map_err(corrupt)?,
                started: Timestamp(row.upload_started_at),
                etag: row.blob_etag,
            },
            encoding: row.encoding_id.map(EncodingId::from_uuid).transpose().map_err(corrupt)?,
            released: row.released,
            output,
            failure: row
                .failure_reason
                .map(|reason| Failure { reason, message: row.failure_message.unwrap_or_default() }),
            created: Timestamp(row.created_at),
            updated: Timestamp(row.updated_at),
            deleted: row.deleted_at.map(Timestamp),
        })
    }
}

impl TryFrom<&SongRecord> for ActiveModel {
    type Error = StoreError;

    fn try_from(song: &SongRecord) -> Result<Self, StoreError> {
        let (metadata, output) = (&song.metadata, song.output.as_ref());
        Ok(Self {
            id: Set(song.id.uuid()),
            owner_id: Set(song.owner.uuid()),
            state: Set(song.state.to_string()),
            visibility: Set(song.visibility.to_string()),
            version: Set(convert(song.version)?),
            title: Set(metadata.title.clone()),
            artists: Set(write(&metadata.artists)?),
            album: Set(metadata.album.clone()),
            album_artist: Set(metadata.album_artist.clone()),
            genre: Set(metadata.genre.clone()),
            year: Set(convert(metadata.year)?),
            track_number: Set(convert(metadata.track_number)?),
            disc_number: Set(convert(metadata.disc_number)?),
            edited: Set(write(&song.edited)?),
            filename: Set(song.original.filename.clone()),
            size: Set(convert(song.original.size)?),
            sha256: Set(song.original.sha256.clone()),
            request_digest: Set(song.original.request_digest.clone()),
            block_size: Set(convert(song.original.block_size)?),
            upload_id: Set(song.upload.id.uuid()),
            upload_started_at: Set(song.upload.started.millis()),
            blob_etag: Set(song.upload.etag.clone()),
            encoding_id: Set(song.encoding.map(EncodingId::uuid)),
            released: Set(song.released),
            output_id: Set(output.map(|o| o.id.uuid())),
            output_encoding_id: Set(output.map(|o| o.encoding.uuid())),
            duration_ms: Set(convert(output.map_or(0, |o| o.duration_ms))?),
            loudness_lufs: Set(output.and_then(|o| o.loudness_lufs)),
            true_peak_db: Set(output.and_then(|o| o.true_peak_db)),
            rungs: Set(write(&output.map_or(&[][..], |o| &o.rungs))?),
            covers: Set(write(&output.map_or(&[][..], |o| &o.covers))?),
            failure_reason: Set(song.failure.as_ref().map(|f| f.reason.clone())),
            failure_message: Set(song.failure.as_ref().map(|f| f.message.clone())),
            created_at: Set(song.created.millis()),
            updated_at: Set(song.updated.millis()),
            deleted_at: Set(song.deleted.map(Timestamp::millis)),
            isrc: Set(metadata.isrc.clone()),
            musicbrainz_id: Set(metadata.musicbrainz_id.clone()),
            lyrics: Set(output.and_then(|o| o.lyrics).map_or_else(String::new, |l| l.name().to_owned())),
        })
    }
}

fn convert<A, B: TryFrom<A, Error: std::fmt::Display>>(number: A) -> Result<B, StoreError> {
    B::try_from(number).map_err(StoreError::corrupt)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt)
}

fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::corrupt)
}
