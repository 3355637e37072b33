//! GetDownload: every file of one rung with size and hash.

use crate::{
    Error, answer,
    manifest::{self, Unreadable},
    playback::ready,
    record::Rung,
    role::Role,
    service::Call,
};
use moka::future::Cache;
use segue_domain::{OutputId, SongId};
use segue_mesh::to_proto;
use segue_ports::blob::BlobStore;
use segue_proto::song::v1::{DownloadFile, GetDownloadRequest, GetDownloadResponse};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};

/// Memory for lists of files that were asked for lately, bytes.
const CACHE_BYTES: u64 = 8 << 20;

/// Lists of files by output and rung. An output never changes, so neither does its list.
#[derive(Debug)]
pub(crate) struct Downloads {
    blob: Arc<dyn BlobStore>,
    files: Cache<(OutputId, String), Arc<Vec<DownloadFile>>>,
}

impl Role {
    pub(crate) async fn download(
        &self,
        call: &Call,
        request: GetDownloadRequest,
    ) -> Result<GetDownloadResponse, Error> {
        let song = self.seen(call, &request.song_id).await?;
        let output = ready(&song)?;
        let rung = choose(&output.rungs, &request.rung, song.original.size)?;
        let files = self.downloads.files(song.id, output.id, &rung.name).await?;
        let playback =
            self.addresses.playback(song.id, output, call.caller.user_id(), self.now(), &call.origin);
        let mut bases = playback.bases.into_iter();
        Ok(GetDownloadResponse {
            base_url: bases.next().unwrap_or_default(),
            fallback_base_urls: bases.collect(),
            rung: Some(answer::rung(rung.clone())),
            total_bytes: files.iter().map(|f| f.size_bytes).sum(),
            files: files.to_vec(),
            expire_time: Some(to_proto(playback.expires)),
        })
    }
}

impl Downloads {
    pub(crate) fn new(blob: Arc<dyn BlobStore>) -> Self {
        let weigh = |_: &(OutputId, String), files: &Arc<Vec<DownloadFile>>| {
            let bytes: usize =
                files.iter().map(|f| f.name.len() + f.sha256.len() + size_of::<DownloadFile>()).sum();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let files = Cache::builder()
            .weigher(weigh)
            .max_capacity(CACHE_BYTES)
            .time_to_idle(Duration::from_secs(600))
            .build();
        Self { blob, files }
    }

    /// The files of a rung. Callers that ask at the same time wait for one load.
    async fn files(
        &self,
        song: SongId,
        output: OutputId,
        rung: &str,
    ) -> Result<Arc<Vec<DownloadFile>>, Error> {
        let loaded = self.files.try_get_with((output, rung.to_owned()), self.load(song, output, rung)).await;
        loaded.map_err(|error| error.of(song, output))
    }

    async fn load(
        &self,
        song: SongId,
        output: OutputId,
        rung: &str,
    ) -> Result<Arc<Vec<DownloadFile>>, Unreadable> {
        let manifest = manifest::load(self.blob.as_ref(), song, output).await?;
        let found = manifest.rungs.into_iter().find(|r| r.name == rung);
        let rung = found.ok_or_else(|| Unreadable::Corrupt(format!("manifest has no rung {rung}")))?;
        // The manifest is written after the playlists but does not hash them.
        let playlist = manifest::read(self.blob.as_ref(), song, output, &rung.playlist).await?;
        let file = |name, size_bytes, sha256| DownloadFile { name, size_bytes, sha256 };
        let mut files: Vec<_> = std::iter::once(rung.init)
            .chain(rung.segments)
            .map(|o| file(o.name, o.bytes, o.sha256))
            .collect();
        files.push(file(rung.playlist, playlist.len() as u64, hex::encode(Sha256::digest(&playlist))));
        Ok(Arc::new(files))
    }
}

/// The rung that was asked for, or without one the best; when it is larger than the original, the best below it that is
/// not, and when there is none, the smallest.
fn choose<'a>(rungs: &'a [Rung], asked: &str, original: u64) -> Result<&'a Rung, Error> {
    let quality = |rung: &Rung| (rung.lossless, rung.average_bandwidth);
    let most = match asked {
        "" => None,
        name => {
            let names = || rungs.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", ");
            let unknown =
                || Error::field("rung", format!("this song has {}; leave it empty for the best", names()));
            Some(quality(rungs.iter().find(|r| r.name == name).ok_or_else(unknown)?))
        }
    };
    let fits = |rung: &&Rung| rung.bytes <= original && most.is_none_or(|most| quality(rung) <= most);
    let best = rungs.iter().filter(fits).max_by_key(|rung| quality(rung));
    let smallest = || rungs.iter().min_by_key(|r| r.bytes);
    best.or_else(smallest).ok_or_else(|| Error::Internal("a READY song has no rung".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(name: &str, bytes: u64, lossless: bool) -> Rung {
        let bandwidth = u32::try_from(bytes).expect("small");
        let codec = String::new();
        Rung {
            name: name.into(),
            codec,
            lossless,
            average_bandwidth: bandwidth,
            bandwidth,
            sample_rate: 44_100,
            bytes,
        }
    }

    #[test]
    fn the_best_rung_is_no_larger_than_the_original() {
        let rungs = [rung("aac-64", 100, false), rung("aac-128", 200, false), rung("flac", 150, true)];
        let chosen = |asked, original| choose(&rungs, asked, original).map(|r| r.name.as_str());
        assert_eq!(chosen("", 1000).unwrap(), "flac");
        assert_eq!(chosen("", 149).unwrap(), "aac-64");
        assert_eq!(chosen("", 1).unwrap(), "aac-64", "the smallest when none fits");
        assert_eq!(chosen("aac-64", 1000).unwrap(), "aac-64");
        assert_eq!(chosen("aac-128", 1000).unwrap(), "aac-128", "not the lossless one, though it is smaller");
        assert_eq!(
            chosen("aac-128", 199).unwrap(),
            "aac-64",
            "a choice is no larger than the original either"
        );
        assert_eq!(chosen("aac-128", 1).unwrap(), "aac-64");
        let error = chosen("opus", 1000).unwrap_err();
        assert!(error.to_string().contains("aac-64, aac-128, flac"), "{error}");
    }
}
