//! When a group is complete: a leader, a synchronous standby, and the logical slot on every node, which Patroni copies
//! by restarting each replica once.

use super::{SLOT, node::Node};
use crate::engines::{
    postgres::{DATABASE, PROGRAMS},
    probe,
};
use anyhow::bail;
use serde::Deserialize;
use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(90);

/// What Patroni answers at `/cluster`.
#[derive(Deserialize)]
struct Group {
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    role: String,
    state: String,
}

/// Waits for it.
///
/// # Errors
/// When it takes more than 90 s.
pub(super) fn wait(nodes: &[Node]) -> anyhow::Result<()> {
    let start = Instant::now();
    while !(is_complete(nodes) && nodes.iter().all(has_slot)) {
        if start.elapsed() > LIMIT {
            let seen = nodes.first().and_then(|node| probe::get(node.rest, "/cluster").ok());
            bail!(
                "the Patroni group is not complete after {} s: {}",
                LIMIT.as_secs(),
                seen.unwrap_or_default()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn is_complete(nodes: &[Node]) -> bool {
    let page = nodes.first().and_then(|node| probe::get(node.rest, "/cluster").ok());
    page.is_some_and(|page| describes_complete_group(&page, nodes.len()))
}

fn describes_complete_group(page: &str, nodes: usize) -> bool {
    let Ok(group) = serde_json::from_str::<Group>(page) else { return false };
    let up = |member: &&Member| ["running", "streaming"].contains(&member.state.as_str());
    let of_role = |role: &str| group.members.iter().filter(up).filter(|member| member.role == role).count();
    of_role("leader") == 1 && of_role("sync_standby") == 1 && group.members.iter().filter(up).count() == nodes
}

fn has_slot(node: &Node) -> bool {
    let mut psql = Command::new(format!("{PROGRAMS}/psql"));
    psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--host=127.0.0.1", "--username=postgres"]);
    psql.args([&format!("--port={}", node.postgres), &format!("--dbname={DATABASE}")]);
    psql.args([
        "--command",
        &format!("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{SLOT}'"),
    ]);
    let done = psql.current_dir("/").stdin(Stdio::null()).stderr(Stdio::null()).output();
    done.is_ok_and(|done| done.stdout.trim_ascii() == b"1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_a_synchronous_standby_is_not_complete() {
        let page = |second: &str, state: &str| {
            format!(
                r#"{{"members":[{{"name":"a","role":"leader","state":"running"}},{{"role":"{second}","state":"streaming"}},{{"role":"replica","state":"{state}"}}]}}"#
            )
        };
        assert!(describes_complete_group(&page("sync_standby", "running"), 3));
        assert!(!describes_complete_group(&page("replica", "running"), 3));
        assert!(!describes_complete_group(&page("sync_standby", "creating replica"), 3));
        assert!(!describes_complete_group("", 3));
    }
}
