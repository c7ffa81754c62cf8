//! Kills the real binary, again and again under load, and then compares what it kept with what it promised.
//!
//! A SIGKILL loses no page cache: what a loss of power does is the simulation's to show (`cargo xtask sim`).

mod amqp;
mod kafka;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::repo;
use crate::server::{Kind, Spec};

/// Arguments of `cargo xtask crash`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Whose promises are tested.
    #[arg(value_enum, default_value = "kafka")]
    face: Face,
    /// How often the server is killed.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// Decides when; a run is not repeated exactly by it, for the machine has a say too.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server under test; RabbitMQ shows that the check of the AMQP promises is a fair one.
    #[arg(long, value_enum, default_value = "mainstay")]
    server: Kind,
    /// A planted bug, to be noticed: `amqp-redelivery-off`, `amqp-confirm-before-sync`, `amqp-dead-letter-split`,
    /// `deduplication-off`. (What loses only unsynced bytes is the simulation's to notice.)
    #[arg(long)]
    failpoint: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Face {
    /// Records, offsets and commits: K1, K2, K3, K5.
    Kafka,
    /// Messages, confirms, acknowledgements and dead letters: A1, A2, A3.
    Amqp,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match args.face {
        Face::Kafka => {
            ensure!(args.server == Kind::Mainstay, "only Mainstay's promises");
            args.judge(kafka::run(args))
        }
        Face::Amqp => {
            ensure!(args.server.speaks_amqp(), "Apache Kafka has no queues");
            args.judge(amqp::run(args))
        }
    }
}

impl Args {
    /// What a face's server is started with.
    fn spec(&self, face: &str) -> Result<Spec> {
        let spec = Spec::new(self.server, fresh_data(face)?)?;
        match &self.failpoint {
            Some(name) => spec.with_planted_bug(name),
            None => Ok(spec),
        }
    }

    /// A run with a planted bug succeeds where the bug is noticed, and writes no result.
    fn judge(&self, outcome: Result<()>) -> Result<()> {
        match (&self.failpoint, outcome) {
            (None, outcome) => outcome,
            (Some(name), Ok(())) => bail!("{name} was not noticed"),
            (Some(name), Err(error)) => {
                println!("{name} was noticed: {error:#}");
                Ok(())
            }
        }
    }
}

/// An empty folder for what a face's server writes.
fn fresh_data(face: &str) -> Result<PathBuf> {
    let data = repo::target().join("crash").join(face);
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    Ok(data.join(format!("crash-{face}")))
}

/// The next number of a sequence that looks random (SplitMix64).
fn throw(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mix(*dice)
}

/// A number that depends on every bit of another.
fn mix(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
