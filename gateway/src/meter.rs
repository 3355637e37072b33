//! Counts and times of calls, one meter per method, so that recording allocates nothing.

use metrics::{Counter, Histogram};
use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};
use tonic::Code;

const CODES: usize = 17;

/// The metrics of one method.
pub(crate) struct Meter {
    method: Arc<str>,
    // Made when first used, so that codes that never come are not exported.
    calls: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
}

impl Meter {
    pub(crate) fn new(method: &str) -> Arc<Self> {
        Arc::new(Self {
            method: method.into(),
            calls: [const { OnceLock::new() }; CODES],
            seconds: OnceLock::new(),
        })
    }

    fn record(&self, code: Code, begin: Instant) {
        let index = code as usize;
        if let Some(counter) = self.calls.get(index) {
            let make = || metrics::counter!("segue_gateway_calls_total", "method" => Arc::clone(&self.method), "code" => index.to_string());
            counter.get_or_init(make).increment(1);
        }
        let make = || metrics::histogram!("segue_gateway_seconds", "method" => Arc::clone(&self.method));
        self.seconds.get_or_init(make).record(begin.elapsed().as_secs_f64());
    }
}

/// One call. Records itself when it ends, however it ends.
pub(crate) struct Call {
    meter: Arc<Meter>,
    begin: Instant,
    code: Code,
}

impl Call {
    pub(crate) fn begin(meter: Arc<Meter>) -> Self {
        // What nobody gives a code to was given up by its client.
        Self { meter, begin: Instant::now(), code: Code::Cancelled }
    }

    pub(crate) fn ends(&mut self, code: Code) {
        self.code = code;
    }

    pub(crate) fn method(&self) -> &str {
        &self.meter.method
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.meter.record(self.code, self.begin);
    }
}
