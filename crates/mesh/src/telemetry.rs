//! Logs, traces and metrics of a process.

mod context;
mod otlp;

pub use context::follow;
pub(crate) use context::{extract, inject};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use otlp::Otlp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use tracing_subscriber::{
    EnvFilter, Layer, filter::Directive, layer::SubscriberExt, util::SubscriberInitExt,
};

/// The `telemetry` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Name of this process in traces, metrics and logs. Several processes of a role share one.
    pub service: String,
    /// What is logged, as in RUST_LOG: `info,segue_song=debug`.
    pub log: String,
    /// Log lines as JSON.
    pub json: bool,
    /// Where traces, metrics and logs go by OTLP over gRPC: `http://127.0.0.1:4317`. Off when empty.
    pub otlp_endpoint: String,
    /// How often metrics are sent there, milliseconds.
    pub otlp_metrics_ms: u64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            service: "segue".into(),
            log: "info".into(),
            json: false,
            otlp_endpoint: String::new(),
            otlp_metrics_ms: 10_000,
        }
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
    otlp: Option<Otlp>,
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// Metrics in Prometheus' text format.
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends what is left. Blocks for up to a few seconds, so call it last and off the runtime's workers.
    pub fn flush(&self) {
        if let Some(otlp) = &self.otlp {
            otlp.shutdown();
        }
    }
}

/// The filter: what was asked for, then directives that nothing can override. At debug level azure_core 0.21
/// logs the account key's signature (RUSTSEC-2026-0275).
pub fn filter(asked: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let guard: Directive = "azure_core=info".parse()?;
    // lapin prints the body of every message that comes back; that it came is said by us.
    let quiet: Directive = "lapin::returned_messages=error".parse()?;
    Ok(EnvFilter::builder().parse(asked)?.add_directive(quiet).add_directive(guard))
}

/// Starts logs (to standard error), metrics, and, when configured, traces, metrics and logs by OTLP.
/// Once per process, within a tokio runtime.
pub fn start(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let otlp = match config.otlp_endpoint.is_empty() {
        true => None,
        false => Some(Otlp::connect(config)?),
    };
    let spans = otlp.as_ref().map(|o| tracing_opentelemetry::layer().with_tracer(o.traces.tracer("segue")));
    let records = match &otlp {
        None => None,
        // What the exporter itself says while it sends would be sent again, for ever.
        Some(otlp) => {
            let quiet =
                filter(&format!("{},h2=off,hyper=off,tonic=off,tower=off,opentelemetry=off", config.log))?;
            Some(OpenTelemetryTracingBridge::new(&otlp.logs).with_filter(quiet))
        }
    };
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    let lines = if config.json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    tracing_subscriber::registry()
        .with(filter(&config.log)?)
        .with(spans)
        .with(records)
        .with(lines)
        .try_init()
        .map_err(|e| TelemetryError::Installed(e.to_string()))?;
    let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let prometheus = PrometheusBuilder::new()
        .set_buckets(&buckets)
        .map_err(|e| TelemetryError::Installed(e.to_string()))?
        .build_recorder();
    let metrics = prometheus.handle();
    let installed = |e: String| TelemetryError::Installed(e);
    match &otlp {
        None => metrics::set_global_recorder(prometheus).map_err(|e| installed(e.to_string()))?,
        Some(otlp) => {
            let both = FanoutBuilder::default().add_recorder(prometheus).add_recorder(otlp.recorder());
            metrics::set_global_recorder(both.build()).map_err(|e| installed(e.to_string()))?;
        }
    }
    Ok(Telemetry { otlp, metrics })
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
