//! ListArtists, GetArtist and ListArtistSongs.

use crate::{
    Error,
    albums::owner,
    browse::Ask,
    field::id,
    role::Role,
    service::Call,
    shelf::{Kind, Shelf, ShelfRecord, View},
};
use segue_domain::{ArtistId, UserId};
use segue_proto::song::v1::{
    Artist, GetArtistResponse, ListArtistSongsRequest, ListArtistSongsResponse, ListArtistsRequest,
    ListArtistsResponse,
};

impl Role {
    pub(crate) async fn list_artists(
        &self,
        caller: UserId,
        call: &Call,
        request: ListArtistsRequest,
    ) -> Result<ListArtistsResponse, Error> {
        let owner = owner(caller, &request.owner_id)?;
        let ask = Ask { page_size: request.page_size, page_token: &request.page_token };
        let (found, next_page_token) = self.shelf_page(call, Kind::Artist, owner, None, ask).await?;
        let artists =
            found.into_iter().map(|(header, view)| self.artist(header, view, &call.origin)).collect();
        Ok(ListArtistsResponse { artists, next_page_token })
    }

    pub(crate) async fn get_artist(&self, call: &Call, artist_id: &str) -> Result<GetArtistResponse, Error> {
        let (header, view) = self.seen_artist(call, artist_id).await?;
        Ok(GetArtistResponse { artist: Some(self.artist(header, view, &call.origin)) })
    }

    pub(crate) async fn list_artist_songs(
        &self,
        call: &Call,
        request: ListArtistSongsRequest,
    ) -> Result<ListArtistSongsResponse, Error> {
        let (header, _) = self.seen_artist(call, &request.artist_id).await?;
        let ask = Ask { page_size: request.page_size, page_token: &request.page_token };
        let (songs, next_page_token) = self.shelf_songs(call, &header, ask).await?;
        Ok(ListArtistSongsResponse { songs, next_page_token })
    }

    async fn seen_artist(&self, call: &Call, artist_id: &str) -> Result<(ShelfRecord, View), Error> {
        let id = id::<ArtistId>("artist_id", artist_id)?;
        self.shelf(call, Shelf::Artist(id)).await?.ok_or(Error::NoArtist(id))
    }

    fn artist(&self, header: ShelfRecord, view: View, origin: &str) -> Artist {
        Artist {
            artist_id: header.shelf.uuid().to_string(),
            owner_id: header.owner.to_string(),
            covers: self.shelf_covers(&view, origin),
            name: view.title,
            song_count: u32::try_from(view.songs).unwrap_or(u32::MAX),
            album_count: view.albums,
            duration_ms: view.duration_ms,
        }
    }
}
