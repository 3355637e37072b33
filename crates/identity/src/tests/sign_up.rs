use super::{PASSWORD, everywhere, fields, refusal};
use crate::{IdentityConfig, InvitationCode, SignUpMode};
use segue_domain::UserId;
use segue_mesh::Caller;
use segue_proto::identity::v1::SignUpRequest;
use tonic::Code;

fn ada() -> SignUpRequest {
    SignUpRequest { email: " Ada@Example.org".into(), password: PASSWORD.into(), ..Default::default() }
}

#[tokio::test]
async fn an_account_comes_with_a_session_and_is_told() {
    everywhere(IdentityConfig::default(), async |world| {
        let answer = world.try_sign_up(SignUpRequest { device: "laptop".into(), ..ada() }).await.unwrap();
        let (user, tokens) = (answer.user.unwrap(), answer.tokens.unwrap());
        assert_eq!((user.email.as_str(), user.display_name.as_str()), ("ada@example.org", "ada"));
        assert!(!user.admin && user.etag == "1");
        let Caller::User(caller) = world.verifier.verify(&tokens.access_token).unwrap() else {
            panic!("a user")
        };
        assert_eq!(
            (caller.id.to_string(), caller.session.to_string()),
            (user.user_id.clone(), tokens.session_id)
        );
        let created = 1_800_000_000;
        assert_eq!(user.create_time.unwrap().seconds, created);
        assert_eq!(tokens.access_expire_time.unwrap().seconds, created + 900);
        assert_eq!(tokens.refresh_expire_time.unwrap().seconds, created + 60 * 24 * 3600);
        let events = world.events().await;
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].r#type.as_str(), events[0].sequence), ("user.created.v1", 1));
        assert_eq!((&events[0].subject, &events[0].shard_key), (&user.user_id, &user.user_id));
    })
    .await;
}

#[tokio::test]
async fn a_repeat_with_the_same_request_id_finds_the_account() {
    everywhere(IdentityConfig::default(), async |world| {
        let request = SignUpRequest { request_id: UserId::new().to_string(), ..ada() };
        let first = world.try_sign_up(request.clone()).await.unwrap();
        let again = world.try_sign_up(request.clone()).await.unwrap();
        assert_eq!(first.user.as_ref().unwrap().user_id, request.request_id);
        assert_eq!(first.user, again.user);
        assert_ne!(first.tokens.unwrap().session_id, again.tokens.unwrap().session_id);
        assert_eq!(world.event_types().await, ["user.created.v1"]);

        let other_password = SignUpRequest { password: "another password".into(), ..request.clone() };
        let taken = (Code::AlreadyExists, "REQUEST_ID_TAKEN".to_owned());
        assert_eq!(refusal(world.try_sign_up(other_password).await), taken);
        let other_email = SignUpRequest { email: "bob@example.org".into(), ..request };
        assert_eq!(refusal(world.try_sign_up(other_email).await), taken);
    })
    .await;
}

#[tokio::test]
async fn the_same_sign_up_twice_at_once_makes_one_account() {
    everywhere(IdentityConfig::default(), async |world| {
        let request = SignUpRequest { request_id: UserId::new().to_string(), ..ada() };
        let (a, b) = tokio::join!(world.try_sign_up(request.clone()), world.try_sign_up(request));
        assert_eq!(a.unwrap().user, b.unwrap().user);
        assert_eq!(world.event_types().await, ["user.created.v1"]);
    })
    .await;
}

#[tokio::test]
async fn an_address_belongs_to_one_account_whatever_its_case() {
    everywhere(IdentityConfig::default(), async |world| {
        world.sign_up("ada@example.org").await;
        let result = world.try_sign_up(SignUpRequest { email: "ADA@example.ORG".into(), ..ada() }).await;
        assert_eq!(refusal(result), (Code::AlreadyExists, "EMAIL_TAKEN".into()));
        let (a, b) = tokio::join!(
            world.try_sign_up(SignUpRequest { email: "bob@x".into(), ..ada() }),
            world.try_sign_up(SignUpRequest { email: "bob@x".into(), ..ada() })
        );
        let lost = if a.is_ok() { b } else { a };
        assert_eq!(refusal(lost), (Code::AlreadyExists, "EMAIL_TAKEN".into()));
    })
    .await;
}

#[tokio::test]
async fn bad_fields_are_named() {
    everywhere(IdentityConfig::default(), async |world| {
        let four = "936da01f-9abd-4d9d-80c7-02af85c822a8".to_owned();
        for (request, field) in [
            (SignUpRequest { email: "ada".into(), ..ada() }, "email"),
            (SignUpRequest { email: "a\0da@x".into(), ..ada() }, "email"),
            (SignUpRequest { password: "too short".into(), ..ada() }, "password"),
            (SignUpRequest { password: "x".repeat(257), ..ada() }, "password"),
            (SignUpRequest { display_name: "x".repeat(101), ..ada() }, "display_name"),
            (SignUpRequest { device: "x".repeat(201), ..ada() }, "device"),
            (SignUpRequest { device: "a\0b".into(), ..ada() }, "device"),
            (SignUpRequest { request_id: four, ..ada() }, "request_id"),
        ] {
            assert_eq!(fields(world.try_sign_up(request).await), [field]);
        }
        assert!(world.events().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn sign_up_can_be_closed_or_by_invitation() {
    let closed = IdentityConfig { sign_up: SignUpMode::Closed, ..Default::default() };
    everywhere(closed, async |world| {
        let refused = refusal(world.try_sign_up(ada()).await);
        assert_eq!(refused, (Code::FailedPrecondition, "SIGN_UP_CLOSED".into()));
    })
    .await;
    let invite = IdentityConfig {
        sign_up: SignUpMode::Invite,
        invitation_codes: vec![InvitationCode::new("come in")],
        ..Default::default()
    };
    everywhere(invite, async |world| {
        for code in ["", "wrong", &"x".repeat(1 << 20)] {
            let result = world.try_sign_up(SignUpRequest { invitation_code: code.into(), ..ada() }).await;
            assert_eq!(refusal(result), (Code::FailedPrecondition, "INVITATION_NEEDED".into()));
        }
        let code = "come in".into();
        assert!(world.try_sign_up(SignUpRequest { invitation_code: code, ..ada() }).await.is_ok());
    })
    .await;
}
