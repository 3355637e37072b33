//! Who may call what: every method of every contract by every kind of caller, on real objects, through the public door.
//!
//! Methods come from the descriptor set: one that `table.txt` says nothing of fails the test, and so does a line about a
//! method that is gone.

mod call;
mod callers;
mod requests;
mod stage;

use callers::Caller;
use segue_proto::policy::v1::Access;
use stage::Stage;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("table.txt");

/// One line of the table: a method on one kind of object.
#[derive(Debug)]
struct Row {
    /// `SongService/GetSong`.
    method: String,
    /// `private`; tells the lines of a method apart.
    object: String,
    /// By caller, in the order of [`Caller::LIVE`].
    codes: Vec<String>,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let row = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, object) = (words.next().unwrap(), words.next().unwrap());
        let codes: Vec<String> = words.collect();
        assert_eq!(codes.len(), Caller::LIVE.len(), "{line}");
        Row { method, object, codes }
    };
    lines.map(row).collect()
}

#[test]
fn the_table_has_every_method_and_no_other() {
    let contracts: BTreeMap<String, call::Method> = call::methods();
    let named: BTreeSet<String> = rows().into_iter().map(|row| row.method).collect();
    let missing: Vec<&String> = contracts.keys().filter(|m| !named.contains(*m)).collect();
    assert!(missing.is_empty(), "say in table.txt who may call {missing:?}");
    let gone: Vec<&String> = named.iter().filter(|m| !contracts.contains_key(*m)).collect();
    assert!(gone.is_empty(), "no contract has {gone:?}");
    for row in rows() {
        // What only roles may call is not there for anybody outside, whoever they are.
        let service = contracts[&row.method].access == Access::Service;
        assert_eq!(service, row.codes.iter().all(|code| code == "unknown"), "{row:?}");
    }
}

#[test]
fn every_method_answers_every_caller_as_the_table_says() {
    let world = stage::world();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stage = runtime.block_on(Stage::set(&world));
    let contracts = call::methods();
    let mut wrong = Vec::new();
    for row in rows() {
        let method = &contracts[&row.method];
        for caller in Caller::ALL {
            let expected = match (method.access, Caller::LIVE.iter().position(|live| *live == caller)) {
                (_, Some(at)) => row.codes[at].as_str(),
                (Access::Service, None) => "unknown",
                // Tokens that are good no more are refused before anything else is looked at; a role's token is for inside.
                (_, None) if caller == Caller::Role => "denied",
                (_, None) => "signin",
            };
            let answered = runtime.block_on(async {
                let request = requests::of(&stage, &row.method, &row.object, caller).await;
                call::send(&stage, method, caller, request).await
            });
            if answered.word != expected {
                wrong.push(format!(
                    "{} {} by {caller:?}: {} and not {expected} ({})",
                    row.method, row.object, answered.word, answered.message
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
}
