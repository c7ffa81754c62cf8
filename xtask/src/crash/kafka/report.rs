//! What a run came to: on the terminal, and in `bench/results/crash.json`.

use anyhow::Result;
use serde::Serialize;

use crate::results::{self, Provenance};

/// Figures of a run. It is written only when every promise was kept.
#[derive(Default)]
pub(super) struct Report {
    /// Records that the server owed an answer, at each kill that counts.
    pub(super) in_flight: Vec<u64>,
    /// Kills that do not count for want of load.
    pub(super) gentle: usize,
    /// From the start of the process to the first answered request, after each kill.
    pub(super) start_ms: Vec<f64>,
    pub(super) records_acked: u64,
    pub(super) records_stored: u64,
    pub(super) idempotent_records: u64,
    pub(super) commits_acked: i64,
}

#[derive(Serialize)]
struct Crash {
    provenance: Provenance,
    kills: usize,
    kills_not_counted: usize,
    in_flight_min: u64,
    in_flight_median: u64,
    in_flight_max: u64,
    in_flight: Vec<u64>,
    start_after_kill_median_ms: f64,
    start_after_kill_max_ms: f64,
    records_acknowledged: u64,
    records_stored: u64,
    idempotent_records: u64,
    commits_acknowledged: i64,
    promises_held: [&'static str; 4],
}

impl Report {
    pub(super) fn note_kill(&mut self, in_flight: u64, least: u64) {
        if in_flight < least {
            self.gentle += 1;
        } else {
            self.in_flight.push(in_flight);
        }
    }

    pub(super) fn finish(mut self, provenance: Provenance) -> Result<()> {
        let in_flight = self.in_flight.clone();
        self.in_flight.sort_unstable();
        self.start_ms.sort_unstable_by(f64::total_cmp);
        let middle = |values: &[u64]| values.get(values.len() / 2).copied().unwrap_or(0);
        let crash = Crash {
            provenance,
            kills: in_flight.len(),
            kills_not_counted: self.gentle,
            in_flight_min: self.in_flight.first().copied().unwrap_or(0),
            in_flight_median: middle(&self.in_flight),
            in_flight_max: self.in_flight.last().copied().unwrap_or(0),
            in_flight,
            start_after_kill_median_ms: self
                .start_ms
                .get(self.start_ms.len() / 2)
                .copied()
                .unwrap_or(0.0),
            start_after_kill_max_ms: self.start_ms.last().copied().unwrap_or(0.0),
            records_acknowledged: self.records_acked,
            records_stored: self.records_stored,
            idempotent_records: self.idempotent_records,
            commits_acknowledged: self.commits_acked,
            promises_held: ["K1", "K2", "K3", "K5"],
        };
        println!(
            "{} kills ({} more with too little in flight); records in flight: least {}, median {}, most {}",
            crash.kills,
            crash.kills_not_counted,
            crash.in_flight_min,
            crash.in_flight_median,
            crash.in_flight_max
        );
        println!(
            "serving again: median {:.0} ms, longest {:.0} ms",
            crash.start_after_kill_median_ms, crash.start_after_kill_max_ms
        );
        println!(
            "{} records acknowledged, {} stored, {} of them idempotent, {} commits: K1, K2, K3 and K5 hold",
            crash.records_acknowledged,
            crash.records_stored,
            crash.idempotent_records,
            crash.commits_acknowledged
        );
        results::write("crash", &crash)
    }
}
