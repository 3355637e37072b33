//! The methods of the contract: who calls, what they want, how the answer looks.

use crate::{Error, Identity};
use segue_mesh::{Caller, Reply, status};
use segue_proto::identity::v1::{
    ChangePasswordRequest, ChangePasswordResponse, DeleteMeRequest, DeleteMeResponse, DisableUserRequest,
    DisableUserResponse, EnableUserRequest, EnableUserResponse, GetJwksRequest, GetJwksResponse,
    GetMeRequest, GetMeResponse, ListRevocationsRequest, ListRevocationsResponse, ListSessionsRequest,
    ListSessionsResponse, ListUsersRequest, ListUsersResponse, RefreshSessionRequest, RefreshSessionResponse,
    ResetPasswordRequest, ResetPasswordResponse, ResolveUserRequest, ResolveUserResponse,
    RevokeSessionRequest, RevokeSessionResponse, SignInRequest, SignInResponse, SignOutRequest,
    SignOutResponse, SignUpRequest, SignUpResponse, UpdateMeRequest, UpdateMeResponse,
    identity_service_server::IdentityService,
};
use tonic::{Request, Response};

#[tonic::async_trait]
impl IdentityService for Identity {
    async fn sign_up(&self, request: Request<SignUpRequest>) -> Reply<SignUpResponse> {
        self.make_account(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn sign_in(&self, request: Request<SignInRequest>) -> Reply<SignInResponse> {
        self.enter(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Reply<RefreshSessionResponse> {
        self.renew(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Reply<SignOutResponse> {
        let caller = Caller::user(&request)?;
        match self.end_session(&caller, caller.session).await {
            // A session that is no longer there has ended, which is what was asked for.
            Ok(()) | Err(Error::SessionNotFound) => Ok(Response::new(SignOutResponse {})),
            Err(error) => Err(status(error)),
        }
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Reply<GetMeResponse> {
        let caller = Caller::user(&request)?;
        let user = self.me(&caller).await.map_err(status)?;
        Ok(Response::new(GetMeResponse { user: Some(user) }))
    }

    async fn update_me(&self, request: Request<UpdateMeRequest>) -> Reply<UpdateMeResponse> {
        let caller = Caller::user(&request)?;
        let user = self.change_me(&caller, request.into_inner()).await.map_err(status)?;
        Ok(Response::new(UpdateMeResponse { user: Some(user) }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Reply<ChangePasswordResponse> {
        let caller = Caller::user(&request)?;
        Identity::change_password(self, &caller, request.into_inner()).await.map_err(status)?;
        Ok(Response::new(ChangePasswordResponse {}))
    }

    async fn delete_me(&self, request: Request<DeleteMeRequest>) -> Reply<DeleteMeResponse> {
        let caller = Caller::user(&request)?;
        self.delete_account(&caller, request.into_inner()).await.map_err(status)?;
        Ok(Response::new(DeleteMeResponse {}))
    }

    async fn list_sessions(&self, request: Request<ListSessionsRequest>) -> Reply<ListSessionsResponse> {
        let caller = Caller::user(&request)?;
        self.open_sessions(&caller, request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn revoke_session(&self, request: Request<RevokeSessionRequest>) -> Reply<RevokeSessionResponse> {
        let caller = Caller::user(&request)?;
        let session = request.into_inner().session_id.parse();
        let session = session.map_err(|_| status(Error::field("session_id", "must be a UUIDv7")))?;
        self.end_session(&caller, session).await.map_err(status)?;
        Ok(Response::new(RevokeSessionResponse {}))
    }

    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Reply<GetJwksResponse> {
        Ok(Response::new(GetJwksResponse { jwks_json: self.jwks() }))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Reply<ListUsersResponse> {
        self.users(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn disable_user(&self, request: Request<DisableUserRequest>) -> Reply<DisableUserResponse> {
        let caller = Caller::of(&request);
        let user = self.disable(&caller, &request.into_inner().user_id).await.map_err(status)?;
        Ok(Response::new(DisableUserResponse { user: Some(user) }))
    }

    async fn enable_user(&self, request: Request<EnableUserRequest>) -> Reply<EnableUserResponse> {
        let caller = Caller::of(&request);
        let user = self.enable(&caller, &request.into_inner().user_id).await.map_err(status)?;
        Ok(Response::new(EnableUserResponse { user: Some(user) }))
    }

    async fn reset_password(&self, request: Request<ResetPasswordRequest>) -> Reply<ResetPasswordResponse> {
        let caller = Caller::of(&request);
        self.set_password(&caller, request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn list_revocations(&self, _: Request<ListRevocationsRequest>) -> Reply<ListRevocationsResponse> {
        let ended = self.ended().await.map_err(|e| status(Error::from(e)))?;
        let session_ids = ended.sessions.iter().map(ToString::to_string).collect();
        let user_ids = ended.users.iter().map(ToString::to_string).collect();
        Ok(Response::new(ListRevocationsResponse { session_ids, user_ids }))
    }

    async fn resolve_user(&self, request: Request<ResolveUserRequest>) -> Reply<ResolveUserResponse> {
        self.resolve(&request.into_inner().user).await.map(Response::new).map_err(status)
    }
}
