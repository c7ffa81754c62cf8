//! The running proxy: workers, the keeper, configurations that come and go.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::conf::{Config, Severity};
use crate::figures::Figures;
use crate::net::{BindError, Datagrams, Endpoint, ListenSpec, Listeners};
use crate::outlet::Outlet;
use crate::shared::Shared;
use crate::worker::{Accepted, Ended, Job, Keeper, Seat, Service, Trouble, Workers};
use crate::{http, net, stream, upstream};

/// Why a configuration is not in force.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("{0}")]
    Bind(String),
    /// A log cannot be opened.
    #[error("open() \"{path}\" failed ({source})")]
    Log {
        /// Its name.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A thread or an event loop cannot be made.
    #[error("cannot start a worker: {0}")]
    Worker(#[from] io::Error),
}

impl From<BindError> for StartError {
    fn from(error: BindError) -> Self {
        Self::Bind(error.to_string())
    }
}

/// A worker that ended by itself, which is a fault of ours; another one has taken its place where that was possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which one.
    pub worker: usize,
    /// What it said.
    pub text: String,
}

/// The proxy at work. Dropped, it stops.
pub struct Proxy {
    workers: Workers<Faces>,
    listeners: Listeners,
    config: Arc<Running>,
    shared: Arc<Shared>,
    figures: Arc<Figures>,
    keeper: Keeper,
    /// What the keeper does for the configuration in force.
    jobs: Vec<Job>,
    quits: bool,
}

/// What workers are given.
struct Running {
    config: Arc<Config>,
    http: Arc<http::Config>,
    stream: Arc<stream::Config>,
    shared: Arc<Shared>,
}

impl Running {
    /// Has names followed and health checked.
    fn keep(&self, keeper: &Keeper) -> Vec<Job> {
        let (outlet, errors) = (&self.shared.outlet, &self.config.errors);
        let mut jobs = upstream::keep(keeper, &self.http.groups, outlet, errors);
        jobs.extend(upstream::keep(keeper, &self.stream.groups, outlet, errors));
        jobs
    }
}

/// More workers than processors do not help.
fn workers(config: &Config) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    config.main.workers.map_or_else(processors, usize::from)
}

fn specs(config: &Config) -> Vec<ListenSpec> {
    let http = config.http.iter().flat_map(|http| &http.ports);
    let stream = config.stream.iter().flat_map(|stream| &stream.ports);
    // The faces' numbers of addresses go on from one to the other: see `Faces::serve`.
    http.map(|port| port.spec.clone())
        .chain(stream.map(|port| port.spec.clone()))
        .collect()
}

