//! What is asked of identity, by the name of this role.

use crate::Error;
use futures::{StreamExt, stream};
use segue_domain::{Code, UserId};
use segue_mesh::{Channel, RoleSigner, from_status};
use segue_proto::identity::v1::{
    ResolveUserRequest, ResolveUserResponse, identity_service_client::IdentityServiceClient,
};
use std::{collections::HashMap, time::Duration};
use tokio::time::timeout;
use tonic::Request;

/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for names.
const NAMED: Duration = Duration::from_secs(2);
/// Accounts that are asked for at once.
const AT_ONCE: usize = 8;

/// Identity. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    pub(super) channel: Channel,
    role: RoleSigner,
}

impl Accounts {
    pub(crate) fn new(channel: Channel, role: RoleSigner) -> Self {
        Self { channel, role }
    }

    /// The account of an id or an e-mail address.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] when there is none; [`Error::Peer`] when identity cannot be asked.
    pub(crate) async fn resolve(&self, user: &str) -> Result<UserId, Error> {
        let id = self.ask(user).await?.user_id;
        id.parse().map_err(|e| Error::Internal(format!("identity named an account badly: {e}")))
    }

    /// What accounts are called. Those that are not known are left out: a name is not worth an error.
    pub(crate) async fn names(&self, users: Vec<UserId>) -> HashMap<UserId, String> {
        let ask = |user: UserId| async move { (user, self.ask(&user.to_string()).await) };
        let asked = stream::iter(users).map(ask).buffer_unordered(AT_ONCE);
        let named = asked.filter_map(|(user, answer)| async move {
            match answer {
                Ok(answer) => Some((user, answer.display_name)),
                Err(Error::UserNotFound(_)) => None,
                Err(error) => {
                    tracing::warn!(%error, "an account is shown without its name");
                    None
                }
            }
        });
        timeout(NAMED, named.collect()).await.unwrap_or_default()
    }

    async fn ask(&self, user: &str) -> Result<ResolveUserResponse, Error> {
        let fault = |e: String| Error::Internal(format!("role token: {e}"));
        let token = self.role.token().map_err(|e| fault(e.to_string()))?;
        let bearer = format!("Bearer {token}").parse().map_err(|_| fault("no text".into()))?;
        let mut request = Request::new(ResolveUserRequest { user: user.to_owned() });
        request.metadata_mut().insert("authorization", bearer);
        request.set_timeout(DEADLINE);
        let away = |text: String| Error::Peer { role: "identity", text };
        let mut client = IdentityServiceClient::new(self.channel.clone());
        match timeout(DEADLINE, client.resolve_user(request)).await {
            Err(_) => Err(away("no answer in time".into())),
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => match from_status(&status) {
                Code::NotFound | Code::InvalidArgument => {
                    Err(Error::UserNotFound(user.chars().take(100).collect()))
                }
                code => {
                    let text = format!("{:?}: {}", status.code(), status.message());
                    Err(if code == Code::Internal { Error::Internal(text) } else { away(text) })
                }
            },
        }
    }
}
