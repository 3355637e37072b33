//! One span and one line of metrics for each request.

use axum::{extract::Request, middleware::Next, response::Response};
use std::time::Instant;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Sits outermost, so that everything below logs inside the span and is timed. Joins the caller's trace.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("grpc", rpc.method = %path, otel.kind = "server");
    if request.headers().contains_key("traceparent") {
        // Fails only when no tracer is configured; then there is no trace to join.
        let _ = span.set_parent(crate::telemetry::extract(request.headers()));
    }
    let begin = Instant::now();
    let response = next.run(request).instrument(span).await;
    // Streams and errors alike say their code in the headers only when they end at once.
    let code = response.headers().get("grpc-status").and_then(|v| v.to_str().ok()).unwrap_or("0").to_owned();
    let labels = [("method", path), ("code", code)];
    metrics::counter!("segue_rpc_total", &labels).increment(1);
    metrics::histogram!("segue_rpc_seconds", &labels[..1]).record(begin.elapsed().as_secs_f64());
    response
}
