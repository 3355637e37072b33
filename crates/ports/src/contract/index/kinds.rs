//! Songs, albums, artists and playlists in one index.

use super::{Engine, add, by, delete, ids, of, query, song};
use crate::index::{Document, Kind, Query, Write};

pub(super) async fn are_found_together_and_apart(engine: &mut dyn Engine) {
    let index = engine.index();
    let all = [
        by("song", "Blue Train", "John Coltrane"),
        Document { album_artist: "John Coltrane".to_owned(), ..of(Kind::Album, "album", "Blue Train") },
        of(Kind::Artist, "artist", "John Coltrane"),
        Document {
            description: "Coltrane and others".to_owned(),
            ..of(Kind::Playlist, "list", "Late Evening")
        },
    ];
    add(&*index, all).await;
    let found = |kinds: &[Kind], text: &str| {
        let query = Query { kinds: kinds.to_vec(), ..query(text) };
        let index = engine.index();
        async move { ids(&*index, &query).await }
    };
    let of_all = found(&[], "coltrane").await;
    assert_eq!(of_all.len(), 4, "{of_all:?}");
    assert_eq!(of_all[0], "artist", "who is called so comes first");
    assert_eq!(of_all[3], "list", "what only mentions it comes last");
    assert_eq!(found(&[Kind::Album], "coltrane").await, ["album"]);
    assert_eq!(found(&[Kind::Artist, Kind::Playlist], "coltrane").await, ["artist", "list"]);
    assert_eq!(found(&[], "artist:coltrane").await.len(), 3, "an artist's name is an artist");
    assert_eq!(found(&[], "album:\"blue train\"").await, ["album"], "an album's title is an album");
    for kind in Kind::ALL {
        let scan = index.scan(kind, None, 10).await.expect("scanned");
        assert!(scan.documents.len() == 1 && scan.documents[0].kind == kind, "{scan:?}");
    }
}

pub(super) async fn have_ids_of_their_own(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, [song("1", "Twin"), of(Kind::Album, "1", "Twin"), of(Kind::Playlist, "1", "Twin")]).await;
    assert_eq!(ids(&*index, &query("twin")).await.len(), 3);
    let gone = Write::Delete { kind: Kind::Album, id: "1".to_owned(), version: 2 };
    super::apply(&*index, &[gone]).await;
    assert_eq!(ids(&*index, &query("twin")).await.len(), 2, "one of another kind is another");
    super::apply(&*index, &[delete("1", 2)]).await;
    let left = index.search(&query("twin")).await.expect("found").hits;
    assert!(left.len() == 1 && left[0].document.kind == Kind::Playlist);
}
