//! Kills the real binary, again and again under load, and then compares what it kept with what it promised.
//!
//! Plain producers, idempotent producers and a group that commits keep many requests in flight. At a random
//! moment the server gets a SIGKILL; how many records it then owed an answer is counted after every answer that
//! it still sent has been read. At the end everything is read back and checked:
//!
//! - K1: every acknowledged record is at its acknowledged offset, byte for byte;
//! - K2: what an idempotent producer sent is there once, in order, without a gap;
//! - K3: offsets are dense, producers' order is kept, and no record was ever stored twice;
//! - K5: after every restart no committed offset is below an acknowledged commit.
//!
//! A SIGKILL loses no page cache: what a loss of power does is the simulation's to show (`cargo xtask sim`).

mod committer;
mod pipe;
mod producer;
mod readback;
mod record;
mod report;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::Client;
use crate::repo;
use crate::results::Provenance;
use crate::server::{Kind, Server, Spec};

use committer::Committer;
use producer::Producer;
use report::Report;

/// Arguments of `cargo xtask crash`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often the server is killed.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// Decides when; a run is not repeated exactly by it, for the machine has a say too.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Fewer records than this in flight make a kill too gentle to count; it is done again.
const IN_FLIGHT_MIN: u64 = 100;

/// Kills that may not count, for each one that does.
const GENTLE_KILLS_MAX: usize = 2;

const PARTITIONS: i32 = 4;
const PLAIN_TOPIC: &str = "crash-plain";
const IDEMPOTENT_TOPIC: &str = "crash-idempotent";
const GROUP: &str = "crash-group";

/// Two producers for each partition, so that their batches interleave.
const PRODUCERS: i32 = 2 * PARTITIONS;

/// Everybody who uses the server, across all of its lives.
struct Clients {
    producers: Vec<Producer>,
    committer: Committer,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let version = Kind::Mainstay.prepare()?;
    let spec = Spec::new(Kind::Mainstay, fresh_data()?)?;
    let mut server = Server::start(&spec)?;
    let mut clients = Clients::new(&server)?;
    let mut report = Report::default();
    let mut dice = args.seed;
    while report.in_flight.len() < args.kills {
        let in_flight = live_and_die(server, &mut clients, lifetime(&mut dice))?;
        report.note_kill(in_flight, IN_FLIGHT_MIN);
        ensure!(
            report.gentle <= GENTLE_KILLS_MAX * args.kills,
            "the load is too light: {} kills had fewer than {IN_FLIGHT_MIN} records in flight",
            report.gentle
        );
        server = Server::start(&spec).context("start after a kill")?;
        report
            .start_ms
            .push(server.start_time.as_secs_f64() * 1000.0);
        clients.committer.check(&server.address())?;
        println!(
            "kill {:>3} of {}: {in_flight} records in flight, serving again after {:.0} ms",
            report.in_flight.len(),
            args.kills,
            server.start_time.as_secs_f64() * 1000.0
        );
    }
    let address = server.address();
    for producer in &mut clients.producers {
        producer.settle(&address)?;
    }
    readback::check(&address, &clients.producers, &mut report)?;
    clients.committer.check(&address)?;
    report.commits_acked = clients.committer.acked();
    server.ensure_alive()?;
    server.stop(Duration::from_secs(60))?;
    report.finish(Provenance::now(
        &format!("crash --kills {} --seed {}", args.kills, args.seed),
        vec![("mainstay".to_owned(), version)],
    )?)
}

fn fresh_data() -> Result<PathBuf> {
    let data = repo::target().join("crash");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    Ok(data.join("data"))
}

/// How long a server may live: mostly a moment, now and then long enough for checkpoints and indexes.
fn lifetime(dice: &mut u64) -> Duration {
    // SplitMix64.
    *dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *dice;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let long = z.is_multiple_of(12);
    Duration::from_millis(if long { 1500 + z % 1500 } else { 60 + z % 400 })
}

/// Lets all clients work for a while, kills the server, and returns how many records it owed an answer: those
/// that had been sent by then and that it never answered.
fn live_and_die(server: Server, clients: &mut Clients, lifetime: Duration) -> Result<u64> {
    let address = server.address();
    let sent: Vec<_> = clients.producers.iter().map(Producer::sent_now).collect();
    sent.iter().for_each(|sent| sent.store(0, Ordering::SeqCst));
    std::thread::scope(|scope| {
        let producing: Vec<_> = clients
            .producers
            .iter_mut()
            .map(|producer| scope.spawn(|| producer.drive(&address)))
            .collect();
        let committing = scope.spawn(|| clients.committer.drive(&address));
        std::thread::sleep(lifetime);
        let sent: Vec<_> = sent
            .iter()
            .map(|sent| sent.load(Ordering::SeqCst))
            .collect();
        server.kill()?;
        let mut in_flight = 0;
        for (producer, sent) in producing.into_iter().zip(sent) {
            let answered = producer.join();
            let answered = answered.map_err(|_| anyhow::anyhow!("a producer panicked"))??;
            in_flight += sent.saturating_sub(answered);
        }
        let committed = committing.join();
        committed.map_err(|_| anyhow::anyhow!("the committer panicked"))??;
        Ok(in_flight)
    })
}

impl Clients {
    fn new(server: &Server) -> Result<Clients> {
        let mut client = Client::connect(&server.address())?;
        let mut producers = Vec::new();
        for (topic, idempotent) in [(PLAIN_TOPIC, false), (IDEMPOTENT_TOPIC, true)] {
            client.create_topic(topic, PARTITIONS)?;
            for number in 0..PRODUCERS {
                let id = u64::try_from(producers.len())?;
                let identity = idempotent
                    .then(|| pipe::producer_id(&mut client))
                    .transpose()?;
                producers.push(Producer::new(id, topic, number % PARTITIONS, identity));
            }
        }
        let committer = Committer::new(GROUP, PLAIN_TOPIC, PARTITIONS);
        Ok(Clients {
            producers,
            committer,
        })
    }
}
