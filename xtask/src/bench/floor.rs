//! The least that durable writing can cost here: one thread, no network, append a group, fdatasync, again.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::fresh_data;
use super::load::percentile;
use super::records::FloorRun;
use super::workload::VALUE_BYTES;
use crate::server::Usage;

/// What 64 writers of one record each come to in one sync.
const GROUP_BYTES: usize = 64 * 1024;

const TIME: Duration = Duration::from_secs(5);

/// A file is as long as a WAL file and then begun anew, so that each pays for growing it.
const FILE_BYTES_MAX: u64 = 128 * 1024 * 1024;

pub(super) fn show() -> Result<()> {
    let floor = measure()?;
    println!(
        "append {} KiB + fdatasync: {:.0} records/s of 1 KiB, {:.2} us CPU per record, sync p50 {:.2} ms, p99 {:.2} ms",
        floor.group_bytes / 1024,
        floor.records_per_second,
        floor.cpu_us_per_record,
        floor.sync_p50_ms,
        floor.sync_p99_ms
    );
    Ok(())
}

pub(super) fn measure() -> Result<FloorRun> {
    let folder = fresh_data("floor")?;
    let group = vec![b'x'; GROUP_BYTES];
    let mut latencies = Vec::new();
    let before = Usage::own()?;
    let started = Instant::now();
    let mut file = File::create(folder.join("wal"))?;
    let mut length = 0;
    while started.elapsed() < TIME {
        if length >= FILE_BYTES_MAX {
            file = File::create(folder.join("wal"))?;
            length = 0;
        }
        let group_started = Instant::now();
        file.write_all(&group)?;
        file.sync_data()?;
        latencies.push(u32::try_from(group_started.elapsed().as_micros())?);
        length += u64::try_from(GROUP_BYTES)?;
    }
    let elapsed = started.elapsed();
    let cpu = Usage::own()? - before;
    std::fs::remove_dir_all(folder)?;
    let records = f64::from(u32::try_from(
        latencies.len() * (GROUP_BYTES / VALUE_BYTES),
    )?);
    latencies.sort_unstable();
    let at = |share| percentile(&latencies, share).map_or(0.0, |micros| f64::from(micros) / 1000.0);
    Ok(FloorRun {
        group_bytes: u64::try_from(GROUP_BYTES)?,
        records_per_second: records / elapsed.as_secs_f64(),
        cpu_us_per_record: cpu.as_secs_f64() * 1e6 / records,
        sync_p50_ms: at(0.5),
        sync_p99_ms: at(0.99),
    })
}
