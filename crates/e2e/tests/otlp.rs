//! The OTLP receiver hears what an exporter of the product sends.

use opentelemetry::{
    KeyValue,
    metrics::MeterProvider as _,
    trace::{Span as _, SpanBuilder, Status, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use segue_e2e::otlp::OtlpReceiver;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn spans_arrive_with_their_family() {
    let receiver = OtlpReceiver::start().await.expect("a receiver");
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(receiver.endpoint());
    let resource = Resource::builder().with_service_name("segue-song").build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.build().expect("an exporter"))
        .with_resource(resource)
        .build();
    let tracer = provider.tracer("test");
    let parent = tracer.start("parent");
    let family = opentelemetry::Context::new().with_span(parent);
    let builder = SpanBuilder::from_name("child").with_attributes([KeyValue::new("song.id", 7)]);
    let mut child = tracer.build_with_context(builder, &family);
    child.set_status(Status::error("broken"));
    drop(child);
    drop(family);
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await.expect("it runs");
    flushed.expect("sent");
    let both = receiver.wait_for(PATIENCE, |spans| {
        let named = |name: &str| spans.iter().find(|span| span.name == name).cloned();
        Some((named("parent")?, named("child")?))
    });
    let (parent, child) = both.await.expect("both spans");
    assert_eq!((child.trace_id.len(), &child.trace_id), (32, &parent.trace_id));
    assert_eq!((child.parent.as_str(), parent.parent.as_str()), (parent.span_id.as_str(), ""));
    assert_eq!((child.service.as_str(), child.attributes["song.id"].as_str()), ("segue-song", "7"));
    assert!(child.failed && !parent.failed);
    assert_eq!(receiver.wait_for(Duration::from_millis(50), |_| None::<()>).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_counted_by_name() {
    let receiver = OtlpReceiver::start().await.expect("a receiver");
    let exporter =
        opentelemetry_otlp::MetricExporter::builder().with_tonic().with_endpoint(receiver.endpoint());
    let exporter = exporter.build().expect("an exporter");
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    let counter = provider.meter("test").u64_counter("segue_things").build();
    counter.add(1, &[KeyValue::new("kind", "a")]);
    counter.add(1, &[KeyValue::new("kind", "b")]);
    // Not the last one: what is dropped last sends again.
    let flushing = provider.clone();
    tokio::task::spawn_blocking(move || flushing.force_flush()).await.expect("it runs").expect("sent");
    assert_eq!(receiver.metrics().get("segue_things"), Some(&2));
    assert_eq!(receiver.logs(), 0);
}
