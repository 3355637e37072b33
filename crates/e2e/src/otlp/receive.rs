//! The three services of OTLP over gRPC.

use super::{MAX_SPANS, Seen, Sink, SpanSeen};
use async_trait::async_trait;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    metrics::v1::{Metric, metric::Data},
};
use tonic::{
    Request, Response, Status,
    codec::CompressionEncoding,
    transport::{Server, server::Router},
};

/// The services that fill `sink`.
pub(super) fn router(sink: &Sink) -> Router {
    let service = || Service(sink.clone());
    Server::builder()
        .add_service(TraceServiceServer::new(service()).accept_compressed(CompressionEncoding::Gzip))
        .add_service(MetricsServiceServer::new(service()).accept_compressed(CompressionEncoding::Gzip))
        .add_service(LogsServiceServer::new(service()).accept_compressed(CompressionEncoding::Gzip))
}

struct Service(Sink);

impl Seen {
    fn keep(&mut self, span: SpanSeen) {
        if self.spans.len() >= MAX_SPANS {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }
}

#[async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans.into_iter().flat_map(SpanSeen::all);
        self.0.send_modify(|seen| spans.for_each(|span| seen.keep(span)));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let scopes = request.into_inner().resource_metrics.into_iter().flat_map(|from| from.scope_metrics);
        let metrics = scopes.flat_map(|scope| scope.metrics);
        self.0.send_modify(|seen| {
            metrics.for_each(|metric| {
                let points = points(&metric);
                *seen.metrics.entry(metric.name).or_default() += points;
            });
        });
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let scopes = request.into_inner().resource_logs.into_iter().flat_map(|from| from.scope_logs);
        let records: u64 = scopes.map(|scope| scope.log_records.len() as u64).sum();
        self.0.send_modify(|seen| seen.logs += records);
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

fn points(metric: &Metric) -> u64 {
    let points = match &metric.data {
        None => 0,
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    };
    points as u64
}
