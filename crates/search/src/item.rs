//! Documents on the wire.

use segue_domain::Visibility;
use segue_mesh::to_proto;
use segue_ports::index::{Highlight, Hit, Kind};
use segue_proto::{
    search::v1::{
        self as pb, AlbumItem, ArtistItem, PlaylistItem, SearchResult, SongItem, search_result::Item,
    },
    song::v1 as song,
};

/// The number of a kind on the wire.
pub(crate) fn kind_on_the_wire(kind: Kind) -> pb::Kind {
    match kind {
        Kind::Album => pb::Kind::Album,
        Kind::Artist => pb::Kind::Artist,
        Kind::Playlist => pb::Kind::Playlist,
        Kind::Song => pb::Kind::Song,
    }
}

pub(crate) fn result(hit: Hit) -> SearchResult {
    let document = hit.document;
    let (owner_id, visibility) = (document.owner.to_string(), on_the_wire(document.visibility).into());
    let (id, title) = (document.id, document.title);
    let create_time = Some(to_proto(document.created));
    let item = match document.kind {
        Kind::Song => Item::Song(SongItem {
            song_id: id,
            owner_id,
            visibility,
            title,
            artists: document.artists,
            album: document.album,
            album_artist: document.album_artist,
            genre: document.genre,
            year: document.year,
            duration_ms: document.duration_ms,
            create_time,
        }),
        Kind::Album => Item::Album(AlbumItem {
            album_id: id,
            owner_id,
            visibility,
            title,
            album_artist: document.album_artist,
            genre: document.genre,
            year: document.year,
            song_count: document.items,
            duration_ms: document.duration_ms,
        }),
        Kind::Artist => Item::Artist(ArtistItem {
            artist_id: id,
            owner_id,
            visibility,
            name: title,
            song_count: document.items,
        }),
        Kind::Playlist => Item::Playlist(PlaylistItem {
            playlist_id: id,
            owner_id,
            visibility,
            title,
            description: document.description,
            item_count: document.items,
            duration_ms: document.duration_ms,
            create_time,
        }),
    };
    let highlights = hit.highlights.into_iter().map(highlight).collect();
    SearchResult { score: hit.score, item: Some(item), highlights }
}

fn on_the_wire(visibility: Visibility) -> song::Visibility {
    match visibility {
        Visibility::Private => song::Visibility::Private,
        Visibility::Unlisted => song::Visibility::Unlisted,
        Visibility::Public => song::Visibility::Public,
    }
}

fn highlight(highlight: Highlight) -> pb::Highlight {
    let ranges = highlight.ranges.into_iter().map(|(start, end)| pb::Range { start, end });
    pb::Highlight { field: highlight.field.to_owned(), text: highlight.text, ranges: ranges.collect() }
}
