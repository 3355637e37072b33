//! Who reads which object, so that the parts of a version outlive its replacement while somebody reads it.

use super::{intent::Intent, intent::discard_version, layout::Layout};
use segue_domain::ObjectName;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    /// Versions to remove when the last reader has gone.
    retired: Vec<Uuid>,
}

/// The readers of all objects.
#[derive(Debug)]
pub(super) struct ReaderTable {
    layout: Layout,
    readers: Mutex<HashMap<ObjectName, Readers>>,
}

impl ReaderTable {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, readers: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectName, Readers>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a reader, before it looks which version is current.
    pub(super) fn enter(self: &Arc<Self>, object: &ObjectName) -> Reader {
        self.lock().entry(object.clone()).or_default().count += 1;
        Reader { table: Arc::clone(self), object: object.clone() }
    }

    /// Removes a version that is current no more, now or after the last reader. A reader who enters later sees
    /// the new version.
    pub(super) fn retire(&self, object: &ObjectName, version: Uuid) {
        if let Some(readers) = self.lock().get_mut(object) {
            readers.retired.push(version);
            return;
        }
        self.discard(version);
    }

    fn discard(&self, version: Uuid) {
        match discard_version(&self.layout, version) {
            Ok(()) => Intent::end(&self.layout, version),
            Err(error) => tracing::warn!(%error, "cannot remove a version; the next open tries again"),
        }
    }
}

/// A reader; leaves when dropped.
#[derive(Debug)]
pub(super) struct Reader {
    table: Arc<ReaderTable>,
    object: ObjectName,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let retired = {
            let mut table = self.table.lock();
            let Some(readers) = table.get_mut(&self.object) else { return };
            readers.count -= 1;
            if readers.count > 0 {
                return;
            }
            table.remove(&self.object).map(|readers| readers.retired).unwrap_or_default()
        };
        if retired.is_empty() {
            return;
        }
        let table = Arc::clone(&self.table);
        let discard = move || retired.into_iter().for_each(|version| table.discard(version));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(discard)),
            Err(_) => discard(),
        }
    }
}
