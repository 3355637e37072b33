//! The disk cache: files and their index. Every function here blocks; callers are on blocking threads.

use super::{admission::Sketch, format::Trailer, index::Index};
use crate::{lock::lock, path::Key};
use segue_domain::SongId;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// How long nothing is stored after the disk refused a write.
const PAUSE: Duration = Duration::from_secs(5);
/// Columns of the play sketch: 32 KiB for four rows.
const COLUMNS: usize = 8192;

/// Files under one folder: `objects/<xx>/<song>_<output>_<name>`, and `tmp/` for what is being written. A file appears
/// under its name by a rename, so a half-written one is never found; what a crash of the machine may still
/// damage is found by its checksum.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    index: Mutex<Index>,
    sketch: Mutex<Sketch>,
    paused: Mutex<Option<Instant>>,
    next: AtomicU64,
    /// Held for as long as this process uses the folder.
    _lock: File,
}

/// A stored object that was read.
pub(crate) enum Loaded {
    /// The whole body.
    Body(Trailer, Vec<u8>),
    /// An open file whose first `Trailer::size` bytes are the body, checked once since the start.
    File(Trailer, File),
}

/// A file that is written and has no name in the cache yet; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    pub(crate) file: Arc<File>,
    hasher: crc32fast::Hasher,
    written: u64,
}

/// What became of an object that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It is in the cache; so many objects were given up for it.
    Yes { evicted: usize },
    /// What is in the cache is worth more.
    Refused,
    /// The disk did not take it.
    Failed,
}

