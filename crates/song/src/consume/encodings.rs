//! What encoders did becomes the song's state.

use super::parse;
use crate::{
    Error,
    record::{LyricsKind, Output, Rung, SongRecord},
    role::Role,
    transition::{self, Step, output_garbage},
};
use segue_domain::{EncodingId, SongId};
use segue_proto::event::v1::{EncodingFailed, EncodingStarted, EncodingSucceeded, Event, event::Data};

impl Role {
    pub(super) async fn on_encoding(&self, event: Event) -> Result<(), Error> {
        match event.data {
            Some(Data::EncodingStarted(started)) => self.on_started(&started).await,
            Some(Data::EncodingSucceeded(succeeded)) => self.on_succeeded(succeeded).await,
            Some(Data::EncodingFailed(failed)) => self.on_failed(&failed).await,
            _ => Err(Error::Malformed(format!("{} says nothing about an encoding", event.r#type))),
        }
    }

    async fn on_started(&self, started: &EncodingStarted) -> Result<(), Error> {
        let (song, encoding) = ids(&started.song_id, &started.encoding_id)?;
        self.apply(song, |song| transition::started(song, encoding)).await.map(drop)
    }

    async fn on_succeeded(&self, succeeded: EncodingSucceeded) -> Result<(), Error> {
        let (id, encoding) = ids(&succeeded.song_id, &succeeded.encoding_id)?;
        let tags = succeeded.tags.unwrap_or_default();
        let mut covers = succeeded.cover_sizes;
        covers.sort_unstable();
        let output = Output {
            id: parse(&succeeded.output_id)?,
            encoding,
            // Stored signed; a file is hours long, not ages.
            duration_ms: succeeded.duration_ms.min(u64::from(u32::MAX)),
            loudness_lufs: succeeded.loudness_lufs.filter(|n| n.is_finite()),
            true_peak_db: succeeded.true_peak_db.filter(|n| n.is_finite()),
            rungs: succeeded.rungs.into_iter().map(rung).collect(),
            covers,
            lyrics: LyricsKind::of(&tags.lyrics),
        };
        if output.rungs.is_empty() {
            return Err(Error::Malformed("an encoding that succeeded has no rung".into()));
        }
        (self.crash)("song-before-ready");
        let longest = self.config.longest_job();
        let applied =
            self.apply(id, |song| transition::succeeded(song, output.clone(), &tags, longest)).await?;
        (self.crash)("song-ready");
        match applied {
            Some(song) => self.release(song.owner).await,
            // A song that was never here cannot show the output.
            None => Ok(self.garbage.add(&output_garbage(id, &output, longest), self.now()).await?),
        }
    }

    async fn on_failed(&self, failed: &EncodingFailed) -> Result<(), Error> {
        let (song, encoding) = ids(&failed.song_id, &failed.encoding_id)?;
        let applied = self
            .apply(song, |song| transition::failed(song, encoding, &failed.reason, &failed.message))
            .await?;
        match applied {
            Some(song) => self.release(song.owner).await,
            None => Ok(()),
        }
    }

    /// Takes a step; `None` when there is no such song.
    async fn apply(
        &self,
        id: SongId,
        step: impl Fn(&SongRecord) -> Step,
    ) -> Result<Option<SongRecord>, Error> {
        match self.songs.change(id, |song| Ok(step(song))).await {
            Ok(song) => Ok(Some(song)),
            Err(Error::NotFound(_)) => {
                tracing::warn!(song.id = %id, "event about an unknown song");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn ids(song: &str, encoding: &str) -> Result<(SongId, EncodingId), Error> {
    Ok((parse(song)?, parse(encoding)?))
}

fn rung(rung: segue_proto::event::v1::Rung) -> Rung {
    Rung {
        name: rung.name,
        codec: rung.codec,
        lossless: rung.lossless,
        average_bandwidth: rung.average_bandwidth,
        bandwidth: rung.bandwidth,
        sample_rate: rung.sample_rate,
        bytes: rung.bytes,
    }
}
