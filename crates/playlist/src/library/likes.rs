//! LikeSong, UnlikeSong and ListLikes.

use super::field::{Page, at, instant, placed};
use crate::{Error, field::id, role::Role};
use segue_domain::{SongId, UserId};
use segue_mesh::Passport;
use segue_proto::playlist::v1::{
    Like, LikeSongRequest, LikeSongResponse, ListLikesRequest, ListLikesResponse, UnlikeSongRequest,
    UnlikeSongResponse,
};

impl Role {
    pub(super) async fn like(
        &self,
        user: UserId,
        passport: &Passport,
        request: LikeSongRequest,
    ) -> Result<LikeSongResponse, Error> {
        let song = id("song_id", &request.song_id)?;
        self.songs.see(passport, song).await?;
        let since = self.library.likes.add(user, song).await?.ok_or(Error::AccountGone)?;
        Ok(LikeSongResponse { like_time: instant(since) })
    }

    /// Also for songs that are gone or hidden since.
    pub(super) async fn unlike(
        &self,
        user: UserId,
        request: UnlikeSongRequest,
    ) -> Result<UnlikeSongResponse, Error> {
        let song = id("song_id", &request.song_id)?;
        self.library.likes.remove(user, song).await?;
        Ok(UnlikeSongResponse {})
    }

    pub(super) async fn list_likes(
        &self,
        user: UserId,
        passport: &Passport,
        request: ListLikesRequest,
    ) -> Result<ListLikesResponse, Error> {
        let query = ("ListLikes", user, "");
        let page = Page::read(query, request.page_size, &request.page_token, placed::<SongId>)?;
        let rows = self.library.likes.page(user, page.after, page.ask()).await?;
        let (rows, next_page_token) = page.cut(rows, |(time, song)| at(*time, song));
        let songs = self.songs.find(passport, rows.iter().map(|(_, song)| *song)).await?;
        let likes = rows.into_iter().map(|(since, id)| {
            let song = songs.get(&id).cloned();
            let available = song.as_ref().is_some_and(crate::peer::plays);
            Like { song_id: id.to_string(), like_time: instant(since), song, available }
        });
        Ok(ListLikesResponse { likes: likes.collect(), next_page_token })
    }
}
