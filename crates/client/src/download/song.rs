//! One song into its place.

use super::{
    COVER_NAME, Folder, Form, KeptFile, MASTER_NAME, Plan, Record, cover, disk, fetch, folder::is_one_of,
};
use crate::{Client, ClientError, Patience, hash::file_error};
use futures::{StreamExt, TryStreamExt, stream};
use segue_proto::song::v1::Song;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};
use tokio::sync::Semaphore;

/// Files of one song that are looked at or on their way at once; all songs together have `slots`.
const PARALLEL: usize = 16;

/// How songs are downloaded.
#[derive(Clone, Copy)]
pub struct Downloading<'a> {
    /// Whose session.
    pub client: &'a Client,
    /// As many permits as files may be on their way at once, over all songs.
    pub slots: &'a Semaphore,
    /// How long to go on while the server is away.
    pub patience: Patience,
    /// Hears the size of each file that is in its place, fetched or found there.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// A song that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What to play.
    pub path: PathBuf,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes that came over the network.
    pub fetched: u64,
}

/// The files of a song, to be made into one.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// The init file.
    pub init: PathBuf,
    /// The segments, in order.
    pub segments: Vec<PathBuf>,
    /// The cover, a JPEG.
    pub cover: Option<PathBuf>,
    /// Bytes that came over the network.
    pub fetched: u64,
}

impl Plan {
    /// Stands for the audio: changes with any byte of it.
    pub fn audio(&self) -> String {
        let mut hash = Sha256::new();
        for piece in self.pieces() {
            hash.update(piece.name.as_bytes());
            hash.update(piece.sha256);
        }
        hex::encode(&hash.finalize()[..16])
    }
}

impl Downloading<'_> {
    /// A folder with the rung, its master playlist and the cover. What is there and right is not fetched; what is no
    /// longer part of it is deleted.
    pub async fn hls(
        &self,
        folder: &Folder,
        song: &Song,
        plan: &Plan,
        mut record: Record,
    ) -> Result<Fetched, ClientError> {
        let (before, root) = (record.clone(), folder.path(&record));
        let pieces: Vec<KeptFile> = plan
            .pieces()
            .iter()
            .map(|p| KeptFile { name: p.name.to_string(), size: p.size, sha256: hex::encode(p.sha256) })
            .collect();
        let audio = plan.audio();
        if record.audio != audio {
            // What an earlier rung left is ours until it is gone.
            let names: HashSet<&str> = pieces.iter().map(|file| file.name.as_str()).collect();
            record.files.retain(|file| !names.contains(file.name.as_str()));
            record.files.extend(pieces.clone());
            (record.audio, record.rung, record.complete) = (audio, plan.rung().name.clone(), false);
            folder.save(&record)?;
        }
        disk::make_folder(&root)?;
        let mut fetched = self.cover(folder, song, &mut record, &root).await?;
        fetched += self.fill(plan, &root).await?;

        let master = master(song, plan).into_bytes();
        let sha256: [u8; 32] = Sha256::digest(&master).into();
        let path = root.join(MASTER_NAME);
        let kept =
            KeptFile { name: MASTER_NAME.into(), size: master.len() as u64, sha256: hex::encode(sha256) };
        if !disk::holds(&path, kept.size, &sha256)? {
            disk::write(&path, &master, false)?;
        }
        let cover = record.file(COVER_NAME).cloned();
        let files: Vec<KeptFile> = pieces.into_iter().chain([kept]).chain(cover).collect();
        let names: HashSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        record.files.retain(|file| !names.contains(file.name.as_str()));
        folder.delete(&root, &record.files)?;
        (record.files, record.complete) = (files, true);
        if record != before {
            folder.save(&record)?;
        }
        Ok(Fetched { path, bytes: plan.total_bytes(), fetched })
    }

    /// The files of a song in a folder for work.
    pub async fn pieces(&self, folder: &Folder, song: &Song, plan: &Plan) -> Result<Pieces, ClientError> {
        let root = folder.work(&song.song_id);
        disk::make_folder(&root)?;
        let (bytes, cover) = self.cover_only(folder, song).await?;
        let fetched = self.fill(plan, &root).await? + bytes;
        let named = |ending: &str| {
            let names = plan.pieces().iter().map(|piece| &*piece.name);
            names.filter(|name| name.ends_with(ending)).map(|name| root.join(name)).collect::<Vec<_>>()
        };
        let Some(init) = named("/init.mp4").pop() else {
            return Err(ClientError::Other("the server named no init file".into()));
        };
        Ok(Pieces { init, segments: named(".m4s"), cover, fetched })
    }

    /// Only the cover of a song, in a folder for work, and the bytes that came over the network.
    pub async fn cover_only(
        &self,
        folder: &Folder,
        song: &Song,
    ) -> Result<(u64, Option<PathBuf>), ClientError> {
        let root = folder.work(&song.song_id);
        disk::make_folder(&root)?;
        let Some(bytes) = cover::get(self.client, song, self.patience).await? else { return Ok((0, None)) };
        let path = root.join(COVER_NAME);
        disk::write(&path, &bytes, false)?;
        Ok((bytes.len() as u64, Some(path)))
    }

    /// Sees to it that every file is there. Bytes that were fetched.
    async fn fill(&self, plan: &Plan, root: &Path) -> Result<u64, ClientError> {
        let parents = plan.pieces().iter().filter_map(|piece| Path::new(&*piece.name).parent());
        for parent in parents.collect::<BTreeSet<_>>() {
            disk::make_folder(&root.join(parent))?;
        }
        stream::iter(plan.pieces())
            .map(|piece| async move {
                // Only closed with the whole program.
                let _slot = self.slots.acquire().await;
                let (path, size, sha256) = (root.join(&*piece.name), piece.size, piece.sha256);
                let there = fs::symlink_metadata(&path).is_ok();
                let fetched = if there
                    && disk::blocking({
                        let path = path.clone();
                        move || disk::holds(&path, size, &sha256)
                    })
                    .await?
                {
                    0
                } else {
                    fetch::piece(self.client, plan, piece, path, self.patience).await?;
                    size
                };
                (self.progress)(size);
                Ok(fetched)
            })
            .buffer_unordered(PARALLEL)
            .try_fold(0, |sum, fetched| async move { Ok(sum + fetched) })
            .await
    }

    /// Sees to it that the song's cover is there and remembered, before its segments are. Bytes that were fetched.
    async fn cover(
        &self,
        folder: &Folder,
        song: &Song,
        record: &mut Record,
        root: &Path,
    ) -> Result<u64, ClientError> {
        let identity = cover::identity(song);
        if record.cover == identity {
            let Some(kept) = record.file(COVER_NAME) else {
                if identity.is_empty() {
                    return Ok(0);
                }
                return self.new_cover(folder, song, record, root, identity).await;
            };
            let mut sha256 = [0; 32];
            let known = hex::decode_to_slice(&kept.sha256, &mut sha256).is_ok();
            if known && disk::holds(&root.join(COVER_NAME), kept.size, &sha256)? {
                return Ok(0);
            }
        }
        self.new_cover(folder, song, record, root, identity).await
    }

    async fn new_cover(
        &self,
        folder: &Folder,
        song: &Song,
        record: &mut Record,
        root: &Path,
        identity: String,
    ) -> Result<u64, ClientError> {
        let bytes = cover::get(self.client, song, self.patience).await?;
        if let Some(old) = record.file(COVER_NAME).cloned().filter(|_| bytes.is_none()) {
            folder.delete(root, &[old])?;
            disk::make_folder(root)?;
        }
        record.files.retain(|file| file.name != COVER_NAME);
        record.files.extend(bytes.as_deref().map(cover::kept));
        record.cover = identity;
        // No hash of it was announced, so this one is what it is known by: first remembered, then written.
        folder.save(record)?;
        let Some(bytes) = bytes else { return Ok(0) };
        disk::write(&root.join(COVER_NAME), &bytes, false)?;
        Ok(bytes.len() as u64)
    }
}

