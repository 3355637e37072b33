//! Songs, albums and artists: reading them whole.

use crate::{Client, ClientError, pages};
use segue_proto::song::v1::{
    Album, Artist, GetAlbumRequest, GetArtistRequest, GetLyricsRequest, GetLyricsResponse, GetSongRequest,
    ListAlbumSongsRequest, ListAlbumsRequest, ListArtistSongsRequest, ListArtistsRequest, ListSongsRequest,
    Song, SongState,
};

impl Client {
    /// One song. Without a session, one that everybody may see.
    pub async fn song(&self, song_id: &str) -> Result<Song, ClientError> {
        let request = self.open_request(GetSongRequest { song_id: song_id.into() }).await?;
        let answer = self.songs().get_song(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().song.unwrap_or_default())
    }

    /// The caller's songs in these states (all when empty), newest first, at most `most`.
    pub async fn my_songs(&self, states: &[SongState], most: usize) -> Result<Vec<Song>, ClientError> {
        let states: Vec<i32> = states.iter().map(|state| i32::from(*state)).collect();
        pages::all(most, |page_size, page_token| {
            let states = states.clone();
            async move {
                let request = ListSongsRequest { page_size, page_token, states, ..Default::default() };
                let request = self.request(request).await?;
                let answer = self.songs().list_songs(request).await;
                let answer = answer.map_err(|s| self.refused(s))?.into_inner();
                Ok((answer.songs, answer.next_page_token))
            }
        })
        .await
    }

    /// The caller's albums by title, at most `most`; only those of an artist when one is named.
    pub async fn albums(&self, artist_id: &str, most: usize) -> Result<Vec<Album>, ClientError> {
        pages::all(most, |page_size, page_token| async move {
            let artist_id = artist_id.to_owned();
            let request = ListAlbumsRequest { page_size, page_token, artist_id, ..Default::default() };
            let request = self.request(request).await?;
            let answer = self.songs().list_albums(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.albums, answer.next_page_token))
        })
        .await
    }

    /// One album, as far as the caller sees its songs.
    pub async fn album(&self, album_id: &str) -> Result<Album, ClientError> {
        let request = self.open_request(GetAlbumRequest { album_id: album_id.into() }).await?;
        let answer = self.songs().get_album(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().album.unwrap_or_default())
    }

    /// The songs of an album in the order of disc and track.
    pub async fn album_songs(&self, album_id: &str) -> Result<Vec<Song>, ClientError> {
        pages::all(usize::MAX, |page_size, page_token| async move {
            let request = ListAlbumSongsRequest { album_id: album_id.into(), page_size, page_token };
            let request = self.open_request(request).await?;
            let answer = self.songs().list_album_songs(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.songs, answer.next_page_token))
        })
        .await
    }

    /// The artists of the caller's songs by name, at most `most`.
    pub async fn artists(&self, most: usize) -> Result<Vec<Artist>, ClientError> {
        pages::all(most, |page_size, page_token| async move {
            let request = ListArtistsRequest { page_size, page_token, ..Default::default() };
            let request = self.request(request).await?;
            let answer = self.songs().list_artists(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.artists, answer.next_page_token))
        })
        .await
    }

    /// One artist, as far as the caller sees their songs.
    pub async fn artist(&self, artist_id: &str) -> Result<Artist, ClientError> {
        let request = self.open_request(GetArtistRequest { artist_id: artist_id.into() }).await?;
        let answer = self.songs().get_artist(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().artist.unwrap_or_default())
    }

    /// The songs of an artist, oldest album first.
    pub async fn artist_songs(&self, artist_id: &str) -> Result<Vec<Song>, ClientError> {
        pages::all(usize::MAX, |page_size, page_token| async move {
            let request = ListArtistSongsRequest { artist_id: artist_id.into(), page_size, page_token };
            let request = self.open_request(request).await?;
            let answer = self.songs().list_artist_songs(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.songs, answer.next_page_token))
        })
        .await
    }

    /// The words of a song.
    pub async fn lyrics(&self, song_id: &str) -> Result<GetLyricsResponse, ClientError> {
        let request = self.open_request(GetLyricsRequest { song_id: song_id.into() }).await?;
        Ok(self.songs().get_lyrics(request).await.map_err(|s| self.refused(s))?.into_inner())
    }
}
