//! What Kafka's clients were promised.
//!
//! Plain producers, idempotent producers and a group that commits keep many requests in flight. At a random
//! moment the server gets a SIGKILL; how many records it then owed an answer is counted after every answer that
//! it still sent has been read. At the end everything is read back and checked:
//!
//! - K1: every acknowledged record is at its acknowledged offset, byte for byte;
//! - K2: what an idempotent producer sent is there once, in order, without a gap;
//! - K3: offsets are dense, producers' order is kept, and no record was ever stored twice;
//! - K5: after every restart no committed offset is below an acknowledged commit.

mod committer;
mod pipe;
mod producer;
mod readback;
mod record;
mod report;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Args, milliseconds, throw};
use crate::client::Client;
use crate::results::Provenance;
use crate::server::Server;

use committer::Committer;
use producer::Producer;
use report::Report;

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

pub(super) fn run(args: &Args) -> Result<()> {
    let version = args.server.prepare()?;
    let spec = args.spec("kafka")?;
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
        report.start_ms.push(milliseconds(server.start_time));
        clients.committer.check(&server.address())?;
        println!(
            "kill {:>3} of {}: {in_flight} records in flight, serving again after {:.0} ms",
            report.in_flight.len(),
            args.kills,
            milliseconds(server.start_time)
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
    if args.failpoint.is_some() {
        return Ok(());
    }
    report.finish(Provenance::now(
        &format!("crash kafka --kills {} --seed {}", args.kills, args.seed),
        vec![(args.server.word().to_owned(), version)],
    )?)
}

/// How long a server may live: mostly a moment, now and then long enough for checkpoints and indexes.
fn lifetime(dice: &mut u64) -> Duration {
    let z = throw(dice);
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
