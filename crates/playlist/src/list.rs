//! ListPlaylists: the caller's playlists from the table that is keyed by user, those that changed last first.

use crate::{
    Error,
    access::{Access, access},
    answer::answer,
    field::{page_size, page_token},
    repository::Filter,
    role::Role,
    service::Call,
};
use segue_domain::{PageToken, PlaylistId, Timestamp, UserId};
use segue_proto::playlist::v1::{self as pb, ListPlaylistsRequest, ListPlaylistsResponse};
use std::{collections::HashSet, sync::Arc};

impl Role {
    pub(crate) async fn list(
        &self,
        user: UserId,
        call: &Call,
        request: ListPlaylistsRequest,
    ) -> Result<ListPlaylistsResponse, Error> {
        let filter = filter(request.relation)?;
        let size = page_size(request.page_size)?;
        let (user_text, filter_text) = (user.to_string(), format!("{filter:?}"));
        let query = ["ListPlaylists", &user_text, &filter_text];
        let after = page_token(&query, &request.page_token, position)?;
        let followed = match filter {
            Filter::All | Filter::Followed => self.followed(user, after.is_none()).await?,
            Filter::Owned | Filter::Shared => HashSet::new(),
        };

        // One more than asked for tells whether there is a next page.
        let mut entries = self.lists.page(user, filter, after, size + 1).await?;
        let more = entries.len() > size as usize;
        entries.truncate(size as usize);
        let next_page_token = match entries.last() {
            Some(last) if more => {
                PageToken::encode(&query, &format!("{}:{}", last.updated.millis(), last.playlist))
            }
            _ => String::new(),
        };

        let found = self.playlists.find_many(entries.iter().map(|entry| entry.playlist)).await?;
        // The list may be a moment behind the playlists; what no longer belongs to the answer is left out.
        let playlists = entries.iter().filter_map(|entry| found.get(&entry.playlist));
        let belongs = |playlist: &&Arc<_>| access(&call.caller, playlist) > Access::Nothing;
        let playlists: Vec<_> = playlists.filter(belongs).map(Arc::as_ref).cloned().collect();
        let songs = self.covers(call, &playlists).await;
        let playlists =
            playlists.iter().map(|one| answer(call, one, &songs, followed.contains(&one.id))).collect();
        Ok(ListPlaylistsResponse { playlists, next_page_token })
    }

    /// What a user follows. Facts say nothing to followers, who may be many; so whoever begins to look at their list
    /// brings it up to date themselves: when each playlist last changed, and which are gone or hidden now.
    async fn followed(&self, user: UserId, refresh: bool) -> Result<HashSet<PlaylistId>, Error> {
        let mut followed = self.lists.followed(user, self.config.max_followed_per_user).await?;
        if !refresh || followed.is_empty() {
            return Ok(followed.into_iter().map(|entry| entry.playlist).collect());
        }
        let found = self.playlists.find_many(followed.iter().map(|entry| entry.playlist)).await?;
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        for entry in &followed {
            match found.get(&entry.playlist) {
                Some(playlist) if playlist.deleted.is_some() => gone.push(entry.playlist),
                Some(playlist) if playlist.updated > entry.updated => {
                    changed.push((entry.playlist, playlist.updated));
                }
                // Hidden for now is not gone: it may be shown again.
                _ => {}
            }
        }
        self.lists.touch(user, &changed).await?;
        if !gone.is_empty() {
            self.lists.unfollow(user, &gone).await?;
            followed.retain(|entry| !gone.contains(&entry.playlist));
        }
        Ok(followed.into_iter().map(|entry| entry.playlist).collect())
    }
}

fn filter(relation: i32) -> Result<Filter, Error> {
    match pb::Relation::try_from(relation) {
        Ok(pb::Relation::Unspecified) => Ok(Filter::All),
        Ok(pb::Relation::Owned) => Ok(Filter::Owned),
        Ok(pb::Relation::Shared) => Ok(Filter::Shared),
        Ok(pb::Relation::Followed) => Ok(Filter::Followed),
        Err(_) => Err(Error::field("relation", "RELATION_OWNED, RELATION_SHARED or RELATION_FOLLOWED")),
    }
}

fn position(cursor: &str) -> Option<(Timestamp, PlaylistId)> {
    let (updated, playlist) = cursor.split_once(':')?;
    Some((Timestamp(updated.parse().ok()?), playlist.parse().ok()?))
}
