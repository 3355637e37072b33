//! What is asked of identity, by the name of this role.

use crate::Error;
use futures::{StreamExt, stream};
use segue_domain::{Code, UserId};
use segue_mesh::{Channel, RoleSigner, from_status};
use segue_proto::identity::v1::{
    ResolveUserRequest, ResolveUserResponse, identity_service_client::IdentityServiceClient,
};
use std::{collections::HashMap, pin::pin, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};
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

    /// The account of an id or an e-mail address, and what it is called.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] when there is none; [`Error::Peer`] when identity cannot be asked.
    pub(crate) async fn resolve(&self, user: &str) -> Result<(UserId, String), Error> {
        let ResolveUserResponse { user_id, display_name } = self.ask(user).await?;
        let id = user_id.parse();
        let id = id.map_err(|e| Error::Internal(format!("identity named an account badly: {e}")))?;
        Ok((id, display_name))
    }

    /// What accounts are called. Those of which it is not found out in time are left out: a name is not worth an error.
    pub(crate) async fn names(&self, users: Vec<UserId>) -> HashMap<UserId, String> {
        let until = Instant::now() + NAMED;
        let ask = |user: UserId| async move { (user, self.ask(&user.to_string()).await) };
        let mut asked = pin!(stream::iter(users).map(ask).buffer_unordered(AT_ONCE));
        let mut names = HashMap::new();
        while let Ok(Some((user, answer))) = timeout_at(until, asked.next()).await {
            match answer {
                Ok(answer) => drop(names.insert(user, answer.display_name)),
                Err(Error::UserNotFound(_)) => {}
                Err(error) => {
                    // The others would hear the same.
                    tracing::warn!(%error, "collaborators are shown without their names");
                    break;
                }
            }
        }
        names
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
