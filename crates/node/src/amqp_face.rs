//! The RabbitMQ face of a node: queues and sessions over the recovered data, and its listeners.

use crate::amqp_server::{Connection, Ground, Signal};
use crate::connections::{Admission, Connections};
use crate::platform::SystemEntropy;
use crate::topics::BrokerTopics;
use amqp::queues::{Opened, Queues, TRANSIENT_BYTES_MAX_DEFAULT};
use amqp::{Broker, queues};
use base::{Clock, ShardId};
use cluster::{Catalog, Verifier};
use commitlog::{Cells, Log};
use console::{Exposition, Kind};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the log is asked whether its disk is full.
const DISK_WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// What publishers are told when they are stopped; RabbitMQ's words, which clients show.
const LOW_ON_DISK: &str = "low on disk";
const LOW_ON_MEMORY: &str = "low on memory";

/// What the face stands on.
pub(crate) struct Parts<'a> {
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) cells: &'a BTreeMap<ShardId, Cells>,
    pub(crate) topics: Arc<BrokerTopics>,
    /// Checks passwords; shared with the console.
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The face as the rest of the node sees it.
#[derive(Clone)]
pub(crate) struct Face {
    pub(crate) broker: Arc<Broker>,
    pub(crate) queues: Arc<Queues>,
}

impl Face {
    /// What does not keep the queues open when everybody else has let them go.
    pub(crate) fn downgrade(&self) -> WeakFace {
        WeakFace {
            broker: Arc::downgrade(&self.broker),
            queues: Arc::downgrade(&self.queues),
        }
    }
}

/// A face that may be gone.
pub(crate) struct WeakFace {
    broker: Weak<Broker>,
    queues: Weak<Queues>,
}

impl WeakFace {
    pub(crate) fn upgrade(&self) -> Option<Face> {
        Some(Face {
            broker: self.broker.upgrade()?,
            queues: self.queues.upgrade()?,
        })
    }
}

/// Opens the queues and begins to accept clients. The hosts run on `tasks` and end when the queues are let
/// go by everybody.
pub(crate) fn serve(
    listeners: Vec<TcpListener>,
    parts: Parts<'_>,
    connections: &Arc<Connections>,
    tasks: &TaskTracker,
) -> Face {
    let Parts {
        log,
        catalog,
        cells,
        topics,
        verifier,
        clock,
    } = parts;
    let Opened {
        queues,
        tasks: hosts,
    } = Queues::open(queues::Ground {
        log: log.clone(),
        cells,
        catalog: catalog.clone(),
        topics: topics.clone(),
        clock: clock.clone(),
        transient_bytes_max: TRANSIENT_BYTES_MAX_DEFAULT,
    });
    for host in hosts {
        tasks.spawn(host);
    }
    let entropy = Arc::new(SystemEntropy);
    let broker = Broker::new(amqp::Ground {
        catalog,
        verifier,
        topics,
        entropy,
    });
    let (sender, signal) = watch::channel(Signal::default());
    let stop = connections.stopping();
    tasks.spawn(watch_over(
        Arc::downgrade(&log),
        queues.alarm(),
        sender,
        stop,
    ));
    let ground = Ground {
        broker: broker.clone(),
        queues: queues.clone(),
        clock,
        signal,
    };
    for listener in listeners {
        let ground = ground.clone();
        connections.accept(listener, Admission::Limited, move |socket, peer| {
            let connection = Connection::new(ground.clone(), socket, peer);
            async move {
                if let Err(error) = connection.serve().await {
                    tracing::debug!(%peer, %error, "a RabbitMQ connection broke");
                }
            }
        });
    }
    Face { broker, queues }
}

/// Tells connections when publishers are to be stopped, and when the node stops.
async fn watch_over(
    log: Weak<Log>,
    mut memory: watch::Receiver<bool>,
    sender: watch::Sender<Signal>,
    stop: CancellationToken,
) {
    let mut ticks = interval(DISK_WATCH_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            changed = memory.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = stop.cancelled() => {
                sender.send_modify(|signal| signal.stopping = true);
                return;
            }
        }
        let Some(log) = log.upgrade() else { return };
        let alarm = if log.figures().full {
            Some(LOW_ON_DISK)
        } else if *memory.borrow_and_update() {
            Some(LOW_ON_MEMORY)
        } else {
            None
        };
        sender.send_if_modified(|signal| std::mem::replace(&mut signal.alarm, alarm) != alarm);
    }
}

/// Writes the face's metrics.
pub(crate) fn metrics(face: &Face, out: &mut Exposition) {
    let counters = face.broker.counters();
    for (name, help, counter) in [
        (
            "mainstay_amqp_published_messages",
            "Messages that clients published.",
            &counters.published,
        ),
        (
            "mainstay_amqp_published_bytes",
            "Bytes of their bodies.",
            &counters.published_bytes,
        ),
        (
            "mainstay_amqp_unroutable_messages",
            "Messages that were routed to no queue.",
            &counters.unroutable,
        ),
        (
            "mainstay_amqp_delivered_messages",
            "Messages sent to clients.",
            &counters.delivered,
        ),
        (
            "mainstay_amqp_settled_messages",
            "Deliveries that clients settled.",
            &counters.settled,
        ),
        (
            "mainstay_amqp_refused_logins",
            "Log-ins that were refused.",
            &counters.refused_logins,
        ),
    ] {
        out.family(name, Kind::Counter, help)
            .sample(&[], counter.load(Ordering::Relaxed));
    }
    out.family(
        "mainstay_amqp_transient_bytes",
        Kind::Gauge,
        "Bytes of messages that are in memory only.",
    )
    .sample(&[], face.queues.transient_bytes());
}
