//! ScanPlaylists: every playlist in the order of ids, for roles that keep a copy of what they need.

use crate::{Error, answer::visibility, field::page_token, record::PlaylistRecord, role::Role};
use segue_domain::{PageToken, PlaylistId};
use segue_mesh::to_proto;
use segue_proto::playlist::v1::{ScanPlaylistsRequest, ScanPlaylistsResponse, ScannedPlaylist};

/// What page_size 0 means.
const DEFAULT_SIZE: u32 = 500;
/// The largest page.
const MOST: u32 = 1_000;

impl Role {
    pub(crate) async fn scan(&self, request: ScanPlaylistsRequest) -> Result<ScanPlaylistsResponse, Error> {
        let size = match u32::try_from(request.page_size) {
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MOST),
            Err(_) => {
                return Err(Error::field("page_size", format!("not negative; 0 means {DEFAULT_SIZE}")));
            }
        };
        let query = ["ScanPlaylists"];
        let after = page_token(&query, &request.page_token, |cursor| cursor.parse::<PlaylistId>().ok())?;
        // One more than asked for tells whether there is a next page.
        let mut found = self.playlists.scan(after, size + 1).await?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let next_page_token = match found.last() {
            Some(last) if more => PageToken::encode(&query, &last.id.to_string()),
            _ => String::new(),
        };
        Ok(ScanPlaylistsResponse { playlists: found.into_iter().map(scanned).collect(), next_page_token })
    }
}

fn scanned(playlist: PlaylistRecord) -> ScannedPlaylist {
    ScannedPlaylist {
        playlist_id: playlist.id.to_string(),
        version: playlist.version,
        owner_id: playlist.owner.to_string(),
        visibility: visibility(playlist.visibility).into(),
        item_count: playlist.item_count,
        duration_ms: playlist.duration_ms,
        create_time: Some(to_proto(playlist.created)),
        collaborator_ids: playlist.people.iter().map(|person| person.user.to_string()).collect(),
        title: playlist.title,
        description: playlist.description,
    }
}
