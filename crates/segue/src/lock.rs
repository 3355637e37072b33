//! One server per data folder.

use anyhow::Context;
use std::{fs::File, path::Path};

/// Held for as long as the server runs; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct DataLock(#[allow(dead_code, reason = "held, not read")] File);

/// Takes the folder, or says who else has it.
pub(crate) fn take(folder: &Path) -> anyhow::Result<DataLock> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| {
        format!("cannot write to {}; choose another folder with --data", folder.display())
    })?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        anyhow::anyhow!(
            "another segue runs on {}; stop it, or choose another folder with --data",
            folder.display()
        )
    })?;
    Ok(DataLock(file))
}
