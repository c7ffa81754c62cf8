//! What RabbitMQ's clients were promised.
//!
//! Publishers with confirms and with transactions, and consumers that acknowledge each message by itself, several
//! together or in transactions, requeue some once and reject others, keep the server busy; rejected work is
//! dead-lettered to queues of the same shard and of others, and a fan-out copies messages into ten queues. At a random
//! moment the server gets a SIGKILL. Every delivery is checked as it comes, and at the end every queue is emptied, the
//! server is killed once more, and the queues must still be empty:
//!
//! - A1: every confirmed message that was not acknowledged is delivered again, in its place, and marked as redelivered;
//! - A2: each publish gets exactly one of ack and nack, as far as the server lived to answer;
//! - A3: a message whose acknowledgement is durable is not delivered again. It is when its transaction was committed, or
//!   when it left [`ledger::SETTLED_AFTER`] before the kill;
//! - a rejected message is in exactly one of its source and the target of its dead letters;
//! - messages of a publisher come in order, requeued ones aside; none is invented; every byte is as it was sent.

mod consumer;
mod label;
mod ledger;
mod publisher;
mod report;
mod topology;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::{Args, milliseconds, throw};
use crate::amqp_client::Connection;
use crate::results::Provenance;
use crate::server::{Kind, Server};

use consumer::{Consumer, Source, Style};
use ledger::{Promises, SETTLED_AFTER};
use publisher::Publisher;
use report::Report;
use topology::{Lane, Queue};
use verdict::{Found, Verdict};

/// Fewer publishes, or fewer deliveries, in flight than this make a kill too gentle to count; it is done again.
const IN_FLIGHT_MIN: u64 = 50;

/// Kills that may not count, for each one that does.
const GENTLE_KILLS_MAX: usize = 2;

/// Who publishes what.
const PUBLISHERS: &[(Lane, publisher::Style)] = &[
    (Lane::Work, publisher::Style::Confirms),
    (Lane::Work, publisher::Style::Confirms),
    (Lane::Work, publisher::Style::Confirms),
    (Lane::Work, publisher::Style::Transactions),
    (Lane::Fan, publisher::Style::Confirms),
    (Lane::Fan, publisher::Style::Transactions),
];

/// The queues that are consumed while the server lives; the others are only emptied at the end.
const CONSUMED: &[(Queue, Style)] = &[
    (Queue::Work(0), Style::Each),
    (Queue::Work(1), Style::Together),
    (Queue::Work(2), Style::Transactions),
    (Queue::Work(3), Style::Each),
    (Queue::Fan(0), Style::Together),
    (Queue::Fan(1), Style::Transactions),
    (Queue::Fan(2), Style::Each),
];

/// Everybody who uses the server, across all of its lives.
struct Clients {
    publishers: Vec<Publisher>,
    /// One for each queue; the first ones work all the time.
    consumers: Vec<Consumer>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let version = args.server.prepare()?;
    let spec = args.spec("amqp")?.with_amqp(None)?;
    let mut server = Server::start(&spec)?;
    topology::declare(&spec.amqp_address()?)?;
    let mut clients = Clients::new(Promises::of(args.server));
    let mut report = Report::default();
    let mut dice = args.seed;
    while report.in_flight.len() < args.kills {
        let in_flight = live_and_die(server, &mut clients, lifetime(&mut dice))?;
        report.note_kill(in_flight, IN_FLIGHT_MIN);
        ensure!(
            report.gentle <= GENTLE_KILLS_MAX * args.kills,
            "the load is too light: {} kills had fewer than {IN_FLIGHT_MIN} publishes or deliveries in flight",
            report.gentle
        );
        server = Server::start(&spec).context("start after a kill")?;
        report.start_ms.push(milliseconds(server.start_time));
        println!(
            "kill {:>3} of {}: {} publishes and {} deliveries in flight, serving again after {:.0} ms",
            report.in_flight.len(),
            args.kills,
            in_flight.0,
            in_flight.1,
            milliseconds(server.start_time)
        );
    }
    let found = come_to_rest(server, &mut clients, args.server)?;
    for consumer in &clients.consumers {
        report.deliveries += consumer.ledger.deliveries;
        report.redeliveries += consumer.ledger.redeliveries;
    }
    if args.failpoint.is_some() {
        return Ok(());
    }
    let mut command = format!("crash amqp --kills {} --seed {}", args.kills, args.seed);
    let mut file = "crash-amqp".to_owned();
    if args.server != Kind::Mainstay {
        command = format!("{command} --server {}", args.server.word());
        file = format!("{file}-{}", args.server.word());
    }
    let provenance = Provenance::now(&command, vec![(args.server.word().to_owned(), version)])?;
    report.finish(provenance, &found, Promises::of(args.server), &file)
}

