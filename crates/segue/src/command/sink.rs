//! Where a file that a command makes goes: standard output, or a file that is there whole or not at all.

use crate::output;
use segue_client::ClientError;
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// A file in the making.
pub(crate) struct Sink(Option<(NamedTempFile, PathBuf)>);

impl Sink {
    /// A file at `to`, else standard output. It is made beside its place, so that a full disk leaves the old one.
    pub(crate) fn open(to: Option<&Path>) -> anyhow::Result<Self> {
        let Some(to) = to else { return Ok(Self(None)) };
        let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // What the system says of the file beside it, without the name of that one.
        let file = NamedTempFile::new_in(folder).map_err(|e| at(to, e.kind().into()))?;
        Ok(Self(Some((file, to.to_owned()))))
    }

    /// The next bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        match &mut self.0 {
            Some((file, to)) => file.write_all(bytes).map_err(|e| at(to, e)),
            None => {
                output::bytes(bytes);
                Ok(())
            }
        }
    }

    /// That was all.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        if let Some((mut file, to)) = self.0 {
            file.flush().map_err(|e| at(&to, e))?;
            file.persist(&to).map_err(|e| at(&to, e.error))?;
        }
        Ok(())
    }
}

fn at(path: &Path, source: std::io::Error) -> ClientError {
    ClientError::File { path: path.display().to_string(), cause: source }
}
