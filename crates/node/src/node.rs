//! A node: the data and the faces that serve it, from start to drain.

use crate::amqp_face;
use crate::connections::{Admission, Connections};
use crate::console_server::{self, Console};
use crate::kafka_face;
use crate::listener::{BindError, bind};
use crate::management::NodeHosts;
use crate::outlet::{Carrier, Outlet};
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
use kafka::Broker;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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

/// What stands around a node and outlives it: the balancer.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// What the balancer writes into the log.
    pub outlet: Option<Arc<Outlet>>,
    /// The balancer's metrics.
    pub metrics: Option<Arc<dyn Metrics>>,
}

/// Something that has metrics.
pub trait Metrics: Send + Sync {
    /// Writes them.
    fn write(&self, out: &mut console::Exposition);
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
    /// The data directory and what was recovered; `None` where no log is kept.
    pub data: Option<(PathBuf, Recovery)>,
}

/// A running node.
pub struct Node {
    summary: Summary,
    status: Arc<Status>,
    connections: Arc<Connections>,
    kept: Option<Kept>,
}

/// The log, and what runs on it.
struct Kept {
    log: Arc<Log>,
    /// The management API; the console serves it while it is here.
    api: Arc<Api>,
    carrier: Option<Carrier>,
    /// The tasks of log and coordinators; they end when everybody has let the log go.
    tasks: TaskTracker,
    upkeep: CancellationToken,
}

impl Node {
    /// Binds the addresses, recovers the data and begins to serve.
    ///
    /// # Errors
    /// An address that cannot be listened on, data that cannot be taken.
    pub async fn start(
        settings: &Settings,
        surroundings: &Surroundings,
    ) -> Result<Self, StartError> {
        let connections = Arc::new(Connections::new(process::connections_max()));
        let status = Arc::new(Status::new(connections.clone(), surroundings.clone()));
        let Listeners {
            kafka,
            amqp,
            console,
        } = Listeners::bind(settings)?;
        let [kafka_addresses, amqp_addresses, console_addresses] =
            [&kafka, &amqp, &console].map(|listeners| addresses(listeners));
        let served = Arc::new(Console::new(status.clone()));
        // Health can be asked for while a long recovery runs.
        for listener in console {
            let served = served.clone();
            let stop = connections.stopping();
            connections.accept(listener, Admission::Always, move |socket, _| {
                console_server::serve(socket, served.clone(), stop.clone())
            });
        }
        let mut summary = Summary {
            kafka: kafka_addresses,
            amqp: amqp_addresses,
            console: console_addresses,
            data: None,
        };
        let mut kept = None;
        if let Some(Place::File(data)) = &settings.storage {
            let ground = Ground {
                kafka,
                amqp,
                connections: &connections,
                status: &status,
            };
            match ground.keep(settings, data, surroundings).await {
                Ok((opened, recovery)) => {
                    served.open(&opened.api);
                    summary.data = Some((data.clone(), recovery));
                    kept = Some(opened);
                }
                Err(error) => {
                    // Whoever starts again needs the addresses.
                    connections.drain(Duration::ZERO).await;
                    return Err(error.into());
                }
            }
        }
        status.enter(Phase::Ready);
        Ok(Self {
            summary,
            status,
            connections,
            kept,
        })
    }

    /// Where the node can be reached, and what it found.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Serves until `stop` completes or the WAL fails; then takes nothing new, answers what was asked, and, once the
    /// balancer has `gone` too, closes the log.
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()>,
        gone: impl Future<Output = ()>,
    ) -> Ended {
        let failed = match &self.kept {
            Some(kept) => {
                let mut failure = kept.log.failure();
                tokio::select! {
                    () = stop => None,
                    failed = failure.wait_for(Option::is_some) => failed.ok().and_then(|failed| failed.clone()),
                }
            }
            None => {
                stop.await;
                None
            }
        };
        self.status.enter(if failed.is_some() {
            Phase::Failed
        } else {
            Phase::Draining
        });
        let mut whole = self.connections.drain(DRAIN_LIMIT).await;
        if failed.is_none() {
            gone.await;
        }
        if let Some(kept) = self.kept {
            whole &= kept.close(failed.is_some()).await;
        }
        match failed {
            Some(error) => Ended::Failed(error),
            None if whole => Ended::Stopped,
            None => Ended::Cut,
        }
    }
}

