//! The methods of `segue.search.v1.SearchService`.

use crate::{
    Error,
    fresh::Asker,
    item, rebuild,
    role::Inner,
    verify::{self, Difference, How, Said},
};
use futures::{StreamExt, stream, stream::BoxStream};
use segue_mesh::{Caller, Reply, status, to_proto};
use segue_proto::search::v1::{
    self as pb, RebuildIndexRequest, RebuildIndexResponse, SearchRequest, SearchResponse, SuggestRequest,
    SuggestResponse, VerifyIndexRequest, VerifyIndexResponse, search_service_server::SearchService,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

/// Messages of a comparison that wait for a slow reader.
const WAITING: usize = 64;

/// The gRPC service.
#[derive(Debug, Clone)]
pub struct SearchApi {
    search: Arc<Inner>,
}

impl SearchApi {
    pub(crate) fn new(search: Arc<Inner>) -> Self {
        Self { search }
    }
}

#[tonic::async_trait]
impl SearchService for SearchApi {
    type RebuildIndexStream = BoxStream<'static, Result<RebuildIndexResponse, Status>>;
    type VerifyIndexStream = BoxStream<'static, Result<VerifyIndexResponse, Status>>;

    async fn search(&self, request: Request<SearchRequest>) -> Reply<SearchResponse> {
        let (caller, asker) = (Caller::of(&request), Asker::of(&request));
        self.search.find(&caller, &asker, request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn suggest(&self, request: Request<SuggestRequest>) -> Reply<SuggestResponse> {
        let caller = Caller::of(&request);
        self.search.suggest(&caller, request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn rebuild_index(&self, _: Request<RebuildIndexRequest>) -> Reply<Self::RebuildIndexStream> {
        let mut job = rebuild::start(&self.search);
        job.mark_changed();
        let stream = stream::unfold(Some(job), |job| async move {
            let mut job = job?;
            if job.changed().await.is_err() {
                return Some((Err(status(Error::Internal("the rebuild died".into()))), None));
            }
            let now = job.borrow_and_update().clone();
            match now.ended {
                Some(Err(error)) => Some((Err(status(error)), None)),
                ended => {
                    let done = ended.is_some();
                    let start_time = Some(to_proto(now.started));
                    let message = RebuildIndexResponse { start_time, songs: now.songs, done };
                    Some((Ok(message), (!done).then_some(job)))
                }
            }
        });
        Ok(Response::new(stream.boxed()))
    }

    async fn verify_index(&self, _: Request<VerifyIndexRequest>) -> Reply<Self::VerifyIndexStream> {
        let turn = Arc::clone(&self.search.verifying).try_acquire_owned();
        let turn = turn.map_err(|_| status(Error::Verifying))?;
        let (listener, said) = mpsc::channel(WAITING);
        let search = Arc::clone(&self.search);
        let work = self.search.tasks.spawn(async move {
            let _turn = turn;
            // Ends with the role, and as soon as the caller has gone.
            tokio::select! {
                () = search.stop.cancelled() => Err(Error::Closing),
                () = listener.closed() => Err(Error::Closing),
                done = verify::verify(&search, &listener) => done,
            }
        });
        let answers = stream::unfold(said, |mut said| async move {
            let next = said.recv().await?;
            Some((Ok(message(next)), said))
        });
        // How it ended is known when everything was said.
        let end = stream::once(work).filter_map(async |ended| match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(status(error))),
            Err(died) => Some(Err(status(Error::Internal(died.to_string())))),
        });
        Ok(Response::new(answers.chain(end).boxed()))
    }
}

fn message(said: Said) -> VerifyIndexResponse {
    match said {
        Said::Compared(songs) => VerifyIndexResponse { songs, ..Default::default() },
        Said::Difference(difference) => {
            VerifyIndexResponse { difference: Some(on_the_wire(difference)), ..Default::default() }
        }
        Said::Done { songs, truncated } => {
            VerifyIndexResponse { songs, done: true, truncated, difference: None }
        }
    }
}

fn on_the_wire(difference: Difference) -> pb::Difference {
    let how = match difference.how {
        How::Missing => pb::DifferenceKind::Missing,
        How::Stale => pb::DifferenceKind::Stale,
        How::Foreign => pb::DifferenceKind::Foreign,
    };
    pb::Difference {
        difference_kind: how.into(),
        kind: item::kind_on_the_wire(difference.kind).into(),
        id: difference.id,
        database_version: difference.database_version,
        index_version: difference.index_version,
        fields: difference.fields.into_iter().map(Into::into).collect(),
    }
}
