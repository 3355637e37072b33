//! A song as one tagged file.

use super::{Batch, Outcome};
use crate::command::catalogue::words;
use anyhow::Context;
use segue_client::{
    download::{Downloading, Form, Pieces, Plan, Record, cover_identity},
    proto::song::v1::{Album, LyricsKind, Song},
};
use segue_media::{SingleTags, retag, single_file};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Makes the file, or leaves one that is as it should be, or writes new tags around the audio of one that is there.
pub(super) async fn keep(
    batch: &Batch<'_>,
    downloading: &Downloading<'_>,
    song: &Song,
    plan: &Plan,
    mut record: Record,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let folder = batch.folder;
    let mut tags = tags(song, batch.album);
    let (audio, cover) = (plan.audio(), cover_identity(song));
    let said = digest(&tags, song.lyrics(), &cover);
    let before = folder.record(&song.song_id, Form::Single).unwrap_or_else(|| record.clone());
    let there = {
        let (folder, before) = (Arc::clone(folder), before.clone());
        tokio::task::spawn_blocking(move || folder.is_as_written(&before)).await??
    };
    let path = folder.path(&before);
    if there == Some(false) {
        (downloading.progress)(plan.total_bytes());
        (outcome.skipped, outcome.bytes) = (true, fs::metadata(&path)?.len());
        outcome.note = Some(
            "it was changed since it was downloaded and stays as it is; move it away to get it anew".into(),
        );
        outcome.path = Some(path);
        return Ok(());
    }
    if there == Some(true) && before.audio == audio && before.tags == said {
        (downloading.progress)(plan.total_bytes());
        (outcome.skipped, outcome.bytes) = (true, fs::metadata(&path)?.len());
        outcome.path = Some(path);
        return Ok(());
    }
    if song.lyrics() != LyricsKind::Unspecified {
        let lyrics = || async {
            match downloading.client.lyrics(&song.song_id).await {
                // They went meanwhile.
                Err(error) if error.code() == Some(tonic::Code::NotFound) => Ok(None),
                lyrics => lyrics.map(Some),
            }
        };
        let lyrics = downloading.patience.retry(lyrics).await?.unwrap_or_default();
        tags.lyrics = words(&lyrics).collect::<Vec<_>>().join("\n");
    }
    let finished = folder.work(&song.song_id).join("finished.part");
    if there == Some(true) && before.audio == audio {
        let (work, cover) = downloading.cover_only(folder, song).await?;
        (downloading.progress)(plan.total_bytes());
        outcome.fetched = work;
        tags.cover = cover.map(fs::read).transpose()?;
        let to = finished.clone();
        tokio::task::spawn_blocking(move || write_new_tags(&path, &tags, &to)).await??;
    } else {
        let pieces = downloading.pieces(folder, song, plan).await?;
        outcome.fetched = pieces.fetched;
        tags.cover = pieces.cover.as_ref().map(fs::read).transpose()?;
        let to = finished.clone();
        tokio::task::spawn_blocking(move || join(&pieces, &tags, &to)).await??;
    }
    (record.audio, record.tags, record.cover) = (audio, said, cover);
    record.rung.clone_from(&plan.rung().name);
    let folder = Arc::clone(folder);
    let fetched = tokio::task::spawn_blocking(move || folder.finish_single(&finished, record)).await??;
    (outcome.path, outcome.bytes) = (Some(fetched.path), fetched.bytes);
    Ok(())
}

/// The segments of a song as one file at `to`, on the disk for good.
fn join(pieces: &Pieces, tags: &SingleTags, to: &Path) -> anyhow::Result<()> {
    let init = fs::read(&pieces.init)?;
    let segments: &[PathBuf] = &pieces.segments;
    let file = File::create(to).with_context(|| to.display().to_string())?;
    single_file(&init, segments.len(), |number| fs::read(&segments[number]), tags, &file)
        .with_context(|| to.display().to_string())?;
    file.sync_all().with_context(|| to.display().to_string())
}

fn write_new_tags(from: &Path, tags: &SingleTags, to: &Path) -> anyhow::Result<()> {
    let file = File::create(to).with_context(|| to.display().to_string())?;
    retag(&File::open(from)?, tags, &file).with_context(|| to.display().to_string())?;
    file.sync_all().with_context(|| to.display().to_string())
}

fn tags(song: &Song, album: Option<&Album>) -> SingleTags {
    let album = album.filter(|album| album.album_id == song.album_id);
    SingleTags {
        title: song.title.clone(),
        artists: song.artists.clone(),
        album: song.album.clone(),
        album_artist: song.album_artist.clone(),
        genre: song.genre.clone(),
        year: song.year,
        track: song.track_number,
        disc: song.disc_number,
        isrc: song.isrc.clone(),
        musicbrainz_id: song.musicbrainz_id.clone(),
        lyrics: String::new(),
        loudness_lufs: song.loudness_lufs,
        true_peak_db: song.true_peak_db,
        album_loudness_lufs: album.and_then(|album| album.loudness_lufs),
        album_true_peak_db: album.and_then(|album| album.true_peak_db),
        cover: None,
    }
}

/// Stands for all that tags say. Lyrics are as the upload had them: they stand for themselves.
fn digest(tags: &SingleTags, lyrics: LyricsKind, cover: &str) -> String {
    hex::encode(&Sha256::digest(format!("{tags:?}\n{lyrics:?}\n{cover}"))[..16])
}
