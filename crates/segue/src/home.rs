//! What the command line keeps on this machine: sessions by server, unfinished uploads, and what was changed a moment ago.

use anyhow::Context;
use segue_client::{CredentialStore, Credentials};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    any::Any,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

const DEFAULT_URL: &str = "http://127.0.0.1:4420";

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    folder: PathBuf,
}

impl Home {
    /// Opens the folder, readable by its owner only.
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(|| {
            format!("cannot make {}; choose another folder with SEGUE_HOME", folder.display())
        })?;
        Ok(Self { folder })
    }

    /// The server to talk to.
    pub(crate) fn server(&self, asked: Option<String>) -> String {
        let last = || read::<String>(&self.folder.join("server.json")).ok().flatten();
        asked
            .filter(|url| !url.is_empty())
            .or_else(last)
            .unwrap_or_else(|| DEFAULT_URL.into())
            .trim_end_matches('/')
            .to_owned()
    }

    /// Remembers the server that was signed in to.
    pub(crate) fn set_server(&self, url: &str) -> anyhow::Result<()> {
        write(&self.folder.join("server.json"), &url).context("cannot remember the server")
    }

    /// Sessions of one server.
    pub(crate) fn credentials(&self, url: &str) -> Arc<dyn CredentialStore> {
        Arc::new(CredentialFile { path: self.folder.join("credentials.json"), url: url.to_owned() })
    }

    /// What commands of the last minute changed on a server, so that the next one reads nothing older. Later than that every
    /// replica has caught up.
    pub(crate) fn seen(&self, url: &str) -> String {
        let mut all: BTreeMap<String, Seen> =
            read(&self.folder.join("seen.json")).ok().flatten().unwrap_or_default();
        all.remove(url).filter(|seen| seen.is_fresh()).map(|seen| seen.marks).unwrap_or_default()
    }

    /// Keeps what was changed for [`Home::seen`].
    pub(crate) fn set_seen(&self, url: &str, marks: String) {
        let path = self.folder.join("seen.json");
        let mut all: BTreeMap<String, Seen> = read(&path).ok().flatten().unwrap_or_default();
        all.retain(|_, seen| seen.is_fresh());
        all.insert(url.to_owned(), Seen { marks, at: SystemTime::now() });
        // Without it the next command may read what is a moment old.
        let _ = write(&path, &all);
    }

    /// The request id of an unfinished upload of these bytes to this server; a new one is kept before it is used, so
    /// that a killed client finds its song again.
    pub(crate) fn request_id(&self, url: &str, email: &str, sha256: &str) -> anyhow::Result<String> {
        let path = self.pending(url, email, sha256);
        if let Some(id) = read::<String>(&path).ok().flatten() {
            return Ok(id);
        }
        let id = segue_domain::SongId::new().to_string();
        fs::create_dir_all(self.folder.join("uploads"))?;
        write(&path, &id).context("cannot keep the upload's id")?;
        Ok(id)
    }

    /// The upload is complete.
    pub(crate) fn forget_request(&self, url: &str, email: &str, sha256: &str) {
        // Left behind it only costs a few bytes.
        let _ = fs::remove_file(self.pending(url, email, sha256));
    }

    fn pending(&self, url: &str, email: &str, sha256: &str) -> PathBuf {
        let name = hex::encode(&Sha256::digest(format!("{url}\n{email}\n{sha256}"))[..16]);
        self.folder.join("uploads").join(format!("{name}.json"))
    }
}

#[derive(Serialize, Deserialize)]
struct Seen {
    marks: String,
    at: SystemTime,
}

impl Seen {
    fn is_fresh(&self) -> bool {
        self.at.elapsed().is_ok_and(|age| age < Duration::from_secs(60))
    }
}

struct CredentialFile {
    path: PathBuf,
    url: String,
}

impl CredentialStore for CredentialFile {
    fn load(&self) -> io::Result<Option<Credentials>> {
        Ok(read::<BTreeMap<String, Credentials>>(&self.path)?.unwrap_or_default().remove(&self.url))
    }
    fn save(&self, credentials: Option<&Credentials>) -> io::Result<()> {
        let mut all: BTreeMap<String, Credentials> = read(&self.path)?.unwrap_or_default();
        match credentials {
            Some(c) => all.insert(self.url.clone(), c.clone()),
            None => all.remove(&self.url),
        };
        write(&self.path, &all)
    }
    fn lock(&self) -> io::Result<Box<dyn Any + Send>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.with_extension("lock"))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(Box::new(file))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// All at once: a reader sees the old content or the new.
fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
