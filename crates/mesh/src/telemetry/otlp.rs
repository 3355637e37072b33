//! Traces, metrics and logs to a collector, by OTLP over gRPC.

use super::{TelemetryConfig, TelemetryError};
use metrics_exporter_opentelemetry::Recorder;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::SdkTracerProvider,
};
use std::time::Duration;

/// The exporters. A collector that is away costs nothing but what it does not hear: each has a bounded queue.
#[derive(Debug)]
pub(super) struct Otlp {
    pub(super) traces: SdkTracerProvider,
    pub(super) logs: SdkLoggerProvider,
    metrics: SdkMeterProvider,
}

impl Otlp {
    pub(super) fn connect(config: &TelemetryConfig) -> Result<Self, TelemetryError> {
        let to = &config.otlp_endpoint;
        let resource = Resource::builder().with_service_name(config.service.clone()).build();
        let traces = SpanExporter::builder().with_tonic().with_endpoint(to).build()?;
        let metrics = MetricExporter::builder().with_tonic().with_endpoint(to).build()?;
        let logs = LogExporter::builder().with_tonic().with_endpoint(to).build()?;
        let every = Duration::from_millis(config.otlp_metrics_ms.max(100));
        let reader = PeriodicReader::builder(metrics).with_interval(every).build();
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_batch_exporter(traces)
                .with_resource(resource.clone())
                .build(),
            logs: SdkLoggerProvider::builder()
                .with_batch_exporter(logs)
                .with_resource(resource.clone())
                .build(),
            metrics: SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build(),
        })
    }

    /// What the metrics of the process are recorded by.
    pub(super) fn recorder(&self) -> Recorder {
        Recorder::with_meter(self.metrics.meter("segue"))
    }

    /// Sends what is left; blocks. What cannot be sent any more is lost, and there is nobody left to tell.
    pub(super) fn shutdown(&self) {
        let _ = self.traces.shutdown();
        let _ = self.logs.shutdown();
        let _ = self.metrics.shutdown();
    }
}
