//! Whose process a server is. PostgreSQL refuses to run as root, and RabbitMQ's scripts do; then they run as the user
//! that Debian's package made. For an ordinary user everything runs as that user.

use crate::process;
use anyhow::Context;
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// User and group id.
pub(crate) type Ids = (u32, u32);

/// The ids to change to: none unless this process is root's.
///
/// # Errors
/// When root lacks that user, since the package is not installed.
pub(super) fn instead_of_root(user: &str) -> anyhow::Result<Option<Ids>> {
    if Path::new("/proc/self").metadata()?.uid() != 0 {
        return Ok(None);
    }
    let id = |flag| -> anyhow::Result<u32> {
        let text = process::first_line("id", &[flag, user]).with_context(|| {
            format!("there is no user '{user}': its Debian package is missing; run: cargo xtask install")
        })?;
        Ok(text.parse()?)
    };
    Ok(Some((id("-u")?, id("-g")?)))
}

/// A folder that only this user may enter, as PostgreSQL and Erlang demand.
///
/// # Errors
/// When it cannot be made or given away.
pub(super) fn make_folder(path: &Path, owner: Option<Ids>) -> anyhow::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, chown};
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    if let Some((user, group)) = owner {
        chown(path, Some(user), Some(group))?;
    }
    Ok(())
}

/// A file that this user may read and change.
///
/// # Errors
/// When it cannot be written or given away.
pub(super) fn write_file(path: &Path, text: &str, owner: Option<Ids>) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(path, Some(user), Some(group))?;
    }
    Ok(())
}
