//! The log holds its promises for many seeds, and the same checks notice planted bugs.

use fail::FailScenario;
use sim::{Counts, Outcome, run};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds that every `cargo test` runs; `cargo xtask sim` runs more.
const SEEDS: u64 = 100;
/// A planted bug must be noticed within so many seeds.
const SEEDS_TO_NOTICE: u64 = 100;

/// Runs seeds on all cores until one of them breaks a promise.
fn run_seeds(seeds: u64) -> Vec<Outcome> {
    let next = AtomicU64::new(0);
    let outcomes = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let outcome = run(seed);
                    if outcome.violation.is_some() {
                        next.store(seeds, Ordering::Relaxed);
                    }
                    outcomes.lock().expect("no panic before").push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().expect("no panic before")
}

#[test]
fn every_promise_holds_for_every_seed_and_nothing_is_left_out() {
    let _scenario = FailScenario::setup();
    let outcomes = run_seeds(SEEDS);
    for outcome in &outcomes {
        if let Some(violation) = &outcome.violation {
            let events = outcome.lines.join("\n");
            panic!(
                "seed {}: {violation}\n{events}\nreplay: cargo xtask sim --seed {}",
                outcome.seed, outcome.seed
            );
        }
    }
    let mut sum = Counts::default();
    outcomes.iter().for_each(|outcome| sum.add(&outcome.counts));
    for (what, count) in sum.named() {
        assert!(count > 0, "{what} never happened in {SEEDS} seeds: {sum:?}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    let _scenario = FailScenario::setup();
    for seed in 0..5 {
        let (first, second) = (run(seed), run(seed));
        assert_eq!(
            (first.hash, first.events, first.lines),
            (second.hash, second.events, second.lines),
            "seed {seed}"
        );
    }
    assert_ne!(run(1).hash, run(2).hash);
}

/// Switches a planted bug on and expects the checks to notice it.
#[expect(clippy::print_stdout, reason = "the seed is kept with the run")]
fn check_planted(failpoint: &str) {
    let scenario = FailScenario::setup();
    fail::cfg(failpoint, "return").expect("a failpoint that exists");
    let caught = (0..SEEDS_TO_NOTICE).find_map(|seed| {
        let violation = run(seed).violation?;
        Some((seed, violation))
    });
    scenario.teardown();
    let (seed, violation) = caught
        .unwrap_or_else(|| panic!("{failpoint} was not noticed within {SEEDS_TO_NOTICE} seeds"));
    println!("{failpoint}: caught with seed {seed}: {violation}");
}

#[test]
fn a_skipped_sync_is_noticed() {
    check_planted("wal-sync-skipped");
}

#[test]
fn an_ack_before_the_sync_is_noticed() {
    check_planted("ack-before-sync");
}

#[test]
fn missing_deduplication_is_noticed() {
    check_planted("deduplication-off");
}

#[test]
fn a_settlement_that_is_not_replayed_is_noticed() {
    check_planted("settlement-not-replayed");
}

#[test]
fn a_file_that_goes_too_early_is_noticed() {
    check_planted("one-settled-is-all-settled");
}

#[test]
fn a_moved_message_that_is_lost_is_noticed() {
    check_planted("move-not-replayed");
}
