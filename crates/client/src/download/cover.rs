//! The cover beside a song.

use super::{COVER_NAME, fetch, record::KeptFile};
use crate::{Client, ClientError, Patience};
use bytes::BytesMut;
use segue_proto::song::v1::Song;
use sha2::{Digest, Sha256};

/// Largest cover that is taken, bytes. Those of 640 pixels have some 100 kB.
const MOST: u64 = 4 << 20;

/// Which cover a song has: the output and the size of its URL, without the grant. Empty when it has none.
pub fn identity(song: &Song) -> String {
    let url = song.covers.last().map_or("", |cover| cover.url.as_str());
    // …/media/{grant}/{song}/{output}/{name}
    let mut parts: Vec<&str> = url.rsplitn(4, '/').take(3).collect();
    parts.reverse();
    parts.join("/")
}

/// The largest cover. None when the song has none, or lost it meanwhile.
pub(crate) async fn get(
    client: &Client,
    song: &Song,
    patience: Patience,
) -> Result<Option<BytesMut>, ClientError> {
    let Some(cover) = song.covers.last() else { return Ok(None) };
    let got = match patience.retry(|| fetch::bytes(client, &cover.url, COVER_NAME, MOST)).await {
        // The URL has expired while other songs were fetched.
        Err(ClientError::EdgeRefused { status: 403, .. }) => {
            let song = client.song(&song.song_id).await?;
            let Some(cover) = song.covers.last().cloned() else { return Ok(None) };
            patience.retry(|| fetch::bytes(client, &cover.url, COVER_NAME, MOST)).await
        }
        got => got,
    };
    match got {
        Ok(bytes) if bytes.len() as u64 <= MOST => Ok(Some(bytes)),
        Ok(_) | Err(ClientError::EdgeRefused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is remembered of a cover.
pub(crate) fn kept(bytes: &[u8]) -> KeptFile {
    let sha256 = hex::encode(Sha256::digest(bytes));
    KeptFile { name: COVER_NAME.into(), size: bytes.len() as u64, sha256 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_proto::song::v1::Cover;

    #[test]
    fn a_cover_is_the_same_under_another_grant() {
        let song = |url: &str| Song { covers: vec![Cover { px: 640, url: url.into() }], ..Song::default() };
        let of = |url| identity(&song(url));
        assert_eq!(of("http://e/media/g1/s/o/cover-640.jpg"), "s/o/cover-640.jpg");
        assert_eq!(of("http://f/media/g2/s/o/cover-640.jpg"), "s/o/cover-640.jpg");
        assert_eq!(identity(&Song::default()), "");
    }
}
