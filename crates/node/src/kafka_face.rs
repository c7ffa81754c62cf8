//! The Kafka face of a node: the broker over the recovered data, and its listeners.

use crate::connections::{Admission, Connections};
use crate::inbound::{Budget, Inbound};
use crate::kafka_server::{Connection, Ended};
use crate::platform::SystemEntropy;
use crate::settings::KafkaSettings;
use crate::storage::Storage;
use base::Clock;
use console::{Exposition, Kind};
use kafka::{Broker, Endpoint, Ground, Opened, Peer, Session};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// This node's number among Kafka's brokers; there is one.
const NODE_ID: i32 = 0;

/// Opens the broker over `storage`. The coordinators run on `tasks` and end when the broker and all connections
/// are gone. It keeps the topics even where no Kafka clients are served.
pub(crate) fn open(
    settings: &kafka::Settings,
    storage: &mut Storage,
    clock: Arc<dyn Clock>,
    tasks: &TaskTracker,
) -> Arc<Broker> {
    let Opened {
        broker,
        tasks: coordinators,
    } = Broker::open(Ground {
        log: storage.log.clone(),
        cells: std::mem::take(&mut storage.cells),
        catalog: storage.catalog.clone(),
        clock,
        entropy: Arc::new(SystemEntropy),
        node_id: NODE_ID,
        settings: settings.clone(),
    });
    for coordinator in coordinators {
        tasks.spawn(coordinator);
    }
    broker
}

/// Begins to accept the broker's clients.
pub(crate) fn serve(
    face: &KafkaSettings,
    listeners: Vec<TcpListener>,
    broker: &Arc<Broker>,
    connections: &Arc<Connections>,
) {
    let budget = Budget::new();
    let frame_bytes_max = usize::try_from(face.broker.socket_request_max_bytes).unwrap_or(0);
    let idle = face.broker.connections_max_idle;
    for listener in listeners {
        let (broker, budget, stop) = (broker.clone(), budget.clone(), connections.stopping());
        connections.accept(listener, Admission::Limited, move |socket, peer| {
            let inbound = Inbound::new(frame_bytes_max, budget.clone());
            let (broker, stop) = (broker.clone(), stop.clone());
            async move {
                let Some(session) = session(broker, &socket, peer) else {
                    return;
                };
                let ended = Connection::new(socket, inbound, idle)
                    .serve(session, stop)
                    .await;
                match ended {
                    Ok(()) => {}
                    Err(Ended::Io(error)) => {
                        tracing::debug!(%peer, %error, "a Kafka connection broke")
                    }
                    Err(error) => tracing::warn!(%peer, %error, "a Kafka connection was closed"),
                }
            }
        });
    }
}

fn session(broker: Arc<Broker>, socket: &TcpStream, peer: SocketAddr) -> Option<Session> {
    // A socket without an address of its own is gone already.
    let reached = socket.local_addr().ok()?;
    let reached = Endpoint {
        host: reached.ip().to_string(),
        port: reached.port(),
    };
    Some(Session::new(
        broker,
        Peer {
            address: peer.ip().to_string(),
            reached,
        },
    ))
}

/// Writes the broker's metrics.
pub(crate) fn metrics(broker: &Broker, out: &mut Exposition) {
    let counters = broker.counters();
    let mut requests = out.family("mainstay_kafka_requests", Kind::Counter, "Requests by API.");
    for (api, count) in counters.requests() {
        requests = requests.sample(&[("api", &api.to_string())], count);
    }
    for (name, help, counter) in [
        (
            "mainstay_kafka_produced_bytes",
            "Bytes of records taken in.",
            &counters.produced_bytes,
        ),
        (
            "mainstay_kafka_produced_batches",
            "Record batches taken in.",
            &counters.produced_batches,
        ),
        (
            "mainstay_kafka_up_converted_batches",
            "Batches rewritten from message sets of magic 0 and 1.",
            &counters.up_converted_batches,
        ),
        (
            "mainstay_kafka_fetched_bytes",
            "Bytes of records given out.",
            &counters.fetched_bytes,
        ),
        (
            "mainstay_kafka_down_converted_fetches",
            "Answers rewritten for clients older than magic 2.",
            &counters.down_converted_fetches,
        ),
        (
            "mainstay_kafka_refused_requests",
            "Requests that ended their connection.",
            &counters.refused_requests,
        ),
    ] {
        out.family(name, Kind::Counter, help)
            .sample(&[], counter.get());
    }
    out.family(
        "mainstay_kafka_fetch_sessions",
        Kind::Gauge,
        "Incremental fetch sessions kept.",
    )
    .sample(&[], broker.fetch_session_count());
}
