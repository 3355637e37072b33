//! Playlists: reading them whole, and changes that may be sent again.

use crate::{Client, ClientError, Patience, pages};
use segue_domain::{PlaylistId, SongId};
use segue_proto::playlist::v1::{
    AddItemsRequest, CreatePlaylistRequest, ExportPlaylistRequest, Format, GetPlaylistRequest,
    ImportPlaylistRequest, ImportPlaylistResponse, Item, ListItemsRequest, ListPlaylistsRequest,
    MoveItemRequest, Place, Playlist, Relation, RemoveItemsRequest, WatchPlaylistRequest, place::At,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Songs or items in one request.
const BATCH: usize = 200;
/// How long a change is sent again while the server does not answer.
const PATIENCE: Patience = Patience(Duration::from_secs(3));

/// Readings of a playlist that somebody changes all the time.
const READINGS: u32 = 3;

/// What was added to a playlist.
#[derive(Debug, Clone, Default)]
pub struct Added {
    /// The new items, in order, without their songs.
    pub items: Vec<Item>,
    /// The playlist after the change.
    pub playlist: Playlist,
}

/// The items of a playlist in order.
#[derive(Debug, Clone, Default)]
pub struct Items {
    /// With their songs.
    pub items: Vec<Item>,
    /// The playlist's etag when the first of them were read.
    pub etag: String,
    /// Nobody changed the playlist while its pages were read: every item is here.
    pub whole: bool,
}

impl Client {
    /// One playlist. Without a session, one that everybody may see.
    pub async fn playlist(&self, playlist_id: &str) -> Result<Playlist, ClientError> {
        let request = self.open_request(GetPlaylistRequest { playlist_id: playlist_id.into() }).await?;
        let answer = self.playlist_service().get_playlist(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().playlist.unwrap_or_default())
    }

    /// The caller's playlists, changed last first: own, shared and followed, or only one of these.
    pub async fn playlists(&self, relation: Relation) -> Result<Vec<Playlist>, ClientError> {
        pages::all(usize::MAX, |page_size, page_token| async move {
            let request = ListPlaylistsRequest { page_size, page_token, relation: relation.into() };
            let request = self.request(request).await?;
            let answer = self.playlist_service().list_playlists(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.playlists, answer.next_page_token))
        })
        .await
    }

    /// All items with their songs, in order: at most 10,000. Read again while somebody changes the playlist, three times
    /// at most.
    pub async fn playlist_items(&self, playlist_id: &str) -> Result<Items, ClientError> {
        let mut read = self.read_items(playlist_id).await?;
        for _ in 1..READINGS {
            if read.whole {
                break;
            }
            read = self.read_items(playlist_id).await?;
        }
        Ok(read)
    }

    async fn read_items(&self, playlist_id: &str) -> Result<Items, ClientError> {
        let etags = Mutex::new(Vec::new());
        let items = pages::all(usize::MAX, |page_size, page_token| {
            let etags = &etags;
            async move {
                let request = ListItemsRequest { playlist_id: playlist_id.into(), page_size, page_token };
                let request = self.open_request(request).await?;
                let answer = self.playlist_service().list_items(request).await;
                let answer = answer.map_err(|s| self.refused(s))?.into_inner();
                etags.lock().unwrap_or_else(PoisonError::into_inner).push(answer.etag);
                Ok((answer.items, answer.next_page_token))
            }
        })
        .await?;
        let mut etags = etags.into_inner().unwrap_or_else(PoisonError::into_inner);
        etags.dedup();
        let whole = etags.len() <= 1;
        Ok(Items { items, etag: etags.into_iter().next().unwrap_or_default(), whole })
    }

    /// Makes a playlist. A request id is made unless there is one, so that sending it again makes no second one.
    pub async fn create_playlist(&self, mut wish: CreatePlaylistRequest) -> Result<Playlist, ClientError> {
        if wish.request_id.is_empty() {
            wish.request_id = PlaylistId::new().to_string();
        }
        let create = || async {
            let request = self.request(wish.clone()).await?;
            let answer = self.playlist_service().create_playlist(request).await;
            Ok(answer.map_err(|s| self.refused(s))?.into_inner().playlist.unwrap_or_default())
        };
        PATIENCE.retry(create).await
    }

    /// Adds songs in order at a place, the end when there is none. More than 200 go in several requests, each with an id
    /// of its own; when one is refused, those before it have been added.
    pub async fn add_items(
        &self,
        playlist_id: &str,
        songs: &[String],
        mut place: Option<Place>,
    ) -> Result<Added, ClientError> {
        let mut added = Added::default();
        for batch in songs.chunks(BATCH) {
            let wish = AddItemsRequest {
                playlist_id: playlist_id.into(),
                song_ids: batch.to_vec(),
                place: place.clone(),
                request_id: SongId::new().to_string(),
                etag: String::new(),
            };
            let add = || async {
                let request = self.request(wish.clone()).await?;
                let answer = self.playlist_service().add_items(request).await;
                Ok(answer.map_err(|s| self.refused(s))?.into_inner())
            };
            let answer = PATIENCE.retry(add).await?;
            // The next ones follow these, wherever these are.
            if let (Some(last), Some(_)) = (answer.items.last(), &place) {
                place = Some(Place { at: Some(At::AfterItemId(last.item_id.clone())) });
            }
            added.items.extend(answer.items);
            added.playlist = answer.playlist.unwrap_or_default();
        }
        Ok(added)
    }

    /// Removes items; the ids of those that were there, and the playlist afterwards.
    pub async fn remove_items(
        &self,
        playlist_id: &str,
        item_ids: &[String],
    ) -> Result<(Vec<String>, Playlist), ClientError> {
        let (mut removed, mut playlist) = (Vec::new(), Playlist::default());
        for batch in item_ids.chunks(BATCH) {
            let wish = RemoveItemsRequest {
                playlist_id: playlist_id.into(),
                item_ids: batch.to_vec(),
                etag: String::new(),
            };
            let remove = || async {
                let request = self.request(wish.clone()).await?;
                let answer = self.playlist_service().remove_items(request).await;
                Ok(answer.map_err(|s| self.refused(s))?.into_inner())
            };
            let answer = PATIENCE.retry(remove).await?;
            removed.extend(answer.item_ids);
            playlist = answer.playlist.unwrap_or_default();
        }
        Ok((removed, playlist))
    }

    /// Moves an item. With the etag of a reading, it is refused (ABORTED) when the playlist has changed since.
    pub async fn move_item(
        &self,
        playlist_id: &str,
        item_id: &str,
        place: Option<Place>,
        etag: &str,
    ) -> Result<Playlist, ClientError> {
        let wish = MoveItemRequest {
            playlist_id: playlist_id.into(),
            item_id: item_id.into(),
            place,
            etag: etag.into(),
        };
        let request = self.request(wish).await?;
        let answer = self.playlist_service().move_item(request).await.map_err(|s| self.refused(s))?;
        Ok(answer.into_inner().playlist.unwrap_or_default())
    }

    /// Reads a playlist file of another program into a new playlist. A request id is made unless there is one.
    pub async fn import_playlist(
        &self,
        mut wish: ImportPlaylistRequest,
    ) -> Result<ImportPlaylistResponse, ClientError> {
        if wish.request_id.is_empty() {
            wish.request_id = PlaylistId::new().to_string();
        }
        let import = || async {
            let request = self.request(wish.clone()).await?;
            let answer = self.playlist_service().import_playlist(request).await;
            Ok(answer.map_err(|s| self.refused(s))?.into_inner())
        };
        PATIENCE.retry(import).await
    }

    /// A playlist as a file for other programs, piece by piece.
    pub async fn export_playlist(
        &self,
        playlist_id: &str,
        format: Format,
        mut piece: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let request = ExportPlaylistRequest { playlist_id: playlist_id.into(), format: format.into() };
        let request = self.open_request(request).await?;
        let mut said =
            self.playlist_service().export_playlist(request).await.map_err(|s| self.refused(s))?.into_inner();
        while let Some(message) = said.message().await.map_err(|s| self.refused(s))? {
            piece(&message.content)?;
        }
        Ok(())
    }

    /// Hears of a playlist now and after each change, until it is deleted or hidden. Goes on after the server was away.
    pub async fn watch_playlist(
        &self,
        playlist_id: &str,
        patience: Patience,
        mut heard: impl FnMut(&Playlist),
    ) -> Result<(), ClientError> {
        let mut last = String::new();
        loop {
            let open = || async {
                let request =
                    self.open_request(WatchPlaylistRequest { playlist_id: playlist_id.into() }).await?;
                let answer = self.playlist_service().watch_playlist(request).await;
                Ok(answer.map_err(|s| self.refused(s))?.into_inner())
            };
            // It was there before: now it is gone.
            let is_end = |error: &ClientError, last: &str| {
                error.code() == Some(tonic::Code::NotFound) && !last.is_empty()
            };
            let mut said = match patience.retry(open).await {
                Err(error) if is_end(&error, &last) => return Ok(()),
                opened => opened?,
            };
            loop {
                match said.message().await {
                    Ok(Some(message)) => {
                        let playlist = message.playlist.unwrap_or_default();
                        // A new stream begins with what was heard before.
                        if playlist.etag != last {
                            heard(&playlist);
                            last = playlist.etag;
                        }
                    }
                    Ok(None) => break,
                    Err(status) => {
                        let error = self.refused(status);
                        if is_end(&error, &last) {
                            return Ok(());
                        }
                        let ended = error.code() == Some(tonic::Code::Unauthenticated);
                        if !ended && !error.is_transient() {
                            return Err(error);
                        }
                        break;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
