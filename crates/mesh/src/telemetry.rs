//! Logs, traces and metrics of a process.

use http::{HeaderMap, HeaderName, HeaderValue};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::{
    global,
    propagation::{Extractor, Injector},
    trace::TracerProvider,
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer, filter::Directive, layer::SubscriberExt, util::SubscriberInitExt,
};

/// The `telemetry` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// What is logged, as in RUST_LOG: `info,segue_song=debug`.
    pub log: String,
    /// Log lines as JSON.
    pub json: bool,
    /// Where traces go by OTLP over gRPC: `http://127.0.0.1:4317`. Off when empty.
    pub otlp_endpoint: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { log: "info".into(), json: false, otlp_endpoint: String::new() }
    }
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("telemetry.log is not a filter such as 'info,segue_song=debug': {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The OTLP endpoint cannot be used.
    #[error("telemetry.otlp_endpoint cannot be used: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something is installed already.
    #[error("telemetry is installed already: {0}")]
    Installed(String),
}

/// Keeps telemetry going; flushes when asked.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// Metrics in Prometheus' text format.
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends what is left. Blocks for up to a few seconds, so call it last and off the runtime's workers.
    pub fn flush(&self) {
        if let Some(traces) = &self.traces {
            let _ = traces.shutdown();
        }
    }
}

/// The filter: what was asked for, then directives that nothing can override. At debug level azure_core 0.21
/// logs the account key's signature (RUSTSEC-2026-0275).
pub fn filter(asked: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let guard: Directive = "azure_core=info".parse()?;
    Ok(EnvFilter::builder().parse(asked)?.add_directive(guard))
}

/// Starts logs (to standard error), metrics, and traces when configured. Once per process.
pub fn start(service: &str, config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let traces = match config.otlp_endpoint.is_empty() {
        true => None,
        false => {
            let exporter = opentelemetry_otlp::SpanExporter::builder()
                .with_tonic()
                .with_endpoint(&config.otlp_endpoint)
                .build()?;
            let resource = Resource::builder().with_service_name(service.to_owned()).build();
            Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
        }
    };
    let otel = traces.as_ref().map(|p| tracing_opentelemetry::layer().with_tracer(p.tracer("segue")));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if config.json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    tracing_subscriber::registry()
        .with(filter(&config.log)?)
        .with(otel)
        .with(lines)
        .try_init()
        .map_err(|e| TelemetryError::Installed(e.to_string()))?;
    let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let metrics = PrometheusBuilder::new()
        .set_buckets(&buckets)
        .map_err(|e| TelemetryError::Installed(e.to_string()))?
        .install_recorder()
        .map_err(|e| TelemetryError::Installed(e.to_string()))?;
    Ok(Telemetry { traces, metrics })
}

/// The trace that a request belongs to.
pub(crate) fn extract(headers: &HeaderMap) -> opentelemetry::Context {
    global::get_text_map_propagator(|p| p.extract(&Headers(headers)))
}

/// Adds the current trace to an outgoing request.
pub(crate) fn inject(headers: &mut HeaderMap) {
    let context = tracing::Span::current().context();
    global::get_text_map_propagator(|p| p.inject_context(&context, &mut HeadersMut(headers)));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|v| v.to_str().ok())
    }
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn nothing_makes_the_azure_client_log_its_key() {
        for asked in ["trace", "azure_core=trace", "debug,azure_core=debug", ""] {
            let text = filter(asked).unwrap().to_string();
            assert!(
                text.contains("azure_core=info")
                    && !text.contains("azure_core=trace")
                    && !text.contains("azure_core=debug"),
                "{text}"
            );
        }
    }
}
