//! One's password, taking one's data along, and leaving.

use crate::{Client, ClientError};
use segue_proto::{
    identity::v1::{ChangePasswordRequest, DeleteMeRequest},
    playlist::v1::ExportMeRequest,
};

impl Client {
    /// Everything that the server knows of the caller as one JSON file, piece by piece.
    pub async fn export_me(
        &self,
        mut piece: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let request = self.request(ExportMeRequest {}).await?;
        let mut said =
            self.library_service().export_me(request).await.map_err(|s| self.refused(s))?.into_inner();
        while let Some(message) = said.message().await.map_err(|s| self.refused(s))? {
            piece(&message.content)?;
        }
        Ok(())
    }

    /// Sets another password and ends every other session.
    pub async fn change_password(&self, current: &str, new: &str) -> Result<(), ClientError> {
        let request = ChangePasswordRequest { current_password: current.into(), new_password: new.into() };
        let request = self.request(request).await?;
        self.identity().change_password(request).await.map_err(|s| self.refused(s))?;
        Ok(())
    }

    /// Deletes the account and forgets its session. Its songs and playlists go to the heir, by e-mail address; without
    /// one they are deleted.
    pub async fn delete_me(&self, password: &str, heir_email: &str) -> Result<(), ClientError> {
        let request = DeleteMeRequest { password: password.into(), heir_email: heir_email.into() };
        let request = self.request(request).await?;
        self.identity().delete_me(request).await.map_err(|s| self.refused(s))?;
        self.forget_session()
    }
}
