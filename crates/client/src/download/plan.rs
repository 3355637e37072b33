//! What is to be fetched for one song, and the grant to fetch it.

use crate::{Client, ClientError, Patience, Quality};
use segue_proto::song::v1::{DownloadFile, GetDownloadRequest, GetDownloadResponse, Rung, Song};
use tokio::sync::Mutex;

/// Largest file that is taken, bytes. Six seconds of 384 kHz in 24 bits are 14 MB.
const MOST_FILE: u64 = 64 << 20;
/// Most files of a song: twelve hours in segments of six seconds are 7,200.
const MOST_FILES: usize = 20_000;

/// One file: its name below the base and below the folder it is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) name: Box<str>,
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
}

/// Every file of one rung of one song.
#[derive(Debug)]
pub struct Plan {
    song_id: String,
    rung: Rung,
    pieces: Vec<Piece>,
    bases: Mutex<Bases>,
}

/// Where files are: the same ones at every edge, behind one grant.
#[derive(Debug)]
struct Bases {
    urls: Vec<String>,
    /// The one that is asked.
    at: usize,
}

impl Bases {
    fn of(first: String, others: Vec<String>) -> Self {
        Self { urls: std::iter::once(first).chain(others).collect(), at: 0 }
    }

    fn now(&self) -> &str {
        &self.urls[self.at]
    }

    /// Goes on to the next edge, unless another file has done so already.
    fn pass_over(&mut self, failed: &str) {
        if self.now() == failed {
            self.at = (self.at + 1) % self.urls.len();
        }
    }
}

impl Client {
    /// Asks what there is to fetch for a song. One call of GetDownload; what does not answer is asked again.
    pub async fn plan_download(
        &self,
        song: &Song,
        quality: Quality,
        patience: Patience,
    ) -> Result<Plan, ClientError> {
        let rung = quality.rung(&song.rungs);
        let answer = patience.retry(|| self.get_download(&song.song_id, &rung)).await?;
        let pieces = pieces(answer.files)?;
        let Some(rung) = answer.rung else {
            return Err(ClientError::Other("the server answered without a rung".into()));
        };
        let bases = Mutex::new(Bases::of(answer.base_url, answer.fallback_base_urls));
        Ok(Plan { song_id: song.song_id.clone(), rung, pieces, bases })
    }

    async fn get_download(&self, song_id: &str, rung: &str) -> Result<GetDownloadResponse, ClientError> {
        let request = GetDownloadRequest { song_id: song_id.into(), rung: rung.into() };
        let answer = self.songs().get_download(self.request(request).await?).await;
        Ok(answer.map_err(|s| self.refused(s))?.into_inner())
    }
}

impl Plan {
    /// The song.
    pub fn song_id(&self) -> &str {
        &self.song_id
    }
    /// The rung that the server chose or was asked for.
    pub fn rung(&self) -> &Rung {
        &self.rung
    }
    /// Sum of the sizes of all files, without a cover.
    pub fn total_bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.size).sum()
    }
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Name of the media playlist.
    pub(crate) fn playlist(&self) -> Option<&str> {
        self.pieces.iter().map(|piece| &*piece.name).find(|name| name.ends_with(".m3u8"))
    }

    /// Where files are now.
    pub(crate) async fn base(&self) -> String {
        self.bases.lock().await.now().to_owned()
    }

    /// The edge of this base does not serve: the next one is asked from now on.
    pub(crate) async fn pass_over(&self, failed: &str) {
        self.bases.lock().await.pass_over(failed);
    }

    /// A new grant in the place of `refused`, unless another file has fetched one already.
    pub(crate) async fn renew(&self, client: &Client, refused: &str) -> Result<(), ClientError> {
        let mut bases = self.bases.lock().await;
        if bases.now() != refused {
            return Ok(());
        }
        let answer = client.get_download(&self.song_id, &self.rung.name).await?;
        if pieces(answer.files)? != self.pieces {
            let text = format!("song {} was encoded anew meanwhile; run it again", self.song_id);
            return Err(ClientError::Other(text));
        }
        *bases = Bases::of(answer.base_url, answer.fallback_base_urls);
        Ok(())
    }
}

/// The files, when every one may be written below a folder: the server's word is not trusted with names.
fn pieces(files: Vec<DownloadFile>) -> Result<Vec<Piece>, ClientError> {
    let piece = |file: DownloadFile| {
        let wrong = |what: &str| {
            ClientError::Other(format!(
                "the server named a file that cannot be kept ({what}): {:?}",
                file.name
            ))
        };
        if !is_plain(&file.name) {
            return Err(wrong("its name"));
        }
        if file.size_bytes > MOST_FILE {
            return Err(wrong("its size"));
        }
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&file.sha256, &mut sha256).map_err(|_| wrong("its hash"))?;
        Ok(Piece { name: file.name.into(), size: file.size_bytes, sha256 })
    };
    if files.len() > MOST_FILES {
        return Err(ClientError::Other(format!("the server named {} files for one song", files.len())));
    }
    files.into_iter().map(piece).collect()
}

/// `aac-128/00001.m4s`: a folder at most, of letters, digits, dots, dashes and underscores, and nothing hidden.
fn is_plain(name: &str) -> bool {
    let plain = |part: &str| {
        let bytes = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        !part.is_empty() && part.len() <= 64 && !part.starts_with('.') && part.bytes().all(bytes)
    };
    let kept_by_us = [super::MASTER_NAME, super::COVER_NAME].contains(&name);
    name.split('/').count() <= 2 && name.split('/').all(plain) && !kept_by_us && !name.ends_with(".part")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> DownloadFile {
        DownloadFile { name: name.into(), size_bytes: 1, sha256: "00".repeat(32) }
    }

    #[test]
    fn an_edge_that_does_not_serve_is_passed_over_once_by_all_who_saw_it() {
        let mut bases = Bases::of("a".into(), vec!["b".into(), "c".into()]);
        bases.pass_over("a");
        bases.pass_over("a");
        assert_eq!(bases.now(), "b");
        bases.pass_over("b");
        bases.pass_over("c");
        assert_eq!(bases.now(), "a", "round again: the first may be back");
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        assert!(pieces(vec![file("aac-128/init.mp4"), file("aac-128/00001.m4s")]).is_ok());
        for name in
            ["", "..", "../x", "a/../b", "/etc/x", "a//b", "a/b/c", ".ssh", "a/.x", "a\\b", "a b", "x.part"]
        {
            assert!(pieces(vec![file(name)]).is_err(), "{name}");
        }
    }

    #[test]
    fn sizes_and_hashes_that_cannot_be_are_refused() {
        assert!(pieces(vec![DownloadFile { size_bytes: MOST_FILE + 1, ..file("a") }]).is_err());
        assert!(pieces(vec![DownloadFile { sha256: "00".into(), ..file("a") }]).is_err());
    }
}
