//! ListAlbums, GetAlbum and ListAlbumSongs.

use crate::{
    Error,
    browse::Ask,
    field::id,
    role::Role,
    service::Call,
    shelf::{Kind, Shelf, ShelfRecord, View},
};
use segue_domain::{AlbumId, ArtistId, UserId};
use segue_proto::song::v1::{
    Album, GetAlbumResponse, ListAlbumSongsRequest, ListAlbumSongsResponse, ListAlbumsRequest,
    ListAlbumsResponse,
};

impl Role {
    pub(crate) async fn list_albums(
        &self,
        caller: UserId,
        call: &Call,
        request: ListAlbumsRequest,
    ) -> Result<ListAlbumsResponse, Error> {
        let owner = owner(caller, &request.owner_id)?;
        let artist = match request.artist_id.as_str() {
            "" => None,
            text => Some(id::<ArtistId>("artist_id", text)?),
        };
        // An artist is one owner's; of another's there are no albums here, whoever asks.
        if let Some(artist) = artist {
            match self.shelves.find(Shelf::Artist(artist)).await? {
                Some(header) if header.owner == owner => {}
                _ => return Ok(ListAlbumsResponse::default()),
            }
        }
        let ask = Ask { page_size: request.page_size, page_token: &request.page_token };
        let (found, next_page_token) = self.shelf_page(call, Kind::Album, owner, artist, ask).await?;
        let albums = found.into_iter().map(|(header, view)| self.album(header, view, &call.origin)).collect();
        Ok(ListAlbumsResponse { albums, next_page_token })
    }

    pub(crate) async fn get_album(&self, call: &Call, album_id: &str) -> Result<GetAlbumResponse, Error> {
        let (header, view) = self.seen_album(call, album_id).await?;
        Ok(GetAlbumResponse { album: Some(self.album(header, view, &call.origin)) })
    }

    pub(crate) async fn list_album_songs(
        &self,
        call: &Call,
        request: ListAlbumSongsRequest,
    ) -> Result<ListAlbumSongsResponse, Error> {
        let (header, _) = self.seen_album(call, &request.album_id).await?;
        let ask = Ask { page_size: request.page_size, page_token: &request.page_token };
        let (songs, next_page_token) = self.shelf_songs(call, &header, ask).await?;
        Ok(ListAlbumSongsResponse { songs, next_page_token })
    }

    async fn seen_album(&self, call: &Call, album_id: &str) -> Result<(ShelfRecord, View), Error> {
        let id = id::<AlbumId>("album_id", album_id)?;
        self.shelf(call, Shelf::Album(id)).await?.ok_or(Error::NoAlbum(id))
    }

    fn album(&self, header: ShelfRecord, view: View, origin: &str) -> Album {
        Album {
            album_id: header.shelf.uuid().to_string(),
            owner_id: header.owner.to_string(),
            covers: self.shelf_covers(&view, origin),
            title: view.title,
            album_artist: view.artist,
            year: view.year,
            song_count: u32::try_from(view.songs).unwrap_or(u32::MAX),
            disc_count: view.discs,
            duration_ms: view.duration_ms,
            loudness_lufs: view.loudness_lufs,
            true_peak_db: view.true_peak_db,
            genre: view.genre,
        }
    }
}

/// Whose: the one who was asked for, else the caller's.
pub(crate) fn owner(caller: UserId, owner_id: &str) -> Result<UserId, Error> {
    if owner_id.is_empty() { Ok(caller) } else { id("owner_id", owner_id) }
}
