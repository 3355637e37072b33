//! A folder of downloaded songs: what was written into it, under which names, and taking it away again.
//!
//! Everything that is remembered lies in `.segue` inside of it. Files that are not remembered are somebody else's: they are
//! neither overwritten nor deleted.

mod adopt;
mod removal;
mod rename;

pub use removal::Removed;
pub(crate) use removal::is_one_of;

use super::{
    Form, Plan, QUEUE_NAME, Record, disk,
    name::{folded, safe},
};
use crate::{ClientError, hash::file_error};
use segue_proto::song::v1::Song;
use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Where everything is remembered.
const STATE: &str = ".segue";

/// An open folder. One process works in it at a time.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    _lock: File,
    /// Names as file systems compare them, and whose they are.
    claims: Mutex<HashMap<String, Key>>,
}

type Key = (String, Form);

impl Folder {
    /// Opens a folder, and makes it when it is not there.
    pub fn open(root: &Path) -> Result<Self, ClientError> {
        if fs::metadata(root).is_ok_and(|meta| !meta.is_dir()) {
            return Err(ClientError::Other(format!("{} is a file and not a folder", root.display())));
        }
        for part in ["songs", "work", "moving"] {
            disk::make_folder(&root.join(STATE).join(part))?;
        }
        let path = root.join(STATE).join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|e| file_error(&path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text =
                    format!("another download is at work in {}; try again when it is done", root.display());
                return Err(ClientError::Other(text));
            }
            Err(TryLockError::Error(e)) => return Err(file_error(&path, e)),
        }
        let folder = Self { root: root.to_owned(), _lock: lock, claims: Mutex::default() };
        // No song may be called as the queue is.
        folder.claim(QUEUE_NAME, (String::new(), Form::Single));
        let (moving, settled): (Vec<_>, Vec<_>) =
            folder.records()?.into_iter().partition(|record| folder.is_moving(record));
        for record in settled {
            folder.claim(&record.name, (record.song_id, record.form));
        }
        folder.finish_moves(moving)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a song's folder or file is.
    pub fn path(&self, record: &Record) -> PathBuf {
        self.root.join(&record.name)
    }

    /// A folder for what is not finished yet.
    pub fn work(&self, song_id: &str) -> PathBuf {
        self.root.join(STATE).join("work").join(song_id)
    }

    /// Every song that is remembered, in no order. What cannot be read is not remembered.
    pub fn records(&self) -> Result<Vec<Record>, ClientError> {
        let path = self.root.join(STATE).join("songs");
        let entries = fs::read_dir(&path).map_err(|e| file_error(&path, e))?;
        let read = |entry: io::Result<fs::DirEntry>| Record::read(&entry.ok()?.path());
        Ok(entries.filter_map(read).collect())
    }

    /// What is remembered of a song.
    pub fn record(&self, song_id: &str, form: Form) -> Option<Record> {
        Record::read(&self.record_path(song_id, form))
    }

    /// Remembers a song.
    pub fn save(&self, record: &Record) -> Result<(), ClientError> {
        let bytes = serde_json::to_vec(record).map_err(|e| ClientError::Other(e.to_string()))?;
        disk::write(&self.record_path(&record.song_id, record.form), &bytes, false)
    }

    fn record_path(&self, song_id: &str, form: Form) -> PathBuf {
        let form = match form {
            Form::Hls => "hls",
            Form::Single => "file",
        };
        self.root.join(STATE).join("songs").join(format!("{song_id}.{form}.json"))
    }

    /// The record of a song to be written: the one that is remembered, or a new one under a name that is free. Remembered
    /// before anything is written.
    pub fn place(&self, song: &Song, plan: &Plan, form: Form, by_sync: bool) -> Result<Record, ClientError> {
        if !song.song_id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') || song.song_id.is_empty() {
            return Err(ClientError::Other(format!("the server named a song {:?}", song.song_id)));
        }
        let wanted = wanted(song);
        let extension = extension(plan, form);
        if let Some(record) = self.record(&song.song_id, form)
            && record.name.ends_with(extension)
        {
            return Ok(record);
        }
        let key = (song.song_id.clone(), form);
        let name =
            self.free(&wanted, extension, &key, |path| form == Form::Hls && adopt::fits(path, song, plan));
        let record = Record {
            song_id: song.song_id.clone(),
            form,
            name,
            wanted,
            by_sync,
            rung: String::new(),
            audio: String::new(),
            tags: String::new(),
            cover: String::new(),
            files: Vec::new(),
            complete: false,
        };
        if self.record(&song.song_id, form).is_none() {
            self.save(&record)?;
        }
        Ok(record)
    }

    /// A name that nobody has, claimed for `key`: as wanted, with the end of the song's id, or with all of it.
    fn free(&self, wanted: &str, extension: &str, key: &Key, ours: impl Fn(&Path) -> bool) -> String {
        let id = &key.0;
        let end = &id[id.len().saturating_sub(8)..];
        let names = [
            format!("{wanted}{extension}"),
            format!("{wanted} ({end}){extension}"),
            format!("{wanted} ({id}){extension}"),
        ];
        let free = |name: &&String| {
            let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
            let path = self.root.join(name);
            match claims.get(&folded(name)) {
                Some(other) => other == key,
                None => fs::symlink_metadata(&path).is_err() || ours(&path),
            }
        };
        let name = names.iter().find(free).unwrap_or(&names[2]).clone();
        self.claim(&name, key.clone());
        name
    }

    fn claim(&self, name: &str, key: Key) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).insert(folded(name), key);
    }

    /// Gives up a song's name, unless another song has it by now.
    fn release(&self, record: &Record) {
        let (name, key) = (folded(&record.name), (record.song_id.clone(), record.form));
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.get(&name) == Some(&key) {
            claims.remove(&name);
        }
    }
}

impl Record {
    fn read(path: &Path) -> Option<Self> {
        let record: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        // Written by somebody else, it must not lead out of the folder.
        let plain = |name: &str| !matches!(name, "" | "." | ".." | STATE) && !name.contains(['/', '\\']);
        let below = |name: &str| name.split('/').all(plain);
        (plain(&record.name) && record.files.iter().all(|file| below(&file.name))).then_some(record)
    }
}

/// "Artist - Title", as a name.
pub(crate) fn wanted(song: &Song) -> String {
    let text = match song.artists.is_empty() {
        true => song.title.clone(),
        false => format!("{} - {}", song.artists.join(", "), song.title),
    };
    safe(&text, &song.song_id)
}

/// What the name of a song in this form ends with.
fn extension(plan: &Plan, form: Form) -> &'static str {
    match (form, plan.rung().lossless) {
        (Form::Hls, _) => "",
        (Form::Single, false) => ".m4a",
        (Form::Single, true) => ".flac",
    }
}
