//! A node: the data and the faces that serve it, from start to drain.

use crate::amqp_face;
use crate::connections::{Admission, Connections};
use crate::console_server::{self, Console};
use crate::kafka_face;
use crate::listener::{BindError, bind};
use crate::management::NodeHosts;
use crate::platform::{BlockingPool, SystemClock, SystemEntropy};
use crate::process;
use crate::settings::{Settings, Storage as Place};
use crate::status::Status;
use crate::storage::{self, Recovery, Storage, StorageError};
use crate::topics::BrokerTopics;
use crate::upkeep;
use base::Clock;
use cluster::Verifier;
use commitlog::{Log, WalError};
use console::{Api, Phase};
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long clients may take to get their answers when the node stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long the log's own tasks may take to end; they have only what was already submitted to write.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The data cannot be taken.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// How a node ended.
#[derive(Debug)]
pub enum Ended {
    /// It was told to stop, and everything that it had begun is done.
    Stopped,
    /// It was told to stop, and some clients or tasks did not end in time.
    Cut,
    /// The WAL failed. What was acknowledged is stored; it can be started again from that.
    Failed(WalError),
}

/// Where a running node can be reached, and what it found.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Addresses of the Kafka face.
    pub kafka: Vec<SocketAddr>,
    /// Addresses of the RabbitMQ face.
    pub amqp: Vec<SocketAddr>,
    /// Addresses of the console.
    pub console: Vec<SocketAddr>,
    /// The data directory.
    pub data: PathBuf,
    /// What was recovered.
    pub recovery: Recovery,
}

/// A running node.
pub struct Node {
    summary: Summary,
    log: Arc<Log>,
    status: Arc<Status>,
    /// The management API; the console serves it while it is here.
    api: Arc<Api>,
    connections: Arc<Connections>,
    /// The tasks of log and coordinators; they end when everybody has let the log go.
    tasks: TaskTracker,
    upkeep: CancellationToken,
}

impl Node {
    /// Binds the addresses, recovers the data and begins to serve.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        let connections = Arc::new(Connections::new(process::connections_max()));
        let status = Arc::new(Status::new(connections.clone()));
        let Listeners {
            kafka,
            amqp,
            console,
        } = Listeners::bind(settings)?;
        let listening = [&kafka, &amqp, &console].map(|listeners| addresses(listeners));
        let served = Arc::new(Console::new(status.clone()));
        // Health can be asked for while a long recovery runs.
        for listener in console {
            let served = served.clone();
            let stop = connections.stopping();
            connections.accept(listener, Admission::Always, move |socket, _| {
                console_server::serve(socket, served.clone(), stop.clone())
            });
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let tasks = TaskTracker::new();
        let Place::File(data) = &settings.storage;
        let expiration = settings
            .kafka
            .as_ref()
            .map_or(Duration::MAX, |kafka| kafka.broker.producer_id_expiration);
        let storage = match storage::open(data, expiration, clock.clone(), &tasks).await {
            Ok(storage) => storage,
            Err(error) => {
                // Whoever starts again needs the addresses.
                connections.drain(Duration::ZERO).await;
                return Err(error.into());
            }
        };
        let upkeep = CancellationToken::new();
        tasks.spawn(upkeep::run(
            storage.log.clone(),
            clock.clone(),
            status.clone(),
            upkeep.clone(),
        ));
        let log = storage.log.clone();
        let [kafka_addresses, amqp_addresses, console_addresses] = listening;
        let summary = Summary {
            kafka: kafka_addresses,
            amqp: amqp_addresses,
            console: console_addresses,
            data: data.clone(),
            recovery: storage.recovery.clone(),
        };
        let faces = Faces {
            kafka,
            amqp,
            connections: &connections,
            tasks: &tasks,
        };
        let api = faces.serve(settings, storage, clock, &status);
        served.open(&api);
        Ok(Self {
            summary,
            log,
            status,
            api,
            connections,
            tasks,
            upkeep,
        })
    }

