//! The relay's part in the trace of a fact: from the transaction that wrote it to whoever handles it.

use crate::fact::Fact;
use segue_ports::bus::Message;
use std::collections::HashMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Messages of facts, each in a span of its own that lasts until it is dropped. A fact without a trace has none, and
/// where traces are off it passes unchanged.
pub(crate) fn messages(facts: &[Fact]) -> (Vec<Message>, Vec<Span>) {
    facts.iter().map(message).unzip()
}

fn message(fact: &Fact) -> (Message, Span) {
    let mut message = fact.message.clone();
    let Some(parent) = message.traceparent.take() else { return (message, Span::none()) };
    let span = tracing::info_span!("relay", messaging.message.id = message.id, otel.kind = "producer");
    let carrier = HashMap::from([("traceparent".to_owned(), parent.clone())]);
    // Fails only when no tracer is configured; then the fact keeps the trace that it came with.
    let joined = span.set_parent(opentelemetry::global::get_text_map_propagator(|p| p.extract(&carrier)));
    let mut own = HashMap::new();
    if joined.is_ok() {
        let context = span.context();
        opentelemetry::global::get_text_map_propagator(|p| p.inject_context(&context, &mut own));
    }
    message.traceparent = Some(own.remove("traceparent").unwrap_or(parent));
    (message, span)
}
