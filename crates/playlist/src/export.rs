//! ExportPlaylist: the playlist as a file, a page of items at a time.

use crate::{
    Error,
    field::id,
    file::{self, Format, Writer},
    items::Cursor,
    record::PlaylistRecord,
    role::Role,
    service::Call,
};
use futures::{Stream, stream};
use segue_domain::{PageSize, PlaylistId};
use segue_mesh::status;
use segue_proto::playlist::v1::{ExportPlaylistRequest, ExportPlaylistResponse};
use std::{pin::Pin, sync::Arc};
use tonic::Status;

/// What ExportPlaylist answers with.
pub(crate) type ExportStream = Pin<Box<dyn Stream<Item = Result<ExportPlaylistResponse, Status>> + Send>>;

/// One file that is being written. It holds one page of items.
struct Export {
    role: Arc<Role>,
    call: Call,
    playlist: Arc<PlaylistRecord>,
    writer: Writer,
    stage: Stage,
}

enum Stage {
    Head,
    /// Items after this one; from the first without one.
    Items(Option<Cursor>),
    Over,
}

impl Role {
    pub(crate) async fn export_playlist(
        self: Arc<Self>,
        call: Call,
        request: ExportPlaylistRequest,
    ) -> Result<ExportStream, Error> {
        let id: PlaylistId = id("playlist_id", &request.playlist_id)?;
        let writer = Writer(file::format(request.format)?.unwrap_or(Format::M3u));
        let playlist = self.seen(&call, id).await?;
        let export = Export { role: self, call, playlist, writer, stage: Stage::Head };
        Ok(Box::pin(stream::unfold(export, |mut export| async move {
            let piece = export.next().await?;
            if piece.is_err() {
                export.stage = Stage::Over;
            }
            let piece = piece.map(|text| ExportPlaylistResponse { content: text.into_bytes() });
            Some((piece.map_err(status), export))
        })))
    }
}

impl Export {
    async fn next(&mut self) -> Option<Result<String, Error>> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Head => {
                self.stage = Stage::Items(None);
                Some(Ok(self.writer.head(&self.playlist.title)))
            }
            Stage::Items(after) => Some(self.items(after).await),
            Stage::Over => None,
        }
    }

    async fn items(&mut self, after: Option<Cursor>) -> Result<String, Error> {
        let size = PageSize::MAX;
        // Again for each page: whoever reads slowly may have lost sight of it meanwhile.
        let playlist = self.role.seen(&self.call, self.playlist.id).await?;
        let page = self.role.page(&playlist, after, size).await?;
        let items = page.items.get(..size as usize).unwrap_or(&page.items);
        // A file without names is of no use to other players, and whoever has it does not know that they are missing.
        let songs = self.role.songs.find(&self.call.passport, items.iter().map(|item| item.song)).await?;
        let mut text: String =
            items.iter().map(|item| self.writer.item(item, songs.get(&item.song))).collect();
        match items.last() {
            Some(_) if page.items.len() > items.len() => {
                self.stage = Stage::Items(Some(Cursor::after(items, page.respread)));
            }
            _ => text.push_str(self.writer.tail()),
        }
        Ok(text)
    }
}
