//! Project automation: `cargo xtask <command>`.
//!
//! What a contributor or the gate runs beside `cargo test`: style checks, stock clients and peers'
//! own suites against a running server, and measurements. Results are JSON under `bench/results/`;
//! the pages under `docs/` that show them are generated, never typed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its user on stdout and stderr"
)]

mod amqp_client;
mod balancer;
mod bench;
mod client;
mod command;
mod conformance;
mod crash;
mod docs;
mod faults;
mod http_client;
mod picks;
mod repo;
mod results;
mod server;
mod sim;
mod soak;
mod tidy;
mod upstream;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Project automation.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the style rules that rustfmt and clippy do not know.
    Tidy(tidy::Args),
    /// Run stock clients and peers' own test suites against a server.
    Conformance(conformance::Args),
    /// Measure, and write the results to `bench/results/`.
    Bench(bench::Args),
    /// Kill the server again and again under load, and check what it kept.
    Crash(crash::Args),
    /// Run the simulation of the commit log for many seeds, or for one again.
    Sim(sim::Args),
    /// Break what stands behind a balancer, or reload it, under load: no idempotent request may fail.
    Faults(faults::Args),
    /// Keep a balancer under load and trouble for long: no idempotent request may fail, and nothing may grow.
    Soak(soak::Args),
    /// Serve as an upstream server of a balancer; the other commands start it.
    #[command(hide = true)]
    Upstream(upstream::Args),
    /// Compare the balancer's choices with a real nginx's, choice by choice.
    Picks(picks::Args),
    /// Write the pages under `docs/` that show results.
    Docs,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Tidy(args) => tidy::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Crash(args) => crash::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Faults(args) => faults::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Upstream(args) => upstream::run(&args),
        Command::Picks(args) => picks::run(&args),
        Command::Docs => docs::write(),
    }
}