impl Folder {
    /// Gives a finished file its name and remembers it. The file that it takes the place of, when that has another name
    /// and is as it was written, is deleted.
    pub fn finish_single(&self, finished: &Path, mut record: Record) -> Result<Fetched, ClientError> {
        let (size, sha256) = disk::measure(finished)?.ok_or_else(|| {
            let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
            file_error(finished, gone)
        })?;
        let path = self.path(&record);
        let kept = KeptFile { name: record.name.clone(), size, sha256: hex::encode(sha256) };
        let before = self.record(&record.song_id, Form::Single);
        // Until all is done it may be the one or the other; both are ours.
        if let Some(mut both) = before.clone() {
            both.files.push(kept.clone());
            self.save(&both)?;
        }
        fs::rename(finished, &path).map_err(|e| file_error(&path, e))?;
        if let Some(before) = before.filter(|before| before.name != record.name) {
            self.delete(self.root(), &before.files)?;
        }
        record.files = vec![kept];
        record.complete = true;
        self.save(&record)?;
        let work = self.work(&record.song_id);
        let _ = fs::remove_dir_all(&work);
        Ok(Fetched { path, bytes: size, fetched: 0 })
    }

    /// Whether a song's file is as it was written; none when it is not there.
    pub fn is_as_written(&self, record: &Record) -> Result<Option<bool>, ClientError> {
        if !record.complete || record.files.is_empty() {
            return Ok(None);
        }
        let found = disk::measure(&self.path(record))?;
        Ok(found.map(|found| is_one_of(&record.files, &record.name, found)))
    }
}

/// A master playlist of one rung that says which song it is.
fn master(song: &Song, plan: &Plan) -> String {
    let rung = plan.rung();
    let id: String = song.song_id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let codec: String = rung.codec.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-SESSION-DATA:DATA-ID=\"segue.song\",VALUE=\"{id}\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codec}\"\n{}\n",
        rung.bandwidth,
        rung.average_bandwidth,
        plan.playlist().unwrap_or_default(),
    )
}
