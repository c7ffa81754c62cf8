//! Limits of the process: descriptors, and what it uses.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Share of the descriptors that connections may take; the rest is for files and for operators.
const CONNECTIONS_PERCENT: u64 = 80;

/// Raises the limit of descriptors as far as the system lets us and returns how many connections fit.
pub(crate) fn connections_max() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Without the permission the old limit stays, and is used.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        );
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors / 100 * CONNECTIONS_PERCENT)
        .unwrap_or(usize::MAX)
        .max(1)
}

/// Resident memory in bytes and processor time in seconds, as the kernel counts them.
pub(crate) fn usage() -> Option<(u64, f64)> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The command's name is in parentheses and may hold anything; the fields follow it.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "a sum of seconds for people")]
    let seconds = ticks as f64 / ticks_per_second as f64;
    Some((pages * rustix::param::page_size() as u64, seconds))
}
