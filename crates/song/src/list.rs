//! ListSongs: the caller's songs, newest first, from the table that is keyed by owner.

use crate::{Error, field::Checks, repository::Page, role::Role, service::Call};
use segue_domain::{PageSize, PageToken, SongId, SongState, Timestamp, UserId};
use segue_proto::song::v1::{self as pb, ListSongsRequest, ListSongsResponse};

impl Role {
    pub(crate) async fn list(
        &self,
        owner: UserId,
        call: &Call,
        request: ListSongsRequest,
    ) -> Result<ListSongsResponse, Error> {
        let mut checks = Checks::default();
        let states = states(&mut checks, &request.states);
        let sha256 = (!request.sha256.is_empty()).then(|| checks.sha256("sha256", &request.sha256));
        checks.done()?;
        let size =
            PageSize::new(request.page_size).map_err(|e| Error::field("page_size", e.to_string()))?.get();
        let (owner_text, states_text) = (owner.to_string(), format!("{states:?}"));
        let query = ["ListSongs", &owner_text, &states_text, sha256.as_deref().unwrap_or_default()];
        let bad_token = |text: String| Error::field("page_token", text);
        let after = match PageToken::decode(&query, &request.page_token)
            .map_err(|e| bad_token(e.to_string()))?
        {
            None => None,
            Some(cursor) => {
                let made_here = || {
                    bad_token("page_token is not one that this service made; begin again without it".into())
                };
                Some(position(&cursor).ok_or_else(made_here)?)
            }
        };

        // One more than asked for tells whether there is a next page.
        let page = Page { owner, states: states.clone(), sha256: sha256.clone(), after, size: size + 1 };
        let mut entries = self.list.page(&page).await?;
        let more = entries.len() > size as usize;
        entries.truncate(size as usize);
        let next_page_token = match entries.last() {
            Some((created, song)) if more => {
                PageToken::encode(&query, &format!("{}:{song}", created.millis()))
            }
            _ => String::new(),
        };

        let ids: Vec<SongId> = entries.into_iter().map(|(_, song)| song).collect();
        let mut found = self.songs.find_many(&ids).await?;
        // The list may be a moment behind the songs; what no longer belongs to the answer is left out.
        let belongs = |state: SongState| states.is_empty() || states.contains(&state);
        let songs = ids.iter().filter_map(|id| found.remove(id));
        let songs = songs.filter(|song| song.deleted.is_none() && song.owner == owner && belongs(song.state));
        let songs = songs.map(|song| self.answer(song, &call.caller, &call.origin)).collect();
        Ok(ListSongsResponse { songs, next_page_token })
    }
}

/// The states, each once and in a fixed order, so that a page token does not depend on how they were written.
pub(crate) fn states(checks: &mut Checks, numbers: &[i32]) -> Vec<SongState> {
    let mut states = Vec::new();
    for number in numbers {
        match pb::SongState::try_from(*number) {
            Ok(pb::SongState::Created) => states.push(SongState::Created),
            Ok(pb::SongState::Uploaded) => states.push(SongState::Uploaded),
            Ok(pb::SongState::Processing) => states.push(SongState::Processing),
            Ok(pb::SongState::Ready) => states.push(SongState::Ready),
            Ok(pb::SongState::Failed) => states.push(SongState::Failed),
            Ok(pb::SongState::Unspecified) | Err(_) => {
                checks.refuse(
                    "states",
                    "SONG_STATE_CREATED, _UPLOADED, _PROCESSING, _READY or _FAILED; none for all",
                );
                break;
            }
        }
    }
    states.sort_unstable();
    states.dedup();
    states
}

fn position(cursor: &str) -> Option<(Timestamp, SongId)> {
    let (created, song) = cursor.split_once(':')?;
    Some((Timestamp(created.parse().ok()?), song.parse().ok()?))
}
