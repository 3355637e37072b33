//! FollowPlaylist and UnfollowPlaylist: a row of the caller's own, of which the playlist knows nothing.

use crate::{Error, field::id, role::Role, service::Call};
use segue_domain::{PlaylistId, UserId};
use segue_proto::playlist::v1::{FollowPlaylistResponse, UnfollowPlaylistResponse};

impl Role {
    pub(crate) async fn follow(
        &self,
        user: UserId,
        call: &Call,
        playlist_id: &str,
    ) -> Result<FollowPlaylistResponse, Error> {
        let playlist = self.seen(call, id("playlist_id", playlist_id)?).await?;
        if playlist.owner == user {
            return Err(Error::field("playlist_id", "a playlist of somebody else; yours is in your list"));
        }
        let most = self.config.max_followed_per_user;
        if self.lists.follows(user, playlist.id).await? {
            return Ok(FollowPlaylistResponse {});
        }
        if self.lists.followed(user, most).await?.len() >= most as usize {
            return Err(Error::Full(format!("you follow {most} playlists, which is all you may")));
        }
        self.lists.follow(user, playlist.id, playlist.updated).await?;
        Ok(FollowPlaylistResponse {})
    }

    /// Of a playlist that is gone or hidden by now, too.
    pub(crate) async fn unfollow(
        &self,
        user: UserId,
        playlist_id: &str,
    ) -> Result<UnfollowPlaylistResponse, Error> {
        let playlist: PlaylistId = id("playlist_id", playlist_id)?;
        self.lists.unfollow(user, &[playlist]).await?;
        Ok(UnfollowPlaylistResponse {})
    }
}
