//! Queues over a real log on a simulated disk, driven by hand: when nothing can happen any more, time passes.

use crate::client::Client;
use crate::topics::Topics;
use amqp::Broker;
use amqp::queues::{Ground, Opened, Queues, TRANSIENT_BYTES_MAX_DEFAULT};
use amqp_wire::{Table, Value};
use base::{BoxFuture, Clock, Entropy, Monotonic, Timestamp};
use cluster::{Catalog, Identity, Loaded, NewQueue, Queue, QueueKind, Verifier};
use commitlog::{FileWal, Log, Options};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use store::{Disk, InPlace, LocalObjects, SimDisk};

/// Wall-clock time at the start, milliseconds since 1970.
pub(crate) const START: i64 = 1_700_000_000_000;

/// A clock that moves only when a test lets it.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<ClockState>);

#[derive(Default)]
struct ClockState {
    now: AtomicU64,
    sleepers: Mutex<BTreeMap<(u64, u64), Waker>>,
    next: AtomicU64,
}

struct Sleep {
    clock: TestClock,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.clock.now().0 >= self.key.0 {
            return Poll::Ready(());
        }
        let mut sleepers = self.clock.0.sleepers.lock().unwrap();
        sleepers.insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.0.sleepers.lock().unwrap().remove(&self.key);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Monotonic {
        Monotonic(self.0.now.load(Ordering::Relaxed))
    }

    fn wall(&self) -> Timestamp {
        Timestamp(START + i64::try_from(self.now().0).unwrap())
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<'static, ()> {
        let key = (deadline.0, self.0.next.fetch_add(1, Ordering::Relaxed));
        Box::pin(Sleep {
            clock: self.clone(),
            key,
        })
    }
}

impl TestClock {
    /// Moves to the next moment that somebody waits for; `false` where nobody does.
    fn pass(&self) -> bool {
        let first = self.0.sleepers.lock().unwrap().pop_first();
        let Some(((at, _), waker)) = first else {
            return false;
        };
        self.0.now.fetch_max(at, Ordering::Relaxed);
        waker.wake();
        true
    }
}

