//! What a process has used, from `/proc`.

use std::fs;
use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// Clock ticks per second of `/proc/PID/stat`: USER_HZ is part of Linux's ABI.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time and memory of one process, all of its threads together, those that ended included.
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
            user: ticks(field(14)?),
            system: ticks(field(15)?),
            resident_bytes: keyed(&status, "VmRSS:")? * 1024,
            peak_bytes: keyed(&status, "VmHWM:")? * 1024,
            written_bytes: keyed(&io, "write_bytes:")?,
        })
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
}
