//! The encodings of a song.

use crate::{Error, encoder::Inner};
use segue_domain::{EncodingId, IdError, PageError, PageSize, PageToken, SongId};
use segue_mesh::Caller;
use segue_proto::encoder::v1::{ListEncodingsRequest, ListEncodingsResponse};

/// One page, newest first. May be a moment old.
pub(super) async fn list(
    encoder: &Inner,
    caller: &Caller,
    request: ListEncodingsRequest,
) -> Result<ListEncodingsResponse, Error> {
    let song: SongId =
        request.song_id.parse().map_err(|e: IdError| Error::field("song_id", e.to_string()))?;
    let size = PageSize::new(request.page_size)?;
    let query = ["ListEncodings", &request.song_id];
    let before = PageToken::decode(&query, &request.page_token)?;
    let before: Option<EncodingId> =
        before.map(|c| c.parse()).transpose().map_err(|_| PageError::Malformed)?;

    let mut found = encoder.repository.list(song, before, size.get() + 1).await?;
    let allowed = match found.first() {
        Some(encoding) => encoding.visible_to(caller),
        None => before.is_some() || owns(encoder, caller, song).await?,
    };
    if !allowed {
        return Err(Error::SongNotFound(song));
    }
    let more = found.len() > size.get() as usize;
    found.truncate(size.get() as usize);
    let next_page_token = match found.last() {
        Some(last) if more => PageToken::encode(&query, &last.id.to_string()),
        _ => String::new(),
    };
    let encodings = found.iter().map(|e| e.to_proto(encoder.running.percent(e.id))).collect();
    Ok(ListEncodingsResponse { encodings, next_page_token })
}

/// A song without encodings: only the song service knows whose it is.
async fn owns(encoder: &Inner, caller: &Caller, song: SongId) -> Result<bool, Error> {
    let owner = encoder.songs.owner(song).await?;
    Ok(owner.is_some_and(|owner| caller.sees_all() || caller.user_id() == Some(owner)))
}
