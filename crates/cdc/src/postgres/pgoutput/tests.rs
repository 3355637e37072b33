//! Messages that a PostgreSQL 15 server sent.

use super::{Decoder, Malformed};
use bytes::Bytes;
use segue_domain::Timestamp;
use segue_store::Outbox;

const RELATION: &str = "52000040077075626c6963006f7574626f78006400080173686172645f6b65790000000019ffffffff01737562\
    6a6563740000000019ffffffff0173657175656e63650000000014ffffffff006576656e745f69640000000019ffffffff0074797065000000\
    0019ffffffff007061796c6f61640000000011ffffffff007472616365706172656e740000000019ffffffff00637265617465645f61740000\
    000014ffffffff";
const WITHOUT_TRACE: &str = "49000040074e000862000000016b620000000173620000000800000000000000076200000003652d3162000000\
    0d736f6e672e72656164792e7631620000000300ff106e62000000080000018bcfe5687b";
const WITH_TRACE: &str = "49000040074e000862000000016b6200000002c3bc620000000800000000000000086200000003652d3262000000\
    0d736f6e672e72656164792e76316200000000620000000930302d312d322d303162000000080000018bcfe5687c";

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A decoder that heard of the table.
fn decoder() -> Decoder {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.decode(bytes(RELATION)), Ok(None));
    decoder
}

#[test]
fn reads_inserted_rows() {
    let mut decoder = decoder();
    let fact = decoder.decode(bytes(WITHOUT_TRACE)).unwrap().unwrap();
    assert_eq!((fact.outbox, fact.created_at), (Outbox::Main, Timestamp(1_700_000_000_123)));
    assert_eq!((fact.message.key.as_str(), fact.message.id.as_str()), ("s", "e-1"));
    assert_eq!(
        (fact.message.topic.as_str(), &fact.message.payload[..]),
        ("song.ready.v1", &[0, 255, 16][..])
    );
    assert_eq!(fact.message.traceparent, None);
    let fact = decoder.decode(bytes(WITH_TRACE)).unwrap().unwrap();
    assert_eq!((fact.message.key.as_str(), fact.message.payload.len()), ("ü", 0));
    assert_eq!(fact.message.traceparent.as_deref(), Some("00-1-2-01"));
}

#[test]
fn refuses_a_message_that_was_cut_or_prolonged_at_any_place() {
    for message in [RELATION, WITHOUT_TRACE, WITH_TRACE] {
        let whole = bytes(message);
        for length in 0..whole.len() {
            assert!(decoder().decode(whole.slice(..length)).is_err(), "cut at {length}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(decoder().decode(longer.into()), Err(Malformed::Trailing(1)));
    }
}

#[test]
fn never_panics_over_flipped_bytes() {
    for message in [RELATION, WITHOUT_TRACE, WITH_TRACE] {
        let whole = bytes(message);
        for (at, mask) in (0..whole.len()).flat_map(|at| [0x01, 0x80, 0xff].map(|mask| (at, mask))) {
            let mut flipped = whole.to_vec();
            flipped[at] ^= mask;
            let _ = decoder().decode(flipped.into());
        }
    }
}

#[test]
fn refuses_rows_of_a_table_that_was_not_announced() {
    assert_eq!(Decoder::default().decode(bytes(WITHOUT_TRACE)), Err(Malformed::UnknownRelation(0x4007)));
}

#[test]
fn refuses_an_outbox_whose_columns_have_other_types_or_names() {
    let renamed = RELATION.replace("7061796c6f6164", "7061796c6f6165");
    let expected = Malformed::Column { table: "outbox", column: "payload" };
    assert_eq!(Decoder::default().decode(bytes(&renamed)), Err(expected));
    let mut raw = bytes(RELATION).to_vec();
    // The type of the last column, before its modifier.
    let at = raw.len() - 5;
    raw[at] = 23;
    let expected = Malformed::Column { table: "outbox", column: "created_at" };
    assert_eq!(Decoder::default().decode(raw.into()), Err(expected));
}

#[test]
fn ignores_tables_that_are_no_outbox_and_changes_that_are_no_inserts() {
    let mut decoder = Decoder::default();
    let other = RELATION.replacen("6f7574626f7800", "6f7574626f7900", 1);
    assert_eq!(decoder.decode(bytes(&other)), Ok(None));
    assert_eq!(decoder.decode(bytes(WITHOUT_TRACE)), Ok(None));
    assert_eq!(decoder.decode(bytes("44000040074f")), Ok(None));
    assert_eq!(decoder.decode(bytes("5a")), Err(Malformed::UnknownMessage(b'Z')));
}
