//! What a run came to: on the terminal, and in `bench/results/crash-amqp.json`.

use anyhow::Result;
use serde::Serialize;

use super::ledger::{Promises, SETTLED_AFTER};
use super::verdict::Found;
use crate::results::{self, Provenance};

/// Figures of a run. It is written only when every promise was kept.
#[derive(Default)]
pub(super) struct Report {
    /// At each kill that counts: messages that were published and never answered, and messages that were delivered
    /// and not answered, or answered so late that nobody can know whether the answer was stored.
    pub(super) in_flight: Vec<(u64, u64)>,
    /// Kills that do not count for want of load.
    pub(super) gentle: usize,
    /// From the start of the process to the answered protocol header, after each kill.
    pub(super) start_ms: Vec<f64>,
    pub(super) deliveries: u64,
    pub(super) redeliveries: u64,
}

#[derive(Serialize)]
struct Crash {
    provenance: Provenance,
    kills: usize,
    kills_not_counted: usize,
    publishes_in_flight_median: u64,
    publishes_in_flight_max: u64,
    deliveries_in_flight_median: u64,
    deliveries_in_flight_max: u64,
    in_flight: Vec<(u64, u64)>,
    start_after_kill_median_ms: f64,
    start_after_kill_max_ms: f64,
    messages_confirmed: u64,
    messages_refused: u64,
    messages_unanswered: u64,
    messages_unanswered_found: u64,
    messages_dead_lettered: u64,
    dead_letters_lost: u64,
    deliveries: u64,
    redeliveries_checked: u64,
    /// An acknowledgement outside of a transaction counts as durable when it left this long before a kill.
    settled_after_seconds: u64,
    promises_held: Vec<&'static str>,
}

/// What was checked and would have failed the run.
fn held(promises: Promises) -> Vec<&'static str> {
    let mut held = vec![
        "A1",
        "A2",
        "order per queue and publisher",
        "no message is invented",
    ];
    held.push(if promises.durable_commits {
        "A3"
    } else {
        "A3, outside of transactions"
    });
    if promises.safe_dead_letters {
        held.push("a dead-lettered message is in exactly one of source and target");
    }
    held
}

impl Report {
    pub(super) fn note_kill(&mut self, in_flight: (u64, u64), least: u64) {
        if in_flight.0 < least || in_flight.1 < least {
            self.gentle += 1;
        } else {
            self.in_flight.push(in_flight);
        }
    }

    pub(super) fn finish(
        mut self,
        provenance: Provenance,
        found: &Found,
        promises: Promises,
        file: &str,
    ) -> Result<()> {
        self.start_ms.sort_unstable_by(f64::total_cmp);
        let sorted = |part: fn(&(u64, u64)) -> u64| {
            let mut values: Vec<u64> = self.in_flight.iter().map(part).collect();
            values.sort_unstable();
            let middle = values.get(values.len() / 2).copied().unwrap_or(0);
            (middle, values.last().copied().unwrap_or(0))
        };
        let (publishes, deliveries) = (sorted(|one| one.0), sorted(|one| one.1));
        let middle = self.start_ms.get(self.start_ms.len() / 2);
        let crash = Crash {
            provenance,
            kills: self.in_flight.len(),
            kills_not_counted: self.gentle,
            publishes_in_flight_median: publishes.0,
            publishes_in_flight_max: publishes.1,
            deliveries_in_flight_median: deliveries.0,
            deliveries_in_flight_max: deliveries.1,
            start_after_kill_median_ms: middle.copied().unwrap_or(0.0),
            start_after_kill_max_ms: self.start_ms.last().copied().unwrap_or(0.0),
            in_flight: self.in_flight,
            messages_confirmed: found.confirmed,
            messages_refused: found.refused,
            messages_unanswered: found.unanswered,
            messages_unanswered_found: found.unanswered_found,
            messages_dead_lettered: found.dead_lettered,
            dead_letters_lost: found.dead_letters_lost,
            deliveries: self.deliveries,
            redeliveries_checked: self.redeliveries,
            settled_after_seconds: SETTLED_AFTER.as_secs(),
            promises_held: held(promises),
        };
        print(&crash, found);
        results::write(file, &crash)
    }
}

fn print(crash: &Crash, found: &Found) {
    println!(
        "{} kills ({} more with too little in flight); publishes in flight: median {}, most {}; deliveries in flight: median {}, most {}",
        crash.kills,
        crash.kills_not_counted,
        crash.publishes_in_flight_median,
        crash.publishes_in_flight_max,
        crash.deliveries_in_flight_median,
        crash.deliveries_in_flight_max
    );
    println!(
        "serving again: median {:.0} ms, longest {:.0} ms",
        crash.start_after_kill_median_ms, crash.start_after_kill_max_ms
    );
    println!(
        "{} messages confirmed, {} refused, {} without an answer ({} of them found), {} dead-lettered ({} lost), {} deliveries, {} redeliveries",
        found.confirmed,
        found.refused,
        found.unanswered,
        found.unanswered_found,
        found.dead_lettered,
        found.dead_letters_lost,
        crash.deliveries,
        crash.redeliveries_checked
    );
}
