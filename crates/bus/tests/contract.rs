//! The embedded engine does what every bus does.

use async_trait::async_trait;
use segue_bus::Embedded;
use segue_domain::SystemClock;
use segue_ports::{
    bus::Bus,
    contract::bus::{Engine, run},
};
use std::sync::Arc;
use tempfile::TempDir;

struct Folder {
    folder: TempDir,
    bus: Option<Embedded>,
}

impl Folder {
    async fn open(&mut self) {
        let path = self.folder.path().join("bus.db");
        self.bus = Some(Embedded::open(&path, Arc::new(SystemClock)).await.expect("the file opens"));
    }
}

#[async_trait]
impl Engine for Folder {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.bus.clone().expect("it is open"))
    }
    async fn reopen(&mut self) {
        self.bus = None;
        self.open().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn does_what_every_bus_does() {
    run(|| {
        Box::pin(async {
            let mut folder = Folder { folder: tempfile::tempdir().expect("a folder"), bus: None };
            folder.open().await;
            Box::new(folder) as Box<dyn Engine>
        })
    })
    .await;
}