    /// Where the node can be reached, and what it found.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Serves until `stop` completes or the WAL fails; then takes nothing new, answers what was asked,
    /// and closes the log.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Ended {
        let mut failure = self.log.failure();
        let failed = tokio::select! {
            () = stop => None,
            failed = failure.wait_for(Option::is_some) => failed.ok().and_then(|failed| failed.clone()),
        };
        self.status.enter(if failed.is_some() {
            Phase::Failed
        } else {
            Phase::Draining
        });
        let mut whole = self.connections.drain(DRAIN_LIMIT).await;
        // Queues end when nobody has them any more.
        drop(self.api);
        self.upkeep.cancel();
        if failed.is_none() {
            whole &= close(&self.log).await;
        }
        drop(self.log);
        self.tasks.close();
        whole &= tokio::time::timeout(CLOSE_LIMIT, self.tasks.wait())
            .await
            .is_ok();
        match failed {
            Some(error) => Ended::Failed(error),
            None if whole => Ended::Stopped,
            None => Ended::Cut,
        }
    }
}

/// The sockets of all faces.
struct Listeners {
    kafka: Vec<TcpListener>,
    amqp: Vec<TcpListener>,
    console: Vec<TcpListener>,
}

impl Listeners {
    fn bind(settings: &Settings) -> Result<Self, BindError> {
        let kafka = settings.kafka.as_ref().map(|face| &face.listen[..]);
        let amqp = settings.amqp.as_ref().map(|face| &face.listen[..]);
        let console = settings.console.as_ref().map(|face| &face.listen[..]);
        Ok(Self {
            kafka: bind(kafka.unwrap_or_default(), "Kafka clients", "--kafka")?,
            amqp: bind(amqp.unwrap_or_default(), "RabbitMQ clients", "--amqp")?,
            console: bind(console.unwrap_or_default(), "the console", "--console")?,
        })
    }
}

/// What the faces are served with.
struct Faces<'a> {
    kafka: Vec<TcpListener>,
    amqp: Vec<TcpListener>,
    connections: &'a Arc<Connections>,
    tasks: &'a TaskTracker,
}

impl Faces<'_> {
    /// Opens the faces, each over what those before it keep, and begins to serve. Returns the management API
    /// over all of them.
    fn serve(
        self,
        settings: &Settings,
        mut storage: Storage,
        clock: Arc<dyn Clock>,
        status: &Status,
    ) -> Arc<Api> {
        let pool = Arc::new(BlockingPool(tokio::runtime::Handle::current()));
        let entropy = Arc::new(SystemEntropy);
        let verifier = Arc::new(Verifier::new(pool.clone(), &*entropy));
        let cells = storage.cells.clone();
        let defaults = kafka::Settings::default();
        let broker_settings = settings
            .kafka
            .as_ref()
            .map_or(&defaults, |face| &face.broker);
        let broker = kafka_face::open(broker_settings, &mut storage, clock.clone(), self.tasks);
        let topics = Arc::new(BrokerTopics(broker.clone()));
        let amqp = settings.amqp.as_ref().map(|_| {
            let parts = amqp_face::Parts {
                log: storage.log.clone(),
                catalog: storage.catalog.clone(),
                cells: &cells,
                topics: topics.clone(),
                verifier: verifier.clone(),
                clock,
            };
            amqp_face::serve(self.amqp, parts, self.connections, self.tasks)
        });
        if let Some(face) = &settings.kafka {
            kafka_face::serve(face, self.kafka, &broker, self.connections);
        }
        status.ready(&storage.log, &broker, amqp.as_ref());
        let catalog = storage.catalog;
        let hosts = Arc::new(NodeHosts {
            catalog: catalog.clone(),
            log: storage.log,
            topics,
            queues: amqp.map(|face| face.queues),
        });
        let version = env!("CARGO_PKG_VERSION");
        Arc::new(Api::new(catalog, hosts, verifier, pool, entropy, version))
    }
}

/// Closes the log; a full disk may keep it from that.
async fn close(log: &Log) -> bool {
    let closed = tokio::time::timeout(CLOSE_LIMIT, log.close()).await;
    match &closed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(%error, "the log could not be closed; the next start will have to recover it")
        }
        Err(_) => tracing::error!(
            "the log could not be closed in time; the next start will have to recover it"
        ),
    }
    matches!(closed, Ok(Ok(())))
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect()
}
