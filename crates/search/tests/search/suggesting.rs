//! Names while they are typed.

use crate::rig::*;
use segue_domain::UserId;
use segue_proto::{
    search::v1::{Kind, SuggestRequest, Suggestion},
    song::v1::Visibility,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

async fn suggested(rig: &Rig, who: &Who, request: SuggestRequest) -> Result<Vec<Suggestion>, Status> {
    Ok(rig.client().suggest(who.bearing(request)).await?.into_inner().suggestions)
}

fn typed(text: &str) -> SuggestRequest {
    SuggestRequest { text: text.into(), ..Default::default() }
}

#[tokio::test]
async fn names_are_suggested_to_who_may_see_them() {
    let rig = Rig::running(config()).await;
    let owner = UserId::new();
    let hidden = Fact { owner, visibility: Visibility::Private, ..Fact::ready("tuneful") };
    let facts: Vec<Fact> = (0..60).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    rig.publish(&facts.iter().chain([&hidden]).collect::<Vec<_>>()).await;
    eventually("all are indexed", async || rig.index.documents().len() == 61).await;
    let count = async |request| suggested(&rig, &Who::Anonymous, request).await.unwrap().len();
    assert_eq!(count(typed("tune")).await, 10, "ten unless more are wanted");
    assert_eq!(count(SuggestRequest { limit: 3, ..typed("tune") }).await, 3);
    assert_eq!(count(SuggestRequest { limit: 5_000, ..typed("tune") }).await, 50);
    assert_eq!(count(SuggestRequest { kinds: vec![Kind::Album.into()], ..typed("tune") }).await, 0);
    assert_eq!(count(typed("  ")).await, 0);
    assert_eq!(count(typed("tunef")).await, 0);
    let mine = suggested(&rig, &Who::user(owner), typed(" tunef")).await.unwrap();
    let expected = Suggestion { text: "tuneful".into(), kind: Kind::Song.into(), id: hidden.id.to_string() };
    assert_eq!(mine, [expected]);
    for (request, field) in [
        (typed(&"x".repeat(501)), "text"),
        (SuggestRequest { limit: -1, ..typed("x") }, "limit"),
        (SuggestRequest { kinds: vec![9], ..typed("x") }, "kinds"),
    ] {
        let status = suggested(&rig, &Who::Anonymous, request).await.unwrap_err();
        let fields = status.get_error_details().bad_request().unwrap().field_violations.clone();
        assert_eq!((status.code(), fields[0].field.as_str()), (Code::InvalidArgument, field));
    }
    rig.index.with(|state| state.away = true);
    let away = suggested(&rig, &Who::Anonymous, typed("tune")).await;
    assert_eq!(refusal(away), (Code::Unavailable, "INDEX_UNAVAILABLE".into()));
    rig.stop().await;
}
