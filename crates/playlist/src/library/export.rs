//! ExportMe: everything about the caller as one JSON file, made while it is read and never held as a whole.

mod json;
mod playlists;
mod section;

use crate::{Error, role::Role};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use json::Writer;
use section::Section;
use segue_domain::UserId;
use segue_mesh::Passport;
use segue_mesh::{Caller, status};
use segue_proto::playlist::v1::ExportMeResponse;
use std::sync::Arc;
use tonic::Status;

/// What the service answers with.
pub(super) type ExportStream = BoxStream<'static, Result<ExportMeResponse, Status>>;

/// Bytes in one piece at most.
const PIECE: usize = 64 * 1024;

/// A file that is being made.
struct Export {
    role: Arc<Role>,
    caller: Caller,
    user: UserId,
    passport: Passport,
    /// What comes next; `None` when the file is complete.
    section: Option<Section>,
    /// What was made and not sent yet: at most a piece and what one page adds.
    file: Writer,
}

impl Role {
    /// # Errors
    /// What fails before the first piece is the answer to the call; what fails later ends the stream.
    pub(super) async fn export(
        self: Arc<Self>,
        caller: Caller,
        user: UserId,
        passport: Passport,
    ) -> Result<ExportStream, Error> {
        let mut export = Export {
            role: self,
            caller,
            user,
            passport,
            section: Some(Section::Account),
            file: Writer::default(),
        };
        export.advance().await?;
        let pieces = stream::try_unfold(export, |mut export| async move {
            let piece = export.piece().await?;
            Ok::<_, Error>(piece.map(|content| (ExportMeResponse { content }, export)))
        });
        Ok(pieces.map_err(status).boxed())
    }
}

impl Export {
    /// The next piece, full unless it is the last.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while self.file.len() < PIECE && self.section.is_some() {
            self.advance().await?;
        }
        Ok(self.file.take(PIECE))
    }

    /// Adds one page.
    async fn advance(&mut self) -> Result<(), Error> {
        if let Some(section) = self.section.take() {
            self.section =
                section.write(&self.role, (&self.caller, self.user), &self.passport, &mut self.file).await?;
        }
        Ok(())
    }
}
