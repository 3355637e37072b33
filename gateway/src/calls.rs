//! A gRPC call from its head to its answer, the layers in order: panic catch, overload, deadline,
//! authentication, rate limit, proxy. One function each instead of a tower of services, so that a call costs few
//! allocations and the order can be read.

use crate::{
    address,
    answer::Answer,
    forward,
    measured::{Allowed, Fault, Measured},
    meter::Call,
    methods::{Method, Methods},
    origin::Origin,
    rate::{Level, Rates},
    refused::Refused,
    timeout::{self, Limits},
};
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response, request::Parts};
use http_body_util::BodyExt;
use segue_mesh::{Auth, status};
use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{
        Semaphore,
        oneshot::{self, error::TryRecvError},
    },
    time::{Instant, Sleep},
};
use tonic::{Status, body::Body};
use tower::ServiceExt;
use tracing::Instrument;

/// What calls need.
pub(crate) struct Calls {
    pub(crate) auth: Auth,
    pub(crate) methods: Methods,
    pub(crate) rates: Rates,
    pub(crate) origin: Origin,
    pub(crate) limits: Limits,
    pub(crate) max_message_bytes: u32,
    pub(crate) trust_forwarded: bool,
    /// Held until the answer begins.
    pub(crate) slots: Semaphore,
}

/// What a role answered, and what still hangs on it.
struct Relayed {
    answer: Response<Body>,
    /// While the request body still streams.
    fault: Option<oneshot::Receiver<Fault>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Calls {
    /// Answers a call. Dropping the future, or later the answer's body, ends it at the role as well.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Answer>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let Some(method) = self.methods.get(request.uri().path()) else {
            let call = Call::begin(Arc::clone(&self.methods.unknown));
            return Answer::refusal(status(Refused::no_such_method(request.uri().path())), call);
        };
        let call = Call::begin(Arc::clone(&method.meter));
        let span = tracing::info_span!("call", rpc.method = call.method(), otel.kind = "server");
        let relayed = AssertUnwindSafe(self.relay(method, request)).catch_unwind().instrument(span).await;
        match relayed {
            Ok(Ok(Relayed { answer, fault, deadline })) => Answer::relay(answer, call, fault, deadline),
            Ok(Err(refused)) => Answer::refusal(refused, call),
            Err(_) => Answer::refusal(status(Refused::Panicked), call),
        }
    }

    async fn relay<B>(&self, method: &Method, request: Request<B>) -> Result<Relayed, Status>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let _slot = self.slots.try_acquire().map_err(|_| status(Refused::Overloaded))?;
        let (parts, mut body) = request.into_parts();
        let begin = Instant::now();
        let timeout = self.limits.of(&parts.headers, method.policy.streaming);
        let level = match self.admit(method, &parts).await {
            Ok(level) => level,
            Err(refused) => {
                drain(&mut body).await;
                return Err(refused);
            }
        };

        let allowed = Allowed { max: self.max_message_bytes, single: method.single };
        let (body, mut fault) = Measured::new(body, allowed).map_err(status)?;
        let origin = self.origin.of(&parts.uri, &parts.headers);
        let told = timeout.end.and_then(timeout::header);
        let request = forward::request(method.uri.clone(), parts.headers, origin, told, Body::new(body));

        let service = method.uri.path().split('/').nth(1).unwrap_or_default();
        let answered = tokio::select! {
            biased;
            Ok(fault) = &mut fault => return Err(status(fault)),
            answered = tokio::time::timeout_at(begin + timeout.begin, method.channel.clone().oneshot(request)) => answered,
        };
        // A role may have stumbled over the cut body in the same moment; the cut is the reason.
        let fault = match fault.try_recv() {
            Ok(fault) => return Err(status(fault)),
            Err(TryRecvError::Empty) => Some(fault),
            // The body went through to its end.
            Err(TryRecvError::Closed) => None,
        };
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            // tonic's own transport knows the deadline as well, and may be the first to notice.
            Ok(Err(source)) if is_timeout(&*source) => return Err(status(Refused::Late)),
            // A pool of servers has said already, and logged, that none of them answered.
            Ok(Err(source)) => {
                return Err(match source.downcast::<Status>() {
                    Ok(refused) => *refused,
                    Err(source) => status(Refused::Unreachable { service: service.to_owned(), source }),
                });
            }
            Err(_) => return Err(status(Refused::Late)),
        };
        let mut answer = forward::answer(answer, service).map_err(status)?;
        level.write(answer.headers_mut());
        // What is no stream is over in a moment once it began.
        let end = timeout.end.filter(|_| method.policy.streaming);
        let deadline =
            end.and_then(|end| begin.checked_add(end)).map(|at| Box::pin(tokio::time::sleep_until(at)));
        Ok(Relayed { answer, fault, deadline })
    }

    /// Who calls, and whether they may call as often as this.
    async fn admit(&self, method: &Method, parts: &Parts) -> Result<Level, Status> {
        let address = address::client(&parts.headers, &parts.extensions, self.trust_forwarded);
        let checked = self.auth.check(parts.uri.path(), &parts.headers);
        let user = checked.as_ref().ok().and_then(|caller| caller.user_id());
        // A refused caller pays as a stranger, so that trying tokens is not free.
        let drawn = self.rates.draw(&method.policy, user, address).await;
        let level = drawn.map_err(|(level, refused)| {
            let mut refused = status(refused);
            let mut headers = http::HeaderMap::new();
            level.write(&mut headers);
            *refused.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
            refused
        })?;
        checked.map(|_| level)
    }
}

/// Reads what is left of a refused call, a little and for a moment. Over HTTP/1.1 the connection would be reset
/// under a client that is still sending, and it would see that in place of the refusal.
async fn drain<B: http_body::Body<Data = Bytes> + Unpin>(body: &mut B) {
    let mut left: usize = 64 << 10;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // A client that dawdles is refused as it is.
    let _ = tokio::time::timeout(Duration::from_millis(250), read).await;
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |e| e.source()).any(|e| e.is::<tonic::TimeoutExpired>())
}

/// The calls as a service, for the translation of gRPC-Web.
#[derive(Clone)]
pub(crate) struct CallService(pub(crate) Arc<Calls>);

impl tower::Service<Request<Body>> for CallService {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Answer>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let calls = Arc::clone(&self.0);
        Box::pin(async move { Ok(calls.answer(request).await) })
    }
}