impl Proxy {
    /// Opens the logs, binds every address, starts the workers, and returns when all of them accept.
    ///
    /// # Errors
    ///
    /// What cannot be opened, bound or started; nothing runs then.
    pub async fn start(config: Config, outlet: Arc<dyn Outlet>) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let shared = Arc::new(Shared::new(outlet));
        let running = Self::prepare(&config, &shared)?;
        let listeners = Listeners::bind(&specs(&config), workers(&config), &Listeners::default())?;
        let workers = Workers::start(listeners.clone(), running.clone()).await?;
        let keeper = Keeper::start()?;
        let figures = Figures::new(shared.counters.clone());
        figures.show(&running.http, &running.stream);
        Ok(Self {
            jobs: running.keep(&keeper),
            keeper,
            workers,
            listeners,
            config: running,
            shared,
            figures: Arc::new(figures),
            quits: false,
        })
    }

    /// Takes a new configuration: returns when no connection is accepted under the old one. Connections go on.
    ///
    /// # Errors
    ///
    /// What cannot be opened or bound; the old configuration stays in force then. [`StartError::Worker`]: the new one is in force,
    /// but a worker could not be started, or does not listen on a socket.
    pub async fn reload(&mut self, config: Config) -> Result<(), StartError> {
        let config = Arc::new(config);
        let running = Self::prepare(&config, &self.shared)?;
        let listeners = Listeners::bind(&specs(&config), workers(&config), &self.listeners)?;
        running.http.inherit(&self.config.http);
        running.stream.inherit(&self.config.stream);
        // The workers take what waits at a socket and close it; if it were open here still, what comes later would be reset.
        self.listeners = listeners.clone();
        let allowed = self.config.config.main.worker_shutdown_timeout;
        let configured = self
            .workers
            .configure(listeners, running.clone(), allowed)
            .await;
        self.jobs = running.keep(&self.keeper);
        self.figures.show(&running.http, &running.stream);
        self.config = running;
        Ok(configured?)
    }

    fn prepare(config: &Arc<Config>, shared: &Arc<Shared>) -> Result<Arc<Running>, StartError> {
        let opened = config.logs.open();
        opened.map_err(|(path, source)| StartError::Log { path, source })?;
        Ok(Arc::new(Running {
            http: config.http.clone().unwrap_or_default(),
            stream: config.stream.clone().unwrap_or_default(),
            config: config.clone(),
            shared: shared.clone(),
        }))
    }

    /// Opens all logs anew under their names.
    ///
    /// # Errors
    ///
    /// The first one that cannot be opened; what was open goes on.
    pub fn reopen(&self) -> Result<(), StartError> {
        self.workers.call(|faces| faces.http.logs.flush());
        let opened = self.config.config.logs.open();
        opened.map_err(|(path, source)| StartError::Log { path, source })
    }

    /// Accepts no more and ends when the connections have ended, at the latest after `time`. [`Self::ended`] tells when.
    pub fn quit(&mut self, time: Option<Duration>) {
        self.quits = true;
        self.listeners = Listeners::default();
        self.workers.quit(time);
    }

    /// Ends at once.
    pub fn stop(&mut self) {
        self.quits = true;
        self.listeners = Listeners::default();
        self.workers.stop();
    }

    /// Completes with `None` when the last worker has ended after [`Self::quit`], and with a fault where one ended by itself;
    /// then another one runs in its place. To be called again and again.
    pub async fn ended(&mut self) -> Option<Fault> {
        loop {
            let ended: Ended = tokio::select! {
                ended = self.workers.ended() => ended?,
                lost = self.keeper.ended() => {
                    self.alert(&format!("the keeper ended: {}", lost.panic.unwrap_or_default()));
                    match Keeper::start() {
                        Ok(keeper) => {
                            self.jobs = self.config.keep(&keeper);
                            self.keeper = keeper;
                        }
                        Err(error) => self.alert(&format!("the keeper cannot be replaced: {error}")),
                    }
                    continue;
                }
            };
            if let Some(text) = &ended.panic {
                let text = format!("worker {} ended: {text}", ended.worker);
                self.alert(&text);
            }
            if self.quits {
                continue;
            }
            if let Err(error) = self.workers.replace().await {
                self.alert(&format!(
                    "worker {} cannot be replaced: {error}",
                    ended.worker
                ));
            }
            return Some(Fault {
                worker: ended.worker,
                text: ended.panic.unwrap_or_default(),
            });
        }
    }

    fn alert(&self, text: &str) {
        let errors = &self.config.config.errors;
        errors.line(Severity::Alert, 0, format_args!("{text}"));
    }

    /// What may be read of it at any time, for metrics.
    #[must_use]
    pub fn figures(&self) -> Arc<Figures> {
        self.figures.clone()
    }

    /// How many connections are being served.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.workers.live()
    }

    /// Where it listens, in the order of the configuration; with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        (0..self.listeners.len())
            .filter_map(|index| self.listeners.address(index))
            .map(Endpoint::to_string)
            .collect()
    }
}

/// How often one connection may be passed on by `pass`, as in nginx.
const PASSES_MAX: usize = 10;

/// Both faces in one worker.
struct Faces {
    http: Rc<http::Worker>,
    stream: Rc<stream::Worker>,
    errors: Rc<RefCell<Arc<Config>>>,
}

impl Service for Faces {
    type Config = Running;

