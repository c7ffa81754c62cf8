//! Runs the simulation for many seeds, or for one again (`cargo xtask sim`).
#![expect(clippy::print_stdout, reason = "its output is for whoever started it")]

use clap::Parser;
use sim::{Counts, Half, Outcome, run};
use std::ops::ControlFlow;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs the commit log over a simulated disk, clock and scheduler, and checks its promises.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs this seed only, twice, and prints its last events.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs only those who use the log directly (log), or only the broker's queues (queues).
    #[arg(long)]
    half: Option<String>,
    /// Switches a planted bug on, to see that it is noticed: wal-sync-skipped, ack-before-sync,
    /// deduplication-off, settlement-not-replayed, one-settled-is-all-settled, move-not-replayed,
    /// amqp-redelivery-off, amqp-confirm-before-sync, amqp-dead-letter-split or
    /// amqp-outbox-dedup-off.
    #[arg(long)]
    plant: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _scenario = fail::FailScenario::setup();
    if let Some(bug) = &arguments.plant
        && let Err(error) = fail::cfg(bug, "return")
    {
        println!("{bug}: {error}");
        return ExitCode::FAILURE;
    }
    let wanted = |half: &Half| {
        arguments
            .half
            .as_ref()
            .is_none_or(|name| name == half.name())
    };
    let halves: Vec<_> = Half::ALL.into_iter().filter(wanted).collect();
    match arguments.seed {
        Some(seed) => {
            let replays = halves.into_iter().map(|half| replay(seed, half));
            let failed = replays.fold(false, |failed, exit| failed | (exit != ExitCode::SUCCESS));
            if failed {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        None => explore(arguments.from, arguments.seeds, &halves),
    }
}

fn replay(seed: u64, half: Half) -> ExitCode {
    let (outcome, again) = (run(seed, half), run(seed, half));
    outcome.lines.iter().for_each(|line| println!("{line}"));
    println!(
        "seed {seed} ({}): {} events, hash {:016x}",
        half.name(),
        outcome.events,
        outcome.hash
    );
    if outcome.hash != again.hash {
        println!(
            "the second run differs: hash {:016x}; something does not follow from the seed",
            again.hash
        );
        return ExitCode::FAILURE;
    }
    report(&outcome)
}

fn report(outcome: &Outcome) -> ExitCode {
    match &outcome.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!(
                "seed {} broke a promise at commit {}\n  {violation}\n  replay: cargo xtask sim --half {} --seed {}",
                outcome.seed,
                commit(),
                outcome.half.name(),
                outcome.seed
            );
            ExitCode::FAILURE
        }
    }
}

/// The commit that is checked out, with a mark where files differ from it.
fn commit() -> String {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .output();
    described.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn explore(from: u64, seeds: u64, halves: &[Half]) -> ExitCode {
    let next = AtomicU64::new(from);
    let summary = Mutex::new((Counts::default(), 0_u64, 0_u64, ExitCode::SUCCESS));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let one = || {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= from + seeds {
            return ControlFlow::Break(());
        }
        for half in halves {
            let outcome = run(seed, *half);
            let Ok(mut summary) = summary.lock() else {
                return ControlFlow::Break(());
            };
            summary.0.add(&outcome.counts);
            if outcome.violation.is_some() {
                summary.2 += 1;
                summary.3 = report(&outcome);
            }
        }
        if let Ok(mut summary) = summary.lock() {
            summary.1 += 1;
        }
        ControlFlow::Continue(())
    };
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| while one().is_continue() {});
        }
    });
    let Ok((counts, done, broken, exit)) = summary.into_inner() else {
        return ExitCode::FAILURE;
    };
    for (what, count) in counts.named() {
        println!("{count:>12} {what}");
    }
    println!(
        "{done} seeds from {from} on at commit {}, {broken} broke a promise",
        commit()
    );
    exit
}
