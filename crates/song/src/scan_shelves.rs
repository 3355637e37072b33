//! ScanAlbums and ScanArtists: every album and artist in the order of ids, for roles that keep a copy of what they need.

use crate::{
    Error, answer,
    field::{Checks, scan_size},
    role::Role,
    shelf::{Kind, Shelf, ShelfRecord},
};
use segue_domain::PageToken;
use segue_mesh::to_proto;
use segue_proto::song::v1::{
    ScanAlbumsRequest, ScanAlbumsResponse, ScanArtistsRequest, ScanArtistsResponse, ScannedAlbum,
    ScannedArtist,
};

impl Role {
    pub(crate) async fn scan_albums(&self, request: ScanAlbumsRequest) -> Result<ScanAlbumsResponse, Error> {
        let (headers, next_page_token) =
            self.scan_shelves(Kind::Album, request.page_size, &request.page_token).await?;
        Ok(ScanAlbumsResponse { albums: headers.into_iter().map(album).collect(), next_page_token })
    }

    pub(crate) async fn scan_artists(
        &self,
        request: ScanArtistsRequest,
    ) -> Result<ScanArtistsResponse, Error> {
        let (headers, next_page_token) =
            self.scan_shelves(Kind::Artist, request.page_size, &request.page_token).await?;
        Ok(ScanArtistsResponse { artists: headers.into_iter().map(artist).collect(), next_page_token })
    }

    async fn scan_shelves(
        &self,
        kind: Kind,
        page_size: i32,
        page_token: &str,
    ) -> Result<(Vec<ShelfRecord>, String), Error> {
        let mut checks = Checks::default();
        let size = scan_size(&mut checks, page_size);
        checks.done()?;
        let query = ["Scan", kind.headers()];
        let bad_token = |text: String| Error::field("page_token", text);
        let after = PageToken::decode(&query, page_token).map_err(|e| bad_token(e.to_string()))?;
        let after =
            after.map(|cursor| cursor.parse::<Shelf>()).transpose().map_err(|e| bad_token(e.to_string()))?;
        // One more than asked for tells whether there is a next page.
        let mut headers = self.shelves.all_after(kind, after, size + 1).await?;
        let more = headers.len() > size as usize;
        headers.truncate(size as usize);
        let next = match headers.last() {
            Some(last) if more => PageToken::encode(&query, &last.shelf.to_string()),
            _ => String::new(),
        };
        Ok((headers, next))
    }
}

fn album(header: ShelfRecord) -> ScannedAlbum {
    let view = header.told().clone();
    ScannedAlbum {
        album_id: header.shelf.uuid().to_string(),
        version: header.version,
        owner_id: header.owner.to_string(),
        visibility: answer::visibility(header.visibility).into(),
        title: view.title,
        album_artist: view.artist,
        genre: view.genre,
        year: view.year,
        song_count: u32::try_from(view.songs).unwrap_or(u32::MAX),
        duration_ms: view.duration_ms,
        create_time: Some(to_proto(header.created)),
    }
}

fn artist(header: ShelfRecord) -> ScannedArtist {
    let view = header.told().clone();
    ScannedArtist {
        artist_id: header.shelf.uuid().to_string(),
        version: header.version,
        owner_id: header.owner.to_string(),
        visibility: answer::visibility(header.visibility).into(),
        name: view.title,
        song_count: u32::try_from(view.songs).unwrap_or(u32::MAX),
        create_time: Some(to_proto(header.created)),
    }
}
