//! Taking the data: lock, identity, recovery, catalog.

use crate::platform::{BlockingPool, SystemEntropy};
use base::{Clock, Epoch, Monotonic, ShardId};
use cluster::{Catalog, Identity, IdentityError, Loaded};
use commitlog::{FileWal, Ground, Log, OpenError, Opened, Options, RecoveryProgress, Report};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{LocalObjects, LockError, OsDisk};
use tokio_util::task::TaskTracker;

/// Length at which a WAL file is ended and another one begun, in bytes: large enough that few files
/// are open, small enough that recovery, which reads the last ones whole, stays within a second.
const WAL_FILE_BYTES_MAX: u32 = 128 << 20;
/// How often a long recovery says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Why the data could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process has it, or it cannot be opened.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory does not answer.
    #[error("the data directory cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// Its identity cannot be read or claimed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The log cannot be recovered.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log failed as soon as it was open.
    #[error(transparent)]
    Closed(#[from] commitlog::Closed),
}

/// The data, recovered and ready.
pub(crate) struct Storage {
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    /// The durable cells of every shard, for coordinators to start from.
    pub(crate) cells: BTreeMap<ShardId, commitlog::Cells>,
    pub(crate) recovery: Recovery,
}

/// What was found and how long it took.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// What was found.
    pub report: Report,
    /// How long it took.
    pub took: Duration,
    /// Which start of this data it is.
    pub epoch: Epoch,
}

/// Takes the data below `root`. The log's tasks run on `tasks` and end when the log is dropped.
pub(crate) async fn open(
    root: &Path,
    producer_expiration: Duration,
    clock: Arc<dyn Clock>,
    tasks: &TaskTracker,
) -> Result<Storage, StorageError> {
    let began = Instant::now();
    let disk = Arc::new(OsDisk::lock(root)?);
    let pool = Arc::new(BlockingPool(tokio::runtime::Handle::current()));
    let objects = Arc::new(LocalObjects::open(disk.clone(), pool.clone())?);
    let entropy = Arc::new(SystemEntropy);
    let identity = Identity::claim(&*objects, &*entropy, clock.wall()).await?;
    let wal = Arc::new(FileWal::open(
        disk,
        pool,
        identity.incarnation,
        WAL_FILE_BYTES_MAX,
    )?);
    let options = Options {
        incarnation: identity.incarnation,
        epoch: identity.epoch,
        shards: identity.shards,
        producer_expiration,
    };
    let progress = ProgressLine::new(clock.clone());
    let ground = Ground {
        wal,
        objects,
        clock: clock.clone(),
    };
    let Opened {
        log,
        mut cells,
        report,
        tasks: log_tasks,
    } = Log::open(options, ground, &|at| progress.report(at)).await?;
    for task in log_tasks {
        tasks.spawn(task);
    }
    let epoch = identity.epoch;
    let catalog_cells = cells.entry(ShardId(0)).or_default();
    let Loaded { catalog, task } =
        Catalog::load(identity, catalog_cells, log.clone(), clock, entropy).await?;
    tasks.spawn(task);
    let catalog = Arc::new(catalog);
    Ok(Storage {
        log,
        catalog,
        cells,
        recovery: Recovery {
            report,
            took: began.elapsed(),
            epoch,
        },
    })
}

/// Says how far a recovery is, when it is a long one.
struct ProgressLine {
    clock: Arc<dyn Clock>,
    last: std::sync::Mutex<Monotonic>,
}

impl ProgressLine {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let last = std::sync::Mutex::new(clock.now());
        Self { clock, last }
    }

    fn report(&self, at: RecoveryProgress) {
        let now = self.clock.now();
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if now - *last >= PROGRESS_INTERVAL {
            *last = now;
            tracing::info!(files = at.done, of = at.total, "recovering");
        }
    }
}
