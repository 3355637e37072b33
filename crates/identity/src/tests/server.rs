use super::{PASSWORD, everywhere, refusal};
use crate::IdentityConfig;
use segue_mesh::{Auth, Channel, Door, Policies, Server, ServerConfig};
use segue_proto::identity::v1::{
    GetJwksRequest, GetMeRequest, SignOutRequest, SignUpRequest,
    identity_service_client::IdentityServiceClient,
};
use std::sync::Arc;
use tonic::{Code, Request};

fn bearing<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

#[tokio::test]
async fn it_serves_behind_the_layers_and_a_token_opens_what_it_should() {
    everywhere(IdentityConfig::default(), async |world| {
        let auth = Auth {
            verifier: world.verifier.clone(),
            policies: Arc::new(Policies::segue().unwrap()),
            door: Door::Public,
            clock: Arc::new(world.clock.clone()),
        };
        let server = Server::new(ServerConfig::default(), auth).add(world.identity.service());
        let mut client = IdentityServiceClient::new(Channel::local(server.router()));

        assert!(client.get_jwks(GetJwksRequest {}).await.unwrap().into_inner().jwks_json.contains("OKP"));
        let request =
            SignUpRequest { email: "ada@x".into(), password: PASSWORD.into(), ..Default::default() };
        let token = client.sign_up(request).await.unwrap().into_inner().tokens.unwrap().access_token;
        let me = client.get_me(bearing(&token, GetMeRequest {})).await.unwrap().into_inner().user.unwrap();
        assert_eq!(me.email, "ada@x");
        assert_eq!(refusal(client.get_me(GetMeRequest {}).await).1, "TOKEN_REQUIRED");
        client.sign_out(bearing(&token, SignOutRequest {})).await.unwrap();
        let refused = refusal(client.get_me(bearing(&token, GetMeRequest {})).await);
        assert_eq!(refused, (Code::Unauthenticated, "TOKEN_REVOKED".into()));
    })
    .await;
}
