//! Who finds what.

use super::{Engine, add, ids, of, query, song};
use crate::index::{Document, Kind, Query, Viewer};
use segue_domain::{UserId, Visibility};

pub(super) async fn only_what_the_viewer_may_see(engine: &mut dyn Engine) {
    let (owner, other) = (UserId::new(), UserId::new());
    let of = |id: &str, visibility| Document { owner, visibility, ..song(id, "Hidden River") };
    let songs = [
        of("1-public", Visibility::Public),
        of("2-unlisted", Visibility::Unlisted),
        of("3-private", Visibility::Private),
    ];
    add(&*engine.index(), songs).await;
    let all: &[&str] = &["1-public", "2-unlisted", "3-private"];
    let expected = [
        (Viewer::Anonymous, &all[..1]),
        (Viewer::User(other), &all[..1]),
        (Viewer::User(owner), all),
        (Viewer::Everything, all),
    ];
    for (viewer, expected) in expected {
        assert_eq!(
            ids(&*engine.index(), &Query { viewer, ..query("hidden river") }).await,
            expected,
            "{viewer:?}"
        );
    }
    // An owner is no word.
    assert!(ids(&*engine.index(), &query(&owner.to_string())).await.is_empty());
    assert!(ids(&*engine.index(), &query("public")).await.is_empty());
}

pub(super) async fn as_soon_as_it_is_hidden_no_more(engine: &mut dyn Engine) {
    let shown = song("1", "Open Window");
    let hidden = Document { version: 2, visibility: Visibility::Private, ..shown.clone() };
    let anybody = Query { viewer: Viewer::Anonymous, ..query("open") };
    add(&*engine.index(), [shown]).await;
    assert_eq!(ids(&*engine.index(), &anybody).await, ["1"]);
    add(&*engine.index(), [hidden]).await;
    assert!(ids(&*engine.index(), &anybody).await.is_empty());
}

pub(super) async fn collaborators_find_it_until_they_leave(engine: &mut dyn Engine) {
    let index = engine.index();
    let (friend, other) = (UserId::new(), UserId::new());
    let shared = Document {
        visibility: Visibility::Private,
        collaborators: vec![friend],
        ..of(Kind::Playlist, "1", "Shared Evening")
    };
    let asks = |viewer| Query { viewer, ..query("shared evening") };
    add(&*index, [shared.clone()]).await;
    assert_eq!(ids(&*index, &asks(Viewer::User(friend))).await, ["1"]);
    assert!(ids(&*index, &asks(Viewer::User(other))).await.is_empty());
    add(&*index, [Document { version: 2, collaborators: Vec::new(), ..shared }]).await;
    assert!(ids(&*index, &asks(Viewer::User(friend))).await.is_empty());
}
