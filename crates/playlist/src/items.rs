//! ListItems: pages of items with their songs, which are asked for once for each page.

use crate::{
    Error, answer,
    field::{id, page_size, page_token},
    record::{ItemRecord, PlaylistRecord},
    remeasure::Measured,
    repository::ItemPage,
    role::Role,
    service::Call,
};
use segue_domain::{ItemId, PageToken, PlaylistId, SongId};
use segue_proto::{
    playlist::v1::{self as pb, ListItemsRequest, ListItemsResponse},
    song::v1::{Song, SongState},
};
use std::{collections::HashMap, sync::Arc};

/// Last items of a page that its token names: when keys were given anew, the last of them that is still there says where to
/// go on.
const ANCHORS: usize = 3;
/// Looks at a page while keys are given anew all the time.
const LOOKS: u32 = 4;

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// See `PlaylistRecord::respread`.
    respread: u64,
    key: Vec<u8>,
    /// The last item first.
    last: Vec<ItemId>,
}

impl Role {
    pub(crate) async fn list_items(
        &self,
        call: &Call,
        request: ListItemsRequest,
    ) -> Result<ListItemsResponse, Error> {
        let playlist: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let size = page_size(request.page_size)?;
        let query = ["ListItems", request.playlist_id.as_str()];
        let cursor = page_token(&query, &request.page_token, Cursor::parse)?;
        let header = self.seen(call, playlist).await?;
        let page = self.page(&header, cursor, size).await?;
        let items = page.items.get(..size as usize).unwrap_or(&page.items);
        let next_page_token = match items.last() {
            Some(_) if page.items.len() > items.len() => {
                PageToken::encode(&query, &Cursor::after(items, page.respread).to_string())
            }
            _ => String::new(),
        };
        let songs = self.songs_of(call, items).await;
        if let Some(songs) = &songs {
            self.remeasure(playlist, Measured::of(items, songs));
        }
        let songs = songs.unwrap_or_default();
        let items = items.iter().map(|item| with_song(item, &songs)).collect();
        Ok(ListItemsResponse { items, next_page_token, etag: page.version.to_string() })
    }

    /// The page after a cursor.
    pub(crate) async fn page(
        &self,
        header: &PlaylistRecord,
        cursor: Option<Cursor>,
        size: u32,
    ) -> Result<Arc<ItemPage>, Error> {
        let gone = Error::NotFound(header.id);
        let Some(cursor) = cursor else {
            return self.pages.page(header.id, None, size, header.version).await?.ok_or(gone);
        };
        let mut respread = header.respread;
        for _ in 0..LOOKS {
            let key = match respread == cursor.respread {
                true => cursor.key.clone(),
                false => self.found_again(header.id, &cursor).await?,
            };
            let page = self.pages.page(header.id, Some(key), size, header.version).await?;
            let Some(page) = page else { return Err(gone) };
            if page.respread == respread {
                return Ok(page);
            }
            respread = page.respread;
        }
        Err(Error::Contended)
    }

    /// The key behind which a reader goes on who has seen the end of a page before keys were given anew.
    async fn found_again(&self, playlist: PlaylistId, cursor: &Cursor) -> Result<Vec<u8>, Error> {
        let there = self.pages.positions(playlist, &cursor.last).await?;
        let key = |id: &ItemId| there.iter().find(|(item, _)| item == id).map(|(_, key)| key.clone());
        Ok(cursor.last.iter().find_map(key).unwrap_or_else(|| cursor.key.clone()))
    }

    /// The songs of items that the caller sees; `None` when the song role cannot be asked.
    pub(crate) async fn songs_of(&self, call: &Call, items: &[ItemRecord]) -> Option<HashMap<SongId, Song>> {
        match self.songs.find(&call.passport, items.iter().map(|item| item.song)).await {
            Ok(songs) => Some(songs),
            Err(error) => {
                tracing::warn!(%error, "items are listed without their songs");
                None
            }
        }
    }
}

fn with_song(item: &ItemRecord, songs: &HashMap<SongId, Song>) -> pb::Item {
    let song = songs.get(&item.song).cloned();
    let available = song.as_ref().is_some_and(|song| song.state() == SongState::Ready);
    pb::Item { song, available, ..answer::item(item) }
}

impl Cursor {
    pub(crate) fn after(items: &[ItemRecord], respread: u64) -> Self {
        let key = items.last().map(|item| item.position.clone()).unwrap_or_default();
        Self { respread, key, last: items.iter().rev().take(ANCHORS).map(|item| item.id).collect() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let respread = parts.next()?.parse().ok()?;
        let key = hex::decode(parts.next()?).ok()?;
        let last = parts.map(|id| id.parse().ok()).collect::<Option<Vec<ItemId>>>()?;
        Some(Self { respread, key, last })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.respread, hex::encode(&self.key))?;
        self.last.iter().try_for_each(|id| write!(f, ":{id}"))
    }
}