impl Kept {
    /// Lets everything go that holds the log, and closes it unless it has failed; whether all of that ended in time.
    async fn close(self, failed: bool) -> bool {
        match self.carrier {
            // What waits now is for the log that is opened next.
            Some(carrier) if failed => carrier.abort().await,
            Some(carrier) => carrier.finish().await,
            None => {}
        }
        // Queues end when nobody has them any more.
        drop(self.api);
        self.upkeep.cancel();
        let closed = failed || close(&self.log).await;
        drop(self.log);
        self.tasks.close();
        let ended = tokio::time::timeout(CLOSE_LIMIT, self.tasks.wait()).await;
        closed && ended.is_ok()
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

/// What the log and its faces are opened with.
struct Ground<'a> {
    kafka: Vec<TcpListener>,
    amqp: Vec<TcpListener>,
    connections: &'a Arc<Connections>,
    status: &'a Arc<Status>,
}

impl Ground<'_> {
    /// Recovers the data and serves it.
    async fn keep(
        self,
        settings: &Settings,
        data: &Path,
        surroundings: &Surroundings,
    ) -> Result<(Kept, Recovery), StorageError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let tasks = TaskTracker::new();
        let expiration = settings
            .kafka
            .as_ref()
            .map_or(Duration::MAX, |kafka| kafka.broker.producer_id_expiration);
        let storage = storage::open(data, expiration, clock.clone(), &tasks).await?;
        let upkeep = CancellationToken::new();
        tasks.spawn(upkeep::run(
            storage.log.clone(),
            clock.clone(),
            self.status.clone(),
            upkeep.clone(),
        ));
        let (log, recovery) = (storage.log.clone(), storage.recovery.clone());
        let (api, broker) = self.serve(settings, storage, clock, &tasks);
        let outlet = surroundings.outlet.clone();
        let kept = Kept {
            log,
            api,
            carrier: outlet.map(|outlet| Carrier::start(outlet, broker)),
            tasks,
            upkeep,
        };
        Ok((kept, recovery))
    }

    /// Opens the faces, each over what those before it keep, and begins to serve. Returns the management API
    /// over all of them, and the broker.
    fn serve(
        self,
        settings: &Settings,
        mut storage: Storage,
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
    ) -> (Arc<Api>, Arc<Broker>) {
        let pool = Arc::new(BlockingPool(tokio::runtime::Handle::current()));
        let entropy = Arc::new(SystemEntropy);
        let verifier = Arc::new(Verifier::new(pool.clone(), &*entropy));
        let cells = storage.cells.clone();
        let defaults = kafka::Settings::default();
        let broker_settings = settings
            .kafka
            .as_ref()
            .map_or(&defaults, |face| &face.broker);
        let broker = kafka_face::open(broker_settings, &mut storage, clock.clone(), tasks);
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
            amqp_face::serve(self.amqp, parts, self.connections, tasks)
        });
        if let Some(face) = &settings.kafka {
            kafka_face::serve(face, self.kafka, &broker, self.connections);
        }
        self.status.ready(&storage.log, &broker, amqp.as_ref());
        let catalog = storage.catalog;
        let hosts = Arc::new(NodeHosts {
            catalog: catalog.clone(),
            log: storage.log,
            topics,
            queues: amqp.map(|face| face.queues),
        });
        let version = env!("CARGO_PKG_VERSION");
        let api = Arc::new(Api::new(catalog, hosts, verifier, pool, entropy, version));
        (api, broker)
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
