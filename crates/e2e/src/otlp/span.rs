//! A span, as far as tests care.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{ResourceSpans, Span, status::StatusCode},
};
use std::collections::BTreeMap;

/// A span that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanSeen {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The parent's span id; empty at the root.
    pub parent: String,
    /// The span's name.
    pub name: String,
    /// `service.name` of the process that made it; empty when it did not say.
    pub service: String,
    /// The span's own attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// It ended with an error.
    pub failed: bool,
}

impl SpanSeen {
    /// The spans of one process.
    pub(super) fn all(exported: ResourceSpans) -> impl Iterator<Item = Self> {
        let resource = exported.resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
        let service = resource.get("service.name").cloned().unwrap_or_default();
        let spans = exported.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.map(move |span| Self::new(span, service.clone()))
    }

    fn new(span: Span, service: String) -> Self {
        Self {
            trace_id: hex::encode(&span.trace_id),
            span_id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            name: span.name,
            service,
            attributes: texts(span.attributes),
            failed: span.status.is_some_and(|status| status.code == StatusCode::Error as i32),
        }
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        None => String::new(),
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(yes)) => yes.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BytesValue(bytes)) => hex::encode(bytes),
        Some(other) => format!("{other:?}"),
    }
}
