//! The log holds its promises for many seeds, and the same checks notice planted bugs.

use fail::FailScenario;
use sim::{Counts, Half, Outcome, run};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds that every `cargo test` runs; `cargo xtask sim` runs more.
const SEEDS: u64 = 100;
/// A run of the queues does more, and takes longer.
const QUEUE_SEEDS: u64 = 40;
/// A planted bug must be noticed within so many seeds.
const SEEDS_TO_NOTICE: u64 = 100;

/// Seeds that found a bug once, and what it was.
const ONCE_BROKEN: &[(Half, u64, &str)] = &[
    (
        Half::Queues,
        1440,
        "the head of a level was never read while lower levels filled their queue's memory",
    ),
    (Half::Queues, 1583, "the same"),
    (
        Half::Queues,
        895,
        "a rejection was said to be durable while the queue that the message goes to was being opened",
    ),
    (
        Half::Queues,
        1034,
        "a queue whose deletion was not durable had lost what was ready in it",
    ),
    (
        Half::Log,
        909,
        "what was refused for want of space by a process that died was missed",
    ),
];

/// Runs seeds on all cores until one of them breaks a promise.
fn run_seeds(seeds: u64, half: Half) -> Vec<Outcome> {
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
                    let outcome = run(seed, half);
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

fn check(outcome: &Outcome) {
    if let Some(violation) = &outcome.violation {
        let (half, seed, events) = (outcome.half.name(), outcome.seed, outcome.lines.join("\n"));
        panic!(
            "seed {seed}: {violation}\n{events}\nreplay: cargo xtask sim --half {half} --seed {seed}"
        );
    }
}

#[test]
fn every_promise_holds_for_every_seed_and_nothing_is_left_out() {
    let _scenario = FailScenario::setup();
    let mut sum = Counts::default();
    for (half, seeds) in [(Half::Log, SEEDS), (Half::Queues, QUEUE_SEEDS)] {
        let outcomes = run_seeds(seeds, half);
        outcomes.iter().for_each(check);
        outcomes.iter().for_each(|outcome| sum.add(&outcome.counts));
    }
    for (what, count) in sum.named() {
        assert!(count > 0, "{what} never happened: {sum:?}");
    }
}

#[test]
fn what_broke_a_promise_once_does_not_any_more() {
    let _scenario = FailScenario::setup();
    for (half, seed, _) in ONCE_BROKEN {
        check(&run(*seed, *half));
    }
}

#[test]
fn a_seed_replays_exactly() {
    let _scenario = FailScenario::setup();
    for half in Half::ALL {
        for seed in 0..5 {
            let (first, second) = (run(seed, half), run(seed, half));
            assert_eq!(
                (first.hash, first.events, first.lines),
                (second.hash, second.events, second.lines),
                "seed {seed} of {}",
                half.name()
            );
        }
        assert_ne!(run(1, half).hash, run(2, half).hash);
    }
}

/// Switches a planted bug on and expects the checks to notice it.
#[expect(clippy::print_stdout, reason = "the seed is kept with the run")]
fn check_planted(failpoint: &str, half: Half) {
    let scenario = FailScenario::setup();
    fail::cfg(failpoint, "return").expect("a failpoint that exists");
    let caught = (0..SEEDS_TO_NOTICE).find_map(|seed| {
        let violation = run(seed, half).violation?;
        Some((seed, violation))
    });
    scenario.teardown();
    let (seed, violation) = caught
        .unwrap_or_else(|| panic!("{failpoint} was not noticed within {SEEDS_TO_NOTICE} seeds"));
    println!("{failpoint}: caught with seed {seed}: {violation}");
}

#[test]
fn a_skipped_sync_is_noticed() {
    check_planted("wal-sync-skipped", Half::Log);
}

#[test]
fn an_ack_before_the_sync_is_noticed() {
    check_planted("ack-before-sync", Half::Log);
}

#[test]
fn missing_deduplication_is_noticed() {
    check_planted("deduplication-off", Half::Log);
}

#[test]
fn a_settlement_that_is_not_replayed_is_noticed() {
    check_planted("settlement-not-replayed", Half::Log);
}

#[test]
fn a_file_that_goes_too_early_is_noticed() {
    check_planted("one-settled-is-all-settled", Half::Log);
}

#[test]
fn a_moved_message_that_is_lost_is_noticed() {
    check_planted("move-not-replayed", Half::Log);
}

#[test]
fn what_nobody_settled_and_is_lost_is_noticed() {
    check_planted("amqp-redelivery-off", Half::Queues);
}

#[test]
fn a_confirm_before_the_sync_is_noticed() {
    check_planted("amqp-confirm-before-sync", Half::Queues);
}

#[test]
fn a_dead_letter_that_moves_in_two_commits_is_noticed() {
    check_planted("amqp-dead-letter-split", Half::Queues);
}

#[test]
fn a_dead_letter_that_is_taken_twice_is_noticed() {
    check_planted("amqp-outbox-dedup-off", Half::Queues);
}
