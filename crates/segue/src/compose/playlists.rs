//! The playlist role: it asks the song role in the name of callers, and identity in its own.

use super::{Ground, SERVICES, away};
use crate::crash;
use segue_playlist::Playlists;
use std::sync::Arc;

impl Ground<'_> {
    pub(super) async fn playlist(&mut self) -> anyhow::Result<()> {
        self.tables(Playlists::migrate, Playlists::migrated).await?;
        let deps = segue_playlist::Deps {
            store: self.engines.store()?.clone(),
            bus: self.engines.bus()?,
            cache: Arc::new(self.engines.cache()?.clone()),
            songs: self.channel(SERVICES[1].0)?,
            identity: self.channel(SERVICES[0].0)?,
            role: self.signer()?,
            clock: self.engines.clock.clone(),
            crash: crash::point,
        };
        let playlists = Playlists::new(self.config.playlist.clone(), deps)?;
        away(playlists.declare().await)?;
        self.serve(SERVICES[4].0, playlists.service());
        self.serve(SERVICES[5].0, playlists.library_service());
        let stop = self.stop.clone();
        self.tasks.spawn(async move { playlists.run(stop).await });
        Ok(())
    }
}
