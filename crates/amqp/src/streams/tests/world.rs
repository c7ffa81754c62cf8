//! The stream queues of a shard over a log of their own, called as a host's driver calls them.

use super::super::{Ground, Lent, Streams};
use crate::mail::{
    Answer, Consume, ConsumerId, Delivery, Notice, QueueId, Refusal, Request, SessionId,
    StreamStart, Ticket,
};
use crate::queues::sessions::Sessions;
use crate::run::Run;
use crate::topic_keeper::{TopicError, TopicKeeper, TopicRules};
use base::{BoxFuture, Clock, Entropy, Monotonic, ShardId, Timestamp};
use bytes::Bytes;
use cluster::{Catalog, Identity, Loaded, Partition, Topic};
use commitlog::{Batch, FileWal, Log, Options};
use futures_util::FutureExt;
use kafka_wire::compression::Limits;
use kafka_wire::records::{Record, Records};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::{InPlace, LocalObjects, SimDisk};

pub(super) const ME: SessionId = SessionId(1);
pub(super) const START: i64 = 1_700_000_000_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> Monotonic {
        Monotonic(0)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(START)
    }

    fn sleep_until(&self, _: Monotonic) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

struct Counter(AtomicU64);

impl Entropy for Counter {
    fn random(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Gives two settings their meaning.
struct Keeper(Arc<Catalog>);

impl TopicKeeper for Keeper {
    fn rules(&self, topic: &Topic) -> TopicRules {
        let config = |name: &str| topic.configs.get(name);
        TopicRules {
            batch_bytes_max: config("max.message.bytes")
                .and_then(|value| value.parse().ok())
                .unwrap_or(1 << 20),
            needs_keys: config("cleanup.policy").is_some_and(|policy| policy == "compact"),
        }
    }

    fn create<'a>(
        &'a self,
        name: &'a str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async move { Ok(self.0.create_topic(name, partitions, configs).await?) })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async move { Ok(self.0.delete_topic(name).await?) })
    }
}

/// The stream queues of one shard, and what a host would lend them.
pub(super) struct World {
    pub(super) log: Arc<Log>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) streams: Streams,
    pub(super) sessions: Sessions,
    pub(super) notices: Vec<(SessionId, Notice)>,
    ticket_next: u64,
}

pub(super) fn run(work: impl AsyncFnOnce(&mut World)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut world = World::open().await;
        work(&mut world).await;
    });
}

#[expect(clippy::disallowed_methods, reason = "a test is a driver")]
fn spawn(task: BoxFuture<'static, ()>) {
    tokio::spawn(task);
}

impl World {
    async fn open() -> Self {
        let (disk, pool) = (Arc::new(SimDisk::new()), Arc::new(InPlace));
        let objects = Arc::new(LocalObjects::open(disk.clone(), pool.clone()).expect("opened"));
        let entropy: Arc<dyn Entropy> = Arc::new(Counter(AtomicU64::new(100)));
        let identity = Identity::claim(&*objects, &*entropy, Timestamp(0)).await;
        let identity = identity.expect("claimed");
        let wal = FileWal::open(disk, pool, identity.incarnation, 1 << 20).expect("opened");
        let options = Options {
            incarnation: identity.incarnation,
            epoch: identity.epoch,
            shards: 1,
            producer_expiration: Duration::from_secs(1),
        };
        let ground = commitlog::Ground {
            wal: Arc::new(wal),
            objects,
            clock: Arc::new(Still),
        };
        let opened = Log::open(options, ground, &|_| ()).await.expect("opened");
        opened.tasks.into_iter().for_each(spawn);
        let (log, cells) = (opened.log, commitlog::Cells::default());
        let identity = Identity {
            shards: 1,
            ..identity
        };
        let loaded = Catalog::load(identity, &cells, log.clone(), Arc::new(Still), entropy).await;
        let Loaded { catalog, task } = loaded.expect("loaded");
        spawn(task);
        let catalog = Arc::new(catalog);
        let streams = Streams::new(Ground {
            log: log.clone(),
            catalog: catalog.clone(),
            keeper: Arc::new(Keeper(catalog.clone())),
            clock: Arc::new(Still),
            shard: log.shard(ShardId(0)).clone(),
        });
        Self {
            log,
            catalog,
            streams,
            sessions: Sessions::default(),
            notices: Vec::new(),
            ticket_next: 0,
        }
    }

