//! What a process, or a process and all that it started, has used, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// Clock ticks per second of `/proc/PID/stat`: USER_HZ is part of Linux's ABI.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time and memory of one process, all of its threads together, those that ended included, and its
/// children that ended.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// Resident memory now.
    pub(crate) resident_bytes: u64,
    /// The most that was ever resident (VmHWM).
    pub(crate) peak_bytes: u64,
    /// Bytes that reached the block layer (`write_bytes` of `/proc/PID/io`).
    pub(crate) written_bytes: u64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Result<Usage> {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}"))
                .with_context(|| format!("/proc/{pid}/{file}"))
        };
        let stat = read("stat")?;
        let status = read("status")?;
        let io = read("io")?;
        // The second field is the program's name in parentheses and may hold blanks; fields count from there.
        let after_name = stat.rsplit_once(')').context("stat has no program name")?.1;
        let field = |number: usize| -> Result<u64> {
            let text = after_name
                .split_whitespace()
                .nth(number - 3)
                .context("stat is short")?;
            text.parse().context("stat")
        };
        Ok(Usage {
            // With the children that ended and were waited for.
            user: ticks(field(14)? + field(16)?),
            system: ticks(field(15)? + field(17)?),
            resident_bytes: keyed(&status, "VmRSS:")? * 1024,
            peak_bytes: keyed(&status, "VmHWM:")? * 1024,
            written_bytes: keyed(&io, "write_bytes:")?,
        })
    }

    /// A process and everything below it: what runs now, and, in processor time, what ended and was waited for.
    pub(crate) fn of_tree(pid: u32) -> Result<Usage> {
        let mut total = Usage::of(pid)?;
        for descendant in descendants(pid)? {
            // A helper may end between the listing and the reading; its parent then answers for it.
            if let Ok(usage) = Usage::of(descendant) {
                total.user += usage.user;
                total.system += usage.system;
                total.resident_bytes += usage.resident_bytes;
                total.peak_bytes += usage.peak_bytes;
                total.written_bytes += usage.written_bytes;
            }
        }
        Ok(total)
    }

    /// Memory of a process and everything below it, where a page that several share counts once: the sum of what
    /// `/proc/PID/smaps_rollup` calls Pss.
    pub(crate) fn proportional_bytes(pid: u32) -> Result<u64> {
        let of = |pid: u32| -> Result<u64> {
            let file = format!("/proc/{pid}/smaps_rollup");
            let text = fs::read_to_string(&file).with_context(|| file.clone())?;
            Ok(keyed(&text, "Pss:")? * 1024)
        };
        let mut total = of(pid)?;
        for descendant in descendants(pid)? {
            // A process may end between the listing and the reading.
            total += of(descendant).unwrap_or(0);
        }
        Ok(total)
    }

    /// Files and sockets that a process and everything below it have open.
    pub(crate) fn open_files(pid: u32) -> Result<u64> {
        let of = |pid: u32| -> Result<u64> {
            let folder = format!("/proc/{pid}/fd");
            let entries = fs::read_dir(&folder).with_context(|| folder.clone())?;
            Ok(u64::try_from(entries.count())?)
        };
        let mut total = of(pid)?;
        for descendant in descendants(pid)? {
            // A process may end between the listing and the reading.
            total += of(descendant).unwrap_or(0);
        }
        Ok(total)
    }

    /// The harness's own process.
    pub(crate) fn own() -> Result<Usage> {
        Usage::of(std::process::id())
    }

    /// User and system time together.
    pub(crate) fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

impl Sub for Usage {
    type Output = Duration;

    /// Processor time between two readings.
    fn sub(self, earlier: Usage) -> Duration {
        self.cpu().saturating_sub(earlier.cpu())
    }
}

/// Every process that `pid` started, directly or not.
fn descendants(pid: u32) -> Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else {
            continue;
        };
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        let own = children.remove(&parent).unwrap_or_default();
        found.extend_from_slice(&own);
        open.extend(own);
    }
    Ok(found)
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1000 / TICKS_PER_SECOND)
}

fn keyed(text: &str, key: &str) -> Result<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .with_context(|| format!("no {key}"))?;
    line.split_whitespace()
        .next()
        .context("no number")?
        .parse()
        .context("not a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_usage_is_read() {
        let usage = Usage::own().unwrap();
        assert!(usage.resident_bytes > 0);
        assert!(usage.peak_bytes >= usage.resident_bytes);
    }

    #[test]
    fn children_count() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let tree = Usage::of_tree(std::process::id());
        let listed = descendants(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(listed.unwrap().contains(&child.id()));
        assert!(tree.unwrap().peak_bytes > 0);
    }
}
