//! The gRPC service: shows encodings, and stops them.

mod cancel;
mod dead;
mod hear;
mod ladder;
mod list;
mod watch;

pub(crate) use hear::hear;

use crate::{
    Error,
    encoder::Inner,
    encoding::{Encoding, State},
};
use futures::{StreamExt, stream::BoxStream};
use segue_domain::{EncodingId, IdError, SongId};
use segue_mesh::{Caller, Reply, status};
use segue_proto::encoder::v1::{
    CancelEncodingRequest, CancelEncodingResponse, DropDeadLetterRequest, DropDeadLetterResponse,
    GetEncodingRequest, GetEncodingResponse, GetLadderRequest, GetLadderResponse, ListDeadLettersRequest,
    ListDeadLettersResponse, ListEncodingsRequest, ListEncodingsResponse, RetryDeadLetterRequest,
    RetryDeadLetterResponse, RetryEncodingRequest, RetryEncodingResponse, WatchEncodingRequest,
    WatchEncodingResponse, encoder_service_server::EncoderService,
};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

/// The service.
pub(crate) struct Service {
    encoder: Arc<Inner>,
    watchers: Arc<Semaphore>,
    dead_letter_queues: Arc<[String]>,
}

impl Service {
    pub(crate) fn new(encoder: Arc<Inner>, dead_letter_queues: Arc<[String]>) -> Self {
        let watchers = Arc::new(Semaphore::new(encoder.config.max_watchers));
        Self { encoder, watchers, dead_letter_queues }
    }
}

#[tonic::async_trait]
impl EncoderService for Service {
    type WatchEncodingStream = BoxStream<'static, Result<WatchEncodingResponse, Status>>;

    async fn get_encoding(&self, request: Request<GetEncodingRequest>) -> Reply<GetEncodingResponse> {
        let caller = Caller::of(&request);
        let GetEncodingRequest { encoding_id, song_id } = request.into_inner();
        let encoding = visible(&self.encoder, &caller, &encoding_id, &song_id).await.map_err(status)?;
        let percent = self.encoder.running.percent(encoding.id);
        Ok(Response::new(GetEncodingResponse { encoding: Some(encoding.to_proto(percent)) }))
    }

    async fn list_encodings(&self, request: Request<ListEncodingsRequest>) -> Reply<ListEncodingsResponse> {
        let caller = Caller::of(&request);
        let answer = list::list(&self.encoder, &caller, request.into_inner()).await.map_err(status)?;
        Ok(Response::new(answer))
    }

    async fn watch_encoding(
        &self,
        request: Request<WatchEncodingRequest>,
    ) -> Reply<Self::WatchEncodingStream> {
        let caller = Caller::of(&request);
        let permit =
            Arc::clone(&self.watchers).try_acquire_owned().map_err(|_| status(Error::TooManyWatchers))?;
        // Listen before looking: what happens in between is heard.
        let notices = self.encoder.running.notices();
        let WatchEncodingRequest { encoding_id, song_id } = request.into_inner();
        let encoding = visible(&self.encoder, &caller, &encoding_id, &song_id).await.map_err(status)?;
        let stream = watch::watch(Arc::clone(&self.encoder), encoding, notices, permit);
        Ok(Response::new(stream.map(|item| item.map_err(status)).boxed()))
    }

    async fn retry_encoding(&self, request: Request<RetryEncodingRequest>) -> Reply<RetryEncodingResponse> {
        let caller = Caller::of(&request);
        let RetryEncodingRequest { encoding_id, song_id } = request.into_inner();
        let encoding = visible(&self.encoder, &caller, &encoding_id, &song_id).await.map_err(status)?;
        if encoding.state != State::Failed {
            return Err(status(Error::NotFailed(encoding.state.as_str())));
        }
        let encoding_id = self.encoder.songs.retry(encoding.song).await?;
        Ok(Response::new(RetryEncodingResponse { encoding_id }))
    }

    async fn cancel_encoding(
        &self,
        request: Request<CancelEncodingRequest>,
    ) -> Reply<CancelEncodingResponse> {
        let caller = Caller::of(&request);
        let CancelEncodingRequest { encoding_id, song_id } = request.into_inner();
        let encoding = visible(&self.encoder, &caller, &encoding_id, &song_id).await.map_err(status)?;
        let encoding = cancel::cancel(&self.encoder, encoding).await.map_err(status)?;
        Ok(Response::new(CancelEncodingResponse { encoding: Some(encoding.to_proto(0)) }))
    }

    async fn get_ladder(&self, _request: Request<GetLadderRequest>) -> Reply<GetLadderResponse> {
        Ok(Response::new(ladder::ladder()))
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Reply<ListDeadLettersResponse> {
        let answer = dead::list(&self.encoder, &self.dead_letter_queues, request.into_inner()).await;
        Ok(Response::new(answer.map_err(status)?))
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Reply<RetryDeadLetterResponse> {
        let RetryDeadLetterRequest { queue, dead_letter_id } = request.into_inner();
        let found = dead::retry(&self.encoder, &self.dead_letter_queues, &queue, &dead_letter_id).await;
        Ok(Response::new(RetryDeadLetterResponse { found: found? }))
    }

    async fn drop_dead_letter(
        &self,
        request: Request<DropDeadLetterRequest>,
    ) -> Reply<DropDeadLetterResponse> {
        let DropDeadLetterRequest { queue, dead_letter_id } = request.into_inner();
        let found = dead::drop(&self.encoder, &self.dead_letter_queues, &queue, &dead_letter_id).await;
        Ok(Response::new(DropDeadLetterResponse { found: found.map_err(status)? }))
    }
}

/// The encoding if the caller may see it; what may not be seen is not there.
async fn visible(
    encoder: &Inner,
    caller: &Caller,
    encoding_id: &str,
    song_id: &str,
) -> Result<Encoding, Error> {
    let id: EncodingId =
        encoding_id.parse().map_err(|e: IdError| Error::field("encoding_id", e.to_string()))?;
    let song: SongId = song_id.parse().map_err(|e: IdError| Error::field("song_id", e.to_string()))?;
    let found = encoder.repository.get(song, id).await?;
    found.filter(|e| e.visible_to(caller)).ok_or(Error::NotFound(id))
}