    pub(super) async fn topic(
        &self,
        name: &str,
        partitions: u32,
        configs: &[(&str, &str)],
    ) -> Vec<QueueId> {
        let configs = configs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let made = self
            .catalog
            .create_topic(name, partitions, configs.collect());
        let made = made.await.expect("made");
        made.partitions
            .iter()
            .map(|Partition { stream, .. }| *stream)
            .collect()
    }

    /// Lets everything under way come to its end, as long as somebody is told something.
    pub(super) async fn settle_down(&mut self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
            while let Some(event) = self.streams.next().now_or_never() {
                let mut lent = Lent {
                    sessions: &mut self.sessions,
                    notices: &mut self.notices,
                };
                self.streams
                    .handle(event, &mut lent)
                    .expect("the log lives");
            }
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.ticket_next += 1;
        Ticket(self.ticket_next)
    }

    pub(super) async fn request(&mut self, session: SessionId, request: Request) {
        let mut lent = Lent {
            sessions: &mut self.sessions,
            notices: &mut self.notices,
        };
        self.streams.request(session, request, &mut lent);
        self.settle_down().await;
    }

    pub(super) async fn ask(
        &mut self,
        request: impl FnOnce(Ticket) -> Request,
    ) -> Result<Answer, Refusal> {
        let asked = self.ticket();
        self.request(ME, request(asked)).await;
        let answer = self.notices.iter().position(
            |(to, notice)| matches!(notice, Notice::Answer { ticket, .. } if (*to, *ticket) == (ME, asked)),
        );
        match self.notices.remove(answer.expect("an answer")).1 {
            Notice::Answer { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn consume(&mut self, queue: QueueId, id: u32, start: StreamStart) {
        let consuming = self
            .ask(|ticket| {
                Request::Consume(Consume {
                    ticket,
                    queue,
                    consumer: ConsumerId(id),
                    tag: String::new(),
                    no_ack: false,
                    exclusive: false,
                    priority: 0,
                    prefetch: NonZeroU32::new(1000),
                    shared: false,
                    start,
                })
            })
            .await;
        assert_eq!(consuming, Ok(Answer::Consuming));
    }

    pub(super) async fn publish(&mut self, queues: &[QueueId], run: &Run) -> Vec<u32> {
        let asked = self.ticket();
        self.streams.publish(ME, asked, queues, run, false);
        self.settle_down().await;
        let mut answers = self.notices.iter().filter_map(|(_, notice)| match notice {
            Notice::Published { ticket, rejected } if *ticket == asked => Some(rejected.clone()),
            _ => None,
        });
        let answer = answers.next().expect("an answer");
        assert!(answers.next().is_none(), "one answer for all queues");
        answer
    }

    /// Appends a batch as the Kafka face does.
    pub(super) async fn produce(&self, stream: QueueId, bytes: Bytes) {
        let landing = self
            .log
            .shard(ShardId(0))
            .append(vec![Batch { stream, bytes }]);
        let outcome = landing.await.expect("taken").await.expect("landed");
        assert!(outcome.expect("the log lives")[0].is_ok());
    }

    pub(super) fn got(&mut self, id: u32) -> Vec<Delivery> {
        let mut got = Vec::new();
        for (_, notice) in &mut self.notices {
            if let Notice::Deliver {
                consumer,
                deliveries,
                ..
            } = notice
                && consumer.0 == id
            {
                got.append(deliveries);
            }
        }
        got
    }

    /// The records of a stream as a Fetch gives them.
    pub(super) async fn fetch(&self, stream: QueueId) -> Vec<Record> {
        let stream = self.log.stream(stream).expect("a stream");
        let batches = self.log.read(&stream, 0, usize::MAX).await.expect("read");
        let records = batches
            .iter()
            .flat_map(|batch| Records::new(batch, Limits::default()).expect("a batch"));
        records.collect::<Result<_, _>>().expect("sound records")
    }
}
