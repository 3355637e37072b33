//! One encoding, now and after each change, until it has ended.

use crate::{Error, encoder::Inner, encoding::Encoding, running::Notice};
use futures::{Stream, stream};
use segue_proto::encoder::v1::{self, WatchEncodingResponse};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, broadcast};

/// The row is read at least this often, whatever the bus says.
const LOOK: Duration = Duration::from_secs(5);

struct Watch {
    encoder: Arc<Inner>,
    notices: broadcast::Receiver<Notice>,
    encoding: Encoding,
    percent: u32,
    shown: Option<v1::Encoding>,
    _permit: OwnedSemaphorePermit,
}

/// What a watcher sees. The first item is `encoding` itself.
pub(super) fn watch(
    encoder: Arc<Inner>,
    encoding: Encoding,
    notices: broadcast::Receiver<Notice>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<WatchEncodingResponse, Error>> + Send + 'static {
    let percent = encoder.running.percent(encoding.id);
    let watch = Watch { encoder, notices, encoding, percent, shown: None, _permit: permit };
    stream::try_unfold(watch, |mut watch| async move {
        loop {
            let now = watch.encoding.to_proto(watch.percent);
            if watch.shown.as_ref() != Some(&now) {
                watch.shown = Some(now.clone());
                return Ok(Some((WatchEncodingResponse { encoding: Some(now) }, watch)));
            }
            if watch.encoding.state.ended() || !watch.next().await? {
                return Ok(None);
            }
        }
    })
}

impl Watch {
    /// Waits until something may have changed and looks. False when the encoding is no longer there.
    async fn next(&mut self) -> Result<bool, Error> {
        loop {
            match tokio::time::timeout(LOOK, self.notices.recv()).await {
                Ok(Ok(Notice::Progress(id, percent))) if id == self.encoding.id => {
                    self.percent = self.percent.max(percent);
                    return Ok(true);
                }
                Ok(Ok(Notice::Changed(id))) if id != self.encoding.id => {}
                Ok(Ok(Notice::Progress(..))) => {}
                // It changed, or this watcher may have missed that it did.
                _ => {
                    let row = self.encoder.repository.get(self.encoding.song, self.encoding.id).await?;
                    return Ok(match row {
                        None => false,
                        Some(row) => {
                            // A new attempt begins again.
                            if row.attempts != self.encoding.attempts {
                                self.percent = 0;
                            }
                            self.encoding = row;
                            true
                        }
                    });
                }
            }
        }
    }
}