    fn start(seat: Seat, running: Arc<Running>) -> Rc<Self> {
        let seed = net::clock::sync().0 ^ (seat.worker as u64) << 48 ^ random_seed();
        let shared = running.shared.clone();
        let http = http::Worker::new(shared.clone(), running.http.clone(), seed);
        let http = Rc::new(http);
        let logs = http.logs.clone();
        let stream = stream::Worker::new(shared, logs, running.stream.clone(), !seed);
        tokio::task::spawn_local(http.logs.clone().run());
        Rc::new(Self {
            http,
            stream: Rc::new(stream),
            errors: Rc::new(RefCell::new(running.config.clone())),
        })
    }

    fn serve(self: Rc<Self>, accepted: Accepted) -> impl Future<Output = ()> + 'static {
        // The listener's index belongs to the configuration of this moment.
        let moment = Moment {
            http: (self.http.clone(), self.http.config()),
            stream: (self.stream.clone(), self.stream.config()),
            config: self.errors.borrow().clone(),
        };
        moment.serve(accepted)
    }

    fn serve_datagrams(
        self: Rc<Self>,
        client: Datagrams,
        listener: usize,
    ) -> impl Future<Output = ()> + 'static {
        let ports = self.http.config().ports.len();
        let (stream, config) = (self.stream.clone(), self.stream.config());
        async move {
            // Datagrams are of the TCP face only, which has UDP, too.
            if let Some(port) = listener.checked_sub(ports) {
                stream::serve_datagrams(stream, config, client, port).await;
            }
        }
    }

    fn configure(&self, running: Arc<Running>) {
        self.http.configure(running.http.clone());
        self.stream.configure(running.stream.clone());
        *self.errors.borrow_mut() = running.config.clone();
    }

    fn each_second(&self) {
        self.http.logs.each_second();
        self.http.pool.sweep();
    }

    fn end(&self) {
        self.http.logs.flush();
    }

    fn trouble(&self, trouble: Trouble<'_>) {
        let config = self.errors.borrow();
        match trouble {
            Trouble::Accept(address, error) => config.errors.line(
                Severity::Crit,
                0,
                format_args!("accept4() on {address} failed ({error})"),
            ),
            Trouble::Panic => config.errors.line(
                Severity::Alert,
                0,
                format_args!("a connection was closed because of a fault of the server"),
            ),
        }
    }
}

/// What one connection begins with.
struct Moment {
    http: (Rc<http::Worker>, Arc<http::Config>),
    stream: (Rc<stream::Worker>, Arc<stream::Config>),
    config: Arc<Config>,
}

impl Moment {
    /// Serves a connection, which may be passed from server to server.
    async fn serve(self, accepted: Accepted) {
        let Self {
            http: (http, http_config),
            stream: (stream, stream_config),
            config,
        } = self;
        let (mut transport, mut at) = (accepted.transport, accepted.listener);
        let lease = accepted.lease;
        for _ in 0..PASSES_MAX {
            let Some(port) = at.checked_sub(http_config.ports.len()) else {
                return http::serve(http, http_config, transport, at, lease).await;
            };
            // A session holds its state for as long as it lasts; most connections are of the other face.
            let session = stream::serve(stream.clone(), stream_config.clone(), transport, port);
            let Some(passed) = Box::pin(session).await else {
                return;
            };
            let fits =
                |spec: &ListenSpec| !spec.udp && stream::pass::matches(&spec.address, &passed.to);
            let Some(found) = specs(&config).iter().position(fits) else {
                let text = format!("port not found for \"{}\"", passed.to);
                let errors = &config.errors;
                return errors.line(Severity::Error, 0, format_args!("{text}"));
            };
            (transport, at) = (passed.transport, found);
        }
        let text = "a connection was passed on from server to server without an end";
        config
            .errors
            .line(Severity::Error, 0, format_args!("{text}"));
    }
}

/// Random bits of the system; the address of a new allocation would do where there are none.
fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    // Without random bits the load is spread less well, and nothing else suffers.
    got.map_or(0, |_| u64::from_ne_bytes(bytes))
}
