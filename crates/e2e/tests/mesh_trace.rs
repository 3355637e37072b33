//! One trace from the gateway to the index, and metrics and logs of every role.

use segue_e2e::{
    cli::Cli,
    music,
    otlp::{OtlpReceiver, SpanSeen},
    solo::Solo,
};
use std::{collections::BTreeSet, time::Duration};

/// What an upload causes, by names of spans.
const WAY: [&str; 7] = ["call", "grpc", "commit", "relay", "encode", "blob.put", "index_apply"];

#[test]
fn an_upload_is_one_trace_from_the_gateway_to_the_index() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = runtime.block_on(OtlpReceiver::start()).unwrap();
    let more = format!("[telemetry]\notlp_endpoint = {:?}\notlp_metrics_ms = 500\n", receiver.endpoint());
    let Some(solo) = Solo::start(&more) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tone.wav");
    music::sine(100_000, 44_100, &file);
    let user = Cli::signed_in(&solo);
    assert_eq!(user.upload(&[&file])[0]["state"], "READY");
    let whole = |spans: &[SpanSeen]| {
        let encode = spans.iter().find(|s| s.name == "encode")?;
        let names: BTreeSet<&str> =
            spans.iter().filter(|s| s.trace_id == encode.trace_id).map(|s| s.name.as_str()).collect();
        WAY.iter().all(|name| names.contains(name)).then_some(())
    };
    let found = runtime.block_on(receiver.wait_for(Duration::from_secs(30), whole));
    let seen: BTreeSet<(String, String)> =
        receiver.spans().into_iter().map(|s| (s.trace_id, s.name)).collect();
    assert!(found.is_some(), "no trace has all of {WAY:?}: {seen:?}");
    let metrics = receiver.metrics();
    for name in ["segue_rpc_total", "segue_cdc_published_total"] {
        assert!(metrics.contains_key(name), "{name} in {metrics:?}");
    }
    assert!(receiver.logs() > 0, "log records came");
}