/// How long a server may live: mostly a moment, now and then long enough for acknowledgements to be surely stored.
fn lifetime(dice: &mut u64) -> Duration {
    let thrown = throw(dice);
    let least = if thrown.is_multiple_of(6) {
        SETTLED_AFTER + Duration::from_millis(500)
    } else {
        Duration::from_millis(200)
    };
    least + Duration::from_millis(thrown / 6 % 600)
}

/// Lets all clients work for a while and kills the server. Returns how many messages had been published by then and were
/// never answered, and how many deliveries are in doubt or due again.
fn live_and_die(server: Server, clients: &mut Clients, lifetime: Duration) -> Result<(u64, u64)> {
    let address = server.spec.amqp_address()?;
    let shared: Vec<_> = clients.publishers.iter().map(Publisher::shared).collect();
    clients.publishers.iter().for_each(Publisher::begin_life);
    let (at, published) = std::thread::scope(|scope| {
        let publishing: Vec<_> = clients
            .publishers
            .iter_mut()
            .map(|publisher| scope.spawn(|| publisher.drive(&address)))
            .collect();
        let consuming: Vec<_> = clients.consumers[..CONSUMED.len()]
            .iter_mut()
            .map(|consumer| scope.spawn(|| consumer.drive(&address)))
            .collect();
        std::thread::sleep(lifetime);
        let sent: Vec<u64> = shared.iter().map(|one| one.sent()).collect();
        let at = Instant::now();
        server.kill()?;
        let mut in_flight = 0;
        for (publisher, sent) in publishing.into_iter().zip(sent) {
            let answered = publisher.join();
            in_flight +=
                sent.saturating_sub(answered.map_err(|_| anyhow!("a publisher panicked"))??);
        }
        for consumer in consuming {
            let consumed = consumer.join();
            consumed.map_err(|_| anyhow!("a consumer panicked"))??;
        }
        anyhow::Ok((at, in_flight))
    })?;
    let consumers = clients.consumers.iter_mut();
    let delivered = consumers.map(|consumer| consumer.ledger.killed(at)).sum();
    Ok((published, delivered))
}

/// Empties every queue, kills the server once more, and judges.
fn come_to_rest(server: Server, clients: &mut Clients, kind: Kind) -> Result<Found> {
    let spec = server.spec.clone();
    let address = spec.amqp_address()?;
    clients.publishers.iter().for_each(Publisher::begin_life);
    // Work comes before what it is dead-lettered to.
    for consumer in &mut clients.consumers {
        consumer
            .finish(&address)
            .with_context(|| format!("empty {}", consumer.queue.name()))?;
    }
    std::thread::sleep(SETTLED_AFTER);
    server.kill()?;
    let mut server = Server::start(&spec)?;
    let mut connection = Connection::open(&address)?;
    for consumer in &mut clients.consumers {
        consumer.ledger.close();
        let name = consumer.queue.name();
        if let Some(body) = connection.get(&name)? {
            let label = label::Label::read(&body)?;
            anyhow::bail!("A3: {name} was emptied, and holds {label:?} again");
        }
    }
    server.ensure_alive()?;
    server.stop(Duration::from_secs(60))?;
    let consumers = clients.consumers.iter();
    let verdict = Verdict {
        ledgers: consumers.map(|one| (one.queue, &one.ledger)).collect(),
        promises: Promises::of(kind),
    };
    verdict.check(&clients.publishers)
}

impl Clients {
    fn new(promises: Promises) -> Clients {
        let (work, fan) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let behind = |lane| match lane {
            Lane::Work => work.clone(),
            Lane::Fan => fan.clone(),
        };
        let publishers: Vec<Publisher> = (0..)
            .zip(PUBLISHERS)
            .map(|(id, (lane, style))| Publisher::new(id, *lane, *style, behind(*lane)))
            .collect();
        let sources = publishers.iter().map(|publisher| Source {
            lane: publisher.lane,
            shared: publisher.shared(),
        });
        let sources = Arc::new(sources.collect::<Vec<_>>());
        let others = Queue::all()
            .filter(|queue| CONSUMED.iter().all(|(consumed, _)| consumed != queue))
            .map(|queue| (queue, Style::Together));
        let consumers = CONSUMED
            .iter()
            .copied()
            .chain(others)
            .map(|(queue, style)| Consumer {
                queue,
                style,
                ledger: ledger::Ledger::new(promises, !matches!(queue, Queue::Dead(_))),
                sources: sources.clone(),
                // Each message of the fan-out counts once.
                behind: match queue {
                    Queue::Work(_) => Some(behind(Lane::Work)),
                    Queue::Fan(0) => Some(behind(Lane::Fan)),
                    Queue::Fan(_) | Queue::Dead(_) => None,
                },
            })
            .collect();
        Clients {
            publishers,
            consumers,
        }
    }
}
