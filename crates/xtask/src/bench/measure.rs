//! Wall time, CPU time and memory of processes, read from /proc.

use anyhow::Context;
use std::{
    fs,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// Linux reports CPU time to user space in hundredths of a second on every architecture (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;
const POLL: Duration = Duration::from_millis(4);

/// What some processes that ran at the same time took together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    /// Highest sum of their resident memories that was seen; looked at every 4 ms.
    pub(super) peak_mb: f64,
}

/// Starts all, waits for all.
///
/// # Errors
/// When one does not start or fails.
pub(super) fn together(commands: &mut [Command]) -> anyhow::Result<Cost> {
    let start = Instant::now();
    let mut running = Vec::new();
    for command in commands.iter_mut() {
        running.push(
            command.spawn().with_context(|| format!("{} does not start", crate::process::line(command)))?,
        );
    }
    let mut ends: Vec<Option<(f64, f64)>> = vec![None; running.len()];
    let mut peak_kb = 0;
    while ends.iter().any(Option::is_none) {
        let mut sum_kb = 0;
        for (child, end) in running.iter().zip(&mut ends) {
            if end.is_none() {
                sum_kb +=
                    if commands.len() == 1 { memory_kb(child, "VmHWM:") } else { memory_kb(child, "VmRSS:") };
                let stat = Stat::read(child.id())?;
                if stat.ended {
                    *end = Some((start.elapsed().as_secs_f64(), stat.cpu_s));
                }
            }
        }
        peak_kb = peak_kb.max(sum_kb);
        thread::sleep(POLL);
    }
    for (child, command) in running.iter_mut().zip(commands.iter()) {
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "{} ended with {status}", crate::process::line(command));
    }
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    Ok(Cost {
        wall_s: ends.iter().map(|(wall, _)| *wall).fold(0.0, f64::max),
        cpu_s: ends.iter().map(|(_, cpu)| cpu).sum(),
        peak_mb: megabytes(peak_kb),
    })
}

/// The resident memory of a process and all its descendants now.
pub(super) fn resident_mb(process: u32) -> Vec<(u32, String, f64)> {
    let mut family = vec![process];
    let mut next = 0;
    let parents: Vec<(u32, u32)> =
        all_processes().filter_map(|id| Some((id, Stat::read(id).ok()?.parent))).collect();
    while next < family.len() {
        let of = family[next];
        family.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| *id));
        next += 1;
    }
    let name = |id| fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default().trim().to_owned();
    family.into_iter().map(|id| (id, name(id), megabytes(memory_of(id, "VmRSS:")))).collect()
}

fn all_processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
}

fn memory_kb(child: &Child, field: &str) -> u64 {
    memory_of(child.id(), field)
}

/// 0 when the process has ended.
fn memory_of(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn megabytes(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

/// From /proc/PID/stat (proc(5)); still there, with all CPU time, between a process's end and its parent's wait.
struct Stat {
    ended: bool,
    parent: u32,
    cpu_s: f64,
}

impl Stat {
    fn read(process: u32) -> anyhow::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
        Self::parse(&text).context("/proc/PID/stat has another form than expected")
    }

    fn parse(text: &str) -> Option<Self> {
        // The name, in brackets, may hold anything, so fields are counted from its end.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            ended: ["Z", "X"].contains(fields.first()?),
            parent: fields.get(1)?.parse().ok()?,
            cpu_s: (number(11)? + number(12)?) as f64 / TICKS_PER_SECOND,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stat_line_with_an_odd_name() {
        let line = "42 (a ) b) Z 7 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 100 0 0";
        let stat = Stat::parse(line).expect("it can be read");
        assert!(stat.ended);
        assert_eq!((stat.parent, stat.cpu_s), (7, 2.0));
    }

    #[test]
    fn measures_processes_that_run_together() {
        let mut sleepers = [(); 2].map(|()| {
            let mut command = Command::new("sleep");
            command.arg("0.2");
            command
        });
        let cost = together(&mut sleepers).expect("they run");
        assert!((0.2..2.0).contains(&cost.wall_s), "{cost:?}");
        assert!(cost.cpu_s < 0.2 && cost.peak_mb > 0.0, "{cost:?}");
    }
}