impl Disk {
    /// Opens the folder, made if need be, and rebuilds the index from file names and lengths: no file is read.
    /// `WouldBlock` when another process has it.
    pub(crate) fn open(root: &Path, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(root.join("objects"))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock"))?;
        lock.try_lock().map_err(|e| match e {
            fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            fs::TryLockError::Error(e) => e,
        })?;
        match fs::remove_dir_all(root.join("tmp")) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => fs::create_dir(root.join("tmp"))?,
        }
        let disk = Self {
            root: root.to_owned(),
            index: Mutex::new(Index::new(limit)),
            sketch: Mutex::new(Sketch::new(COLUMNS)),
            paused: Mutex::new(None),
            next: AtomicU64::new(0),
            _lock: lock,
        };
        disk.scan()?;
        Ok(disk)
    }

    fn scan(&self) -> io::Result<()> {
        let mut found = Vec::new();
        for shard in fs::read_dir(self.root.join("objects"))? {
            let shard = shard?.path();
            for file in fs::read_dir(&shard)? {
                let file = file?;
                let key = file.file_name().to_str().and_then(Key::from_file_name);
                match key.filter(|k| self.path(k) == file.path()) {
                    Some(key) => {
                        let data = file.metadata()?;
                        found.push((data.modified().unwrap_or(SystemTime::UNIX_EPOCH), key, data.len()));
                    }
                    // Nothing of ours: a name of an older version, or damage.
                    None => fs::remove_file(file.path())?,
                }
            }
        }
        found.sort_unstable_by_key(|(modified, ..)| *modified);
        let mut index = lock(&self.index);
        found.into_iter().for_each(|(_, key, bytes)| index.found(key, bytes));
        let victims = index.trim();
        drop(index);
        self.unlink(&victims);
        Ok(())
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        lock(&self.index).contains(key)
    }

    /// Bytes of disk in use.
    pub(crate) fn used(&self) -> u64 {
        lock(&self.index).used()
    }

    /// Counts one play of the song, for admission.
    pub(crate) fn played(&self, song: SongId) {
        lock(&self.sketch).played(song);
    }

    /// Reads an object: as a whole when `whole` accepts its size, else as an open file. `None` when it is not there;
    /// `InvalidData` when the stored bytes are damaged, and then the object is gone from the cache.
    pub(crate) fn load(&self, key: &Key, whole: impl FnOnce(u64) -> bool) -> io::Result<Option<Loaded>> {
        let Some(verified) = lock(&self.index).touch(key) else { return Ok(None) };
        let read = || -> io::Result<Loaded> {
            let file = File::open(self.path(key))?;
            let trailer = Trailer::read(&file, key)?;
            if whole(trailer.size) {
                let body = trailer.read_body(&file)?;
                return Ok(Loaded::Body(trailer, body));
            }
            if !verified {
                trailer.check_body(&file)?;
            }
            Ok(Loaded::File(trailer, file))
        };
        match read() {
            Ok(loaded) => {
                lock(&self.index).verified(key);
                Ok(Some(loaded))
            }
            Err(error) => {
                lock(&self.index).remove(key);
                self.unlink(&[*key]);
                match error.kind() {
                    io::ErrorKind::NotFound => Ok(None),
                    io::ErrorKind::UnexpectedEof => Err(io::ErrorKind::InvalidData.into()),
                    _ => Err(error),
                }
            }
        }
    }

    /// A new file to write a body to; `None` while the disk takes nothing.
    pub(crate) fn spool(&self) -> Option<Spool> {
        if lock(&self.paused).is_some_and(|since| since.elapsed() < PAUSE) {
            return None;
        }
        let path = self.root.join("tmp").join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        match OpenOptions::new().create_new(true).read(true).write(true).open(&path) {
            Ok(file) => {
                Some(Spool { path, file: Arc::new(file), hasher: crc32fast::Hasher::new(), written: 0 })
            }
            Err(error) => {
                self.pause(&error);
                None
            }
        }
    }

    /// Appends to a spooled body. After an error nothing is stored for a while.
    pub(crate) fn append(&self, spool: &mut Spool, bytes: &[u8]) -> io::Result<()> {
        (&*spool.file).write_all(bytes).inspect_err(|e| self.pause(e))?;
        spool.hasher.update(bytes);
        spool.written += bytes.len() as u64;
        Ok(())
    }

    /// Stores a body that is in memory, if it is let in.
    pub(crate) fn store(&self, key: &Key, etag: &str, body: &[u8]) -> Stored {
        self.admit(key, etag, body.len() as u64, || {
            let mut spool = self.spool()?;
            self.append(&mut spool, body).ok()?;
            Some(spool)
        })
    }

    /// Gives a spooled body its name, if it is let in.
    pub(crate) fn keep(&self, key: &Key, etag: &str, spool: Spool) -> Stored {
        self.admit(key, etag, spool.written, || Some(spool))
    }

    fn admit(&self, key: &Key, etag: &str, size: u64, write: impl FnOnce() -> Option<Spool>) -> Stored {
        // Reserving by the whole file's length needs the trailer's, which does not depend on its values.
        let blank = Trailer { size, checksum: 0, etag: etag.to_owned() };
        let bytes = size + blank.encode(key).len() as u64;
        let reserved = lock(&self.index).reserve(key, bytes, &lock(&self.sketch));
        let Some(victims) = reserved else { return Stored::Refused };
        self.unlink(&victims);
        let finish = |spool: Spool| {
            let trailer = Trailer { checksum: spool.hasher.clone().finalize(), ..blank };
            let path = self.path(key);
            let name = || {
                (&*spool.file).write_all(&trailer.encode(key))?;
                fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
                fs::rename(&spool.path, &path)
            };
            name().inspect_err(|e| self.pause(e)).ok()
        };
        match write().and_then(finish) {
            Some(()) => {
                lock(&self.index).stored(*key, bytes, true);
                Stored::Yes { evicted: victims.len() }
            }
            None => {
                lock(&self.index).release(bytes);
                Stored::Failed
            }
        }
    }

    fn pause(&self, error: &io::Error) {
        tracing::warn!(%error, "disk cache takes no more, serving without storing");
        *lock(&self.paused) = Some(Instant::now());
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join("objects").join(format!("{:02x}", key.shard())).join(key.file_name())
    }

    fn unlink(&self, keys: &[Key]) {
        for key in keys {
            match fs::remove_file(self.path(key)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, object = %key.object(), "evicted file cannot be removed");
                }
                _ => {}
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // After the rename there is nothing under this name.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_domain::OutputId;
    use std::os::unix::fs::FileExt;

    fn key(n: usize) -> Key {
        let (song, output) = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac97-774b-bcce-b302099a8058");
        crate::path::parse(&format!("/media/g/{song}/{output}/flac/{n:05}.m4s")).unwrap().key
    }

    fn body(disk: &Disk, key: &Key) -> io::Result<Option<Vec<u8>>> {
        Ok(disk.load(key, |_| true)?.map(|loaded| match loaded {
            Loaded::Body(_, body) => body,
            Loaded::File(trailer, file) => trailer.read_body(&file).unwrap(),
        }))
    }

    #[test]
    fn keeps_objects_over_a_restart_and_drops_what_was_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        assert_eq!(disk.store(&key(1), "\"a\"", b"one"), Stored::Yes { evicted: 0 });
        fs::write(dir.path().join("tmp/77"), b"half").unwrap();
        fs::write(dir.path().join("objects/57/odd name"), b"odd").unwrap();
        assert_eq!(Disk::open(dir.path(), 1 << 20).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(disk);

        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        assert_eq!(body(&disk, &key(1)).unwrap().unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        assert!(!dir.path().join("objects/57/odd name").exists());
        drop(disk);

        // A smaller limit holds from the start.
        let disk = Disk::open(dir.path(), 4095).unwrap();
        assert_eq!((disk.used(), body(&disk, &key(1)).unwrap()), (0, None));
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        let (key, path) = (key(1), |disk: &Disk, k: &Key| disk.path(k));
        disk.store(&key, "\"a\"", b"some bytes of audio");
        let whole = fs::read(path(&disk, &key)).unwrap();
        for at in 0..whole.len() {
            disk.store(&key, "\"a\"", b"some bytes of audio");
            let file = OpenOptions::new().write(true).open(path(&disk, &key)).unwrap();
            file.write_all_at(&[whole[at] ^ 0x10], at as u64).unwrap();
            assert_eq!(body(&disk, &key).unwrap_err().kind(), io::ErrorKind::InvalidData, "flipped at {at}");
            assert!(!disk.contains(&key));
            disk.store(&key, "\"a\"", b"some bytes of audio");
            fs::write(path(&disk, &key), &whole[..at]).unwrap();
            assert_eq!(body(&disk, &key).unwrap_err().kind(), io::ErrorKind::InvalidData, "cut at {at}");
        }
        // The same for bodies that are streamed from the file: found at the first load after a start.
        disk.store(&key, "\"a\"", b"some bytes of audio");
        fs::write(path(&disk, &key), [b"other bytes of audi".as_slice(), &whole[19..]].concat()).unwrap();
        drop(disk);
        let disk = Disk::open(dir.path(), 1 << 20).unwrap();
        assert!(disk.load(&key, |_| false).is_err());
        assert_eq!(disk.used(), 0);
    }

    #[test]
    fn files_stay_within_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path(), 100 << 10).unwrap();
        for n in 1..=50 {
            disk.store(&key(n), "\"a\"", &[7; 9000]);
        }
        let files: u64 = fs::read_dir(dir.path().join("objects/57"))
            .unwrap()
            .map(|f| f.unwrap().metadata().unwrap().len())
            .sum();
        assert!((70 << 10..=100 << 10).contains(&files), "{files}");
        assert_eq!(body(&disk, &key(50)).unwrap().unwrap(), [7; 9000]);
    }

    #[test]
    fn a_start_indexes_twenty_thousand_objects_quickly() {
        let dir = tempfile::tempdir().unwrap();
        drop(Disk::open(dir.path(), 1 << 30).unwrap());
        for _ in 0..500 {
            let base = Key { song: SongId::new(), output: OutputId::new(), ..key(1) };
            let folder = dir.path().join(format!("objects/{:02x}", base.shard()));
            fs::create_dir_all(&folder).unwrap();
            for n in 1..=40 {
                File::create(folder.join(base.sibling(key(n).name).file_name())).unwrap();
            }
        }
        let begin = Instant::now();
        let disk = Disk::open(dir.path(), 1 << 30).unwrap();
        let took = begin.elapsed();
        println!("20,000 files indexed in {took:?}");
        assert!(took < Duration::from_secs(5));
        assert!(matches!(disk.load(&key(1), |_| true), Ok(None)));
    }
}
