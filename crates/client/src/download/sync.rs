//! What keeping a folder in step with a playlist remembers, and what it has to do.

use super::{Folder, Form, Record, disk, folder};
use crate::{ClientError, hash::file_error};
use segue_proto::song::v1::Song;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fs, io,
};

/// Where it is remembered.
const FILE: &str = ".segue-sync.json";

/// Which playlist a folder follows, and what following it has written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncState {
    /// The playlist.
    pub playlist_id: String,
    /// Song ids and the names of their folders or files, in the order of the playlist.
    pub songs: Vec<(String, String)>,
}

/// What has to be done before songs are downloaded.
#[derive(Debug, Default)]
pub struct Step {
    /// Songs that are no longer in the playlist.
    pub remove: Vec<Record>,
    /// Songs whose name has changed, with the name that they want.
    pub rename: Vec<(Record, String)>,
}

impl SyncState {
    /// What is remembered; none in a folder that follows nothing.
    pub fn load(folder: &Folder) -> Result<Option<Self>, ClientError> {
        let path = folder.root().join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                ClientError::Other(format!("{} cannot be read: {e}; delete it to begin anew", path.display()))
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(file_error(&path, e)),
        }
    }

    /// Remembers it.
    pub fn save(&self, folder: &Folder) -> Result<(), ClientError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|e| ClientError::Other(e.to_string()))?;
        disk::write(&folder.root().join(FILE), &bytes, true)
    }
}

impl Folder {
    /// What is to be done so that the folder has the songs `ids` in `form` and no other that following has written. Songs
    /// that do not play for the caller now are in `ids` and not in `songs`: what is there of them stays as it is.
    pub fn step(&self, ids: &[String], songs: &[Song], form: Form) -> Result<Step, ClientError> {
        let wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let by_id: HashMap<&str, &Song> = songs.iter().map(|song| (song.song_id.as_str(), song)).collect();
        let mut step = Step::default();
        for record in self.records()?.into_iter().filter(|record| record.by_sync) {
            if !wanted.contains(record.song_id.as_str()) || record.form != form {
                step.remove.push(record);
                continue;
            }
            let song = by_id.get(record.song_id.as_str());
            if let Some(name) = song.map(|song| folder::wanted(song)).filter(|name| *name != record.wanted) {
                step.rename.push((record, name));
            }
        }
        step.remove.sort_by(|a, b| a.name.cmp(&b.name));
        step.rename.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        Ok(step)
    }
}