/// Counts up, so that ids differ and runs do not.
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn random(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One start of a broker. Dropping it is a kill without notice.
pub(crate) struct World {
    pub(crate) broker: Arc<Broker>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: TestClock,
    pub(crate) disk: SimDisk,
    tasks: RefCell<Vec<BoxFuture<'static, ()>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::start(SimDisk::new(), TestClock::default())
    }

    /// Kills the broker, and starts another on what is durable.
    pub(crate) fn restarted(self) -> Self {
        let (disk, clock) = (self.disk.clone(), self.clock.clone());
        drop(self);
        Self::start(disk, clock)
    }

    /// Lets everybody go in order, without any time passing, and starts another broker.
    pub(crate) fn stopped(self) -> Self {
        let Self {
            queues,
            log,
            catalog,
            clock,
            disk,
            tasks,
            broker,
        } = self;
        drop((queues, log, catalog, broker));
        let ended = std::future::poll_fn(|cx| {
            if tasks.borrow().is_empty() {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        drive(&tasks, &clock, ended);
        Self::start(disk, clock)
    }

    fn start(disk: SimDisk, clock: TestClock) -> Self {
        let tasks = RefCell::new(Vec::new());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let (disk_seam, pool) = (Arc::new(disk.clone()), Arc::new(InPlace));
        let (broker, queues, log, catalog) = drive(&tasks, &clock, async {
            let objects =
                Arc::new(LocalObjects::open(disk_seam.clone(), pool.clone()).expect("opened"));
            let seed = clock.now().0 * 1_000_000 + 1000;
            let entropy: Arc<dyn Entropy> = Arc::new(Counter(AtomicU64::new(seed)));
            let identity = Identity::claim(&*objects, &*entropy, Timestamp(0))
                .await
                .expect("claimed");
            let wal = FileWal::open(disk_seam, pool, identity.incarnation, 4 << 20);
            let options = Options {
                incarnation: identity.incarnation,
                epoch: identity.epoch,
                shards: identity.shards,
                producer_expiration: Duration::from_hours(1),
            };
            let ground = commitlog::Ground {
                wal: Arc::new(wal.expect("opened")),
                objects,
                clock: shared.clone(),
            };
            let opened = Log::open(options, ground, &|_| ())
                .await
                .expect("recovered");
            let log = opened.log;
            tasks.borrow_mut().extend(opened.tasks);
            let cells = opened.cells;
            let catalog_cells = cells.get(&base::ShardId(0)).cloned().unwrap_or_default();
            let Loaded { catalog, task } = Catalog::load(
                identity,
                &catalog_cells,
                log.clone(),
                shared.clone(),
                entropy.clone(),
            )
            .await
            .expect("loaded");
            tasks.borrow_mut().push(task);
            let catalog = Arc::new(catalog);
            let topics = Arc::new(Topics(catalog.clone()));
            let Opened {
                queues,
                tasks: more,
            } = Queues::open(Ground {
                log: log.clone(),
                cells: &cells,
                catalog: catalog.clone(),
                topics: topics.clone(),
                clock: shared,
                transient_bytes_max: TRANSIENT_BYTES_MAX_DEFAULT,
            });
            tasks.borrow_mut().extend(more);
            let broker = broker(&catalog, topics, entropy);
            (broker, queues, log, catalog)
        });
        Self {
            broker,
            queues,
            log,
            catalog,
            clock,
            disk,
            tasks,
        }
    }

    /// Flips a bit of the first place in the log's files that holds `text`; false where none does.
    pub(crate) fn damage(&self, text: &str) -> bool {
        self.disk.list("wal").expect("listed").iter().any(|entry| {
            let path = format!("wal/{}", entry.name);
            let file = self.disk.open(&path).expect("there");
            let len = usize::try_from(entry.len).expect("small");
            let content = file.read_at(0, len).expect("readable");
            let at = content
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            at.is_some_and(|at| self.disk.flip_bit(&path, at, 0))
        })
    }

    /// Runs `work` to its end. Where everybody waits, time passes to the next moment that somebody waits for.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        drive(&self.tasks, &self.clock, work)
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.run(self.clock.sleep_until(self.clock.now() + time));
    }

    /// A new connection.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.queues.clone())
    }

    /// Declares a durable queue with these arguments.
    pub(crate) fn declare(&self, name: &str, arguments: &[(&'static str, Value)]) -> Arc<Queue> {
        let arguments: Table = arguments.iter().cloned().collect();
        let queue = NewQueue {
            vhost: "/".into(),
            name: name.into(),
            kind: QueueKind::Classic,
            durable: true,
            auto_delete: false,
            exclusive: None,
            levels: 1,
            arguments: arguments.to_bytes().expect("short"),
        };
        self.run(self.catalog.declare_queue(queue))
            .expect("declared")
            .0
    }

    /// The queue of this name, where it is declared.
    pub(crate) fn queue(&self, name: &str) -> Option<Arc<Queue>> {
        self.catalog.topology().queue("/", name).cloned()
    }
}

fn broker(catalog: &Arc<Catalog>, topics: Arc<Topics>, entropy: Arc<dyn Entropy>) -> Arc<Broker> {
    Broker::new(amqp::Ground {
        catalog: catalog.clone(),
        verifier: Arc::new(Verifier::new(Arc::new(InPlace), &*entropy)),
        topics,
        entropy,
    })
}

/// Polls `work` and the tasks until `work` is done.
fn drive<T>(
    tasks: &RefCell<Vec<BoxFuture<'static, ()>>>,
    clock: &TestClock,
    work: impl Future<Output = T>,
) -> T {
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(flag.clone());
    let mut cx = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        flag.0.store(false, Ordering::Relaxed);
        if let Poll::Ready(done) = work.as_mut().poll(&mut cx) {
            return done;
        }
        tasks
            .borrow_mut()
            .retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
        if !flag.0.load(Ordering::Relaxed) {
            assert!(clock.pass(), "nothing will ever happen again");
        }
    }
}
