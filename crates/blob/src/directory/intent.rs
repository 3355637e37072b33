//! Notes about what a commit or removal has begun, so that the next open can finish the cleaning up after a crash
//! without looking at every object. A note is written before the first step and removed after the last.

use super::{error::EngineError, layout::Layout, layout::remove, stored::Stored};
use segue_domain::ObjectName;
use serde::{Deserialize, Serialize};
use std::{fs, io};
use uuid::Uuid;

/// One note. Its file is named after the version that is garbage unless the object refers to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Intent {
    object: ObjectName,
    /// When the object has this ETag ("" for no object), the change is done and uncommitted blocks go.
    drops_blocks_at: Option<String>,
}

impl Intent {
    /// Notes the intent under `id`.
    pub(super) fn begin(
        layout: &Layout,
        id: Uuid,
        object: &ObjectName,
        drops_blocks_at: Option<&str>,
    ) -> io::Result<()> {
        let intent = Self { object: object.clone(), drops_blocks_at: drops_blocks_at.map(str::to_owned) };
        fs::write(layout.intent(id), serde_json::to_vec(&intent)?)
    }

    /// Forgets the note.
    pub(super) fn end(layout: &Layout, id: Uuid) {
        remove(&layout.intent(id));
    }

    /// Brings what the note under `id` began to an end, one way or the other. Safe to repeat.
    pub(super) fn settle(layout: &Layout, id: Uuid) -> Result<(), EngineError> {
        // A note that was cut off was followed by nothing.
        let intent =
            fs::read(layout.intent(id)).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        if let Some(intent) = intent {
            let current = Stored::open(&layout.object(&intent.object)?)?.map(|(_, stored)| stored);
            if current.as_ref().and_then(Stored::version) != Some(id) {
                discard_version(layout, id)?;
            }
            if intent.drops_blocks_at.as_deref() == Some(current.as_ref().map_or("", |stored| &stored.etag)) {
                drop_blocks(layout, &intent.object)?;
            }
        }
        Self::end(layout, id);
        Ok(())
    }
}

/// Removes the uncommitted blocks of an object, all at once.
pub(super) fn drop_blocks(layout: &Layout, object: &ObjectName) -> Result<(), EngineError> {
    let folder = layout.blocks(object)?;
    if let Some(aside) = layout.put_aside(&folder)? {
        remove_soon(aside);
        if let Some(parent) = folder.parent() {
            layout.prune(parent, &layout.staging());
        }
    }
    Ok(())
}

/// Removes the parts of a version that nothing refers to and nobody reads.
pub(super) fn discard_version(layout: &Layout, version: Uuid) -> io::Result<()> {
    if let Some(aside) = layout.put_aside(&layout.version(version))? {
        remove_soon(aside);
    }
    Ok(())
}

/// Removes a folder of files without making anybody wait.
fn remove_soon(path: std::path::PathBuf) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || remove(&path))),
        Err(_) => remove(&path),
    }
}
