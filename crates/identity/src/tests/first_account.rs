use super::everywhere;
use crate::IdentityConfig;
use segue_mesh::Caller;
use segue_proto::identity::v1::{DeleteMeRequest, SignInRequest, identity_service_server::IdentityService};
use tonic::Request;

#[tokio::test]
async fn the_first_account_is_an_administrator_and_is_made_once() {
    everywhere(IdentityConfig::default(), async |world| {
        let neighbour = world.neighbour().await;
        let (a, b) =
            tokio::join!(world.identity.ensure_first_account(), neighbour.identity.ensure_first_account());
        let made: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
        let [account] = made.as_slice() else { panic!("one account, not {}", made.len()) };
        assert_eq!((account.email.as_str(), account.password.len()), ("admin@segue.local", 27));
        assert!(!format!("{account:?}").contains(&account.password));

        let request = SignInRequest {
            email: account.email.clone(),
            password: account.password.clone(),
            device: String::new(),
        };
        let answer = world.identity.sign_in(Request::new(request)).await.unwrap().into_inner();
        assert!(answer.user.unwrap().admin);
        let caller = world.verifier.verify(&answer.tokens.unwrap().access_token).unwrap();
        assert!(matches!(caller, Caller::User(user) if user.admin));
        assert_eq!(world.identity.ensure_first_account().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_made_anew_when_the_last_one_is_gone() {
    everywhere(IdentityConfig::default(), async |world| {
        world.sign_up("ada@x").await;
        let first = world.identity.ensure_first_account().await.unwrap().expect("ada is no administrator");
        assert_eq!(world.identity.ensure_first_account().await.unwrap(), None);
        let request = SignInRequest {
            email: first.email.clone(),
            password: first.password.clone(),
            device: String::new(),
        };
        let answer = world.identity.sign_in(Request::new(request)).await.unwrap().into_inner();
        let leave = DeleteMeRequest { password: first.password.clone(), heir_email: String::new() };
        world.identity.delete_me(world.signed(&answer.tokens.unwrap(), leave)).await.unwrap();
        let second = world.identity.ensure_first_account().await.unwrap().expect("a new one");
        assert_eq!(second.email, first.email);
        assert_ne!(second.password, first.password);
    })
    .await;
}
