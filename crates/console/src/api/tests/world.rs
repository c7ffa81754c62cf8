//! The API over a catalog on a simulated disk.

use crate::hosts::{Counts, Declaration, Hosts, Refusal};
use crate::{Answer, Api, Head, Method};
use base::{BoxFuture, Clock, Entropy, Monotonic, Timestamp};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cluster::{
    Catalog, Exchange, Identity, Loaded, Made, NewQueue, Partition, QueueKind, Topic, Verifier,
};
use commitlog::{FileWal, Ground, Log, Options};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::{InPlace, LocalObjects, SimDisk};

struct Still;

impl Clock for Still {
    fn now(&self) -> Monotonic {
        Monotonic(0)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(1_000)
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

/// A face that takes every declaration, and has three messages in every queue.
struct Taking(Arc<Catalog>);

impl Hosts for Taking {
    fn declare_exchange(&self, wanted: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            if wanted.kind == "x-unknown" {
                return Err(Refusal::Precondition("unknown exchange type".to_owned()));
            }
            let exchange = Exchange {
                vhost: wanted.vhost.into(),
                name: wanted.name.into(),
                kind: wanted.kind.into(),
                durable: wanted.durable,
                auto_delete: wanted.auto_delete,
                internal: wanted.internal,
                arguments: wanted.arguments,
            };
            let declared = self.0.declare_exchange(exchange).await;
            Ok(declared.expect("the vhost is there").1)
        })
    }

    fn declare_queue(&self, wanted: Declaration) -> BoxFuture<'_, Result<Made, Refusal>> {
        Box::pin(async move {
            let queue = NewQueue {
                vhost: wanted.vhost.into(),
                name: wanted.name.into(),
                kind: QueueKind::Classic,
                durable: wanted.durable,
                auto_delete: wanted.auto_delete,
                exclusive: None,
                levels: 1,
                arguments: wanted.arguments,
            };
            let declared = self.0.declare_queue(queue).await;
            Ok(declared.expect("the vhost is there").1)
        })
    }

    fn delete_queue(
        &self,
        queue: Partition,
        if_unused: bool,
        if_empty: bool,
    ) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            if if_empty || if_unused {
                return Err(Refusal::Precondition("the queue is not empty".to_owned()));
            }
            self.0.delete_queue(queue.stream).await.expect("there");
            Ok(())
        })
    }

    fn purge_queue(&self, _: Partition) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    fn delete_vhost(&self, name: String) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let topology = self.0.topology();
            for queue in topology.vhost(&name).expect("there").queues() {
                self.0.delete_queue(queue.id).await.expect("there");
            }
            self.0.delete_vhost(&name).await.expect("there");
            Ok(())
        })
    }

    fn counts(&self, queues: Vec<Partition>) -> BoxFuture<'_, Vec<Option<Counts>>> {
        let counts = Counts {
            ready: 2,
            unacknowledged: 1,
            consumers: 4,
        };
        Box::pin(async move { vec![Some(counts); queues.len()] })
    }

    fn stream_arguments(&self, _: &Topic) -> Bytes {
        let table = amqp_wire::Table::from_iter([("x-queue-type", "stream")]);
        table.to_bytes().expect("short")
    }
}

/// A node to ask.
pub(super) struct World {
    pub(super) api: Api,
    pub(super) catalog: Arc<Catalog>,
}

/// Runs `work` against a node that has just been started for the first time.
pub(super) fn run(work: impl AsyncFnOnce(&World)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (disk, pool) = (Arc::new(SimDisk::new()), Arc::new(InPlace));
        let objects = Arc::new(LocalObjects::open(disk.clone(), pool.clone()).expect("opened"));
        let entropy: Arc<dyn Entropy> = Arc::new(Counter(AtomicU64::new(100)));
        let identity = Identity::claim(&*objects, &*entropy, Timestamp(0)).await;
        let identity = identity.expect("claimed");
        let wal = FileWal::open(disk, pool.clone(), identity.incarnation, 1 << 20);
        let options = Options {
            incarnation: identity.incarnation,
            epoch: identity.epoch,
            shards: identity.shards,
            producer_expiration: Duration::from_secs(1),
        };
        let ground = Ground {
            wal: Arc::new(wal.expect("opened")),
            objects,
            clock: Arc::new(Still),
        };
        let opened = Log::open(options, ground, &|_| ()).await.expect("opened");
        opened.tasks.into_iter().for_each(spawn);
        let cells = opened.cells.into_values().next().unwrap_or_default();
        let clock = Arc::new(Still);
        let loaded = Catalog::load(identity, &cells, opened.log, clock, entropy.clone()).await;
        let Loaded { catalog, task } = loaded.expect("loaded");
        spawn(task);
        let catalog = Arc::new(catalog);
        let hosts = Arc::new(Taking(catalog.clone()));
        let verifier = Arc::new(Verifier::new(pool.clone(), &*entropy));
        let api = Api::new(catalog.clone(), hosts, verifier, pool, entropy, "0.0.0");
        work(&World { api, catalog }).await;
    });
}

#[expect(clippy::disallowed_methods, reason = "a test is a driver")]
fn spawn(task: BoxFuture<'static, ()>) {
    tokio::spawn(task);
}

/// Asks as a user: `METHOD /path?query`.
pub(super) async fn ask_as(world: &World, user: &str, request: &str, body: &str) -> Answer {
    let (method, target) = request.split_once(' ').expect("a method and a path");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let head = Head {
        method: match method {
            "GET" => Method::Get,
            "PUT" => Method::Put,
            "POST" => Method::Post,
            _ => Method::Delete,
        },
        path: path.to_owned(),
        query: Some(query.to_owned()),
        authorization: Some(format!("Basic {}", BASE64_STANDARD.encode(user))),
        loopback: true,
    };
    match world.api.login(&head).await {
        Ok(caller) => {
            let body = Bytes::copy_from_slice(body.as_bytes());
            world.api.answer(&caller, &head, &body).await
        }
        Err(refused) => refused,
    }
}

/// Asks as guest; the status and the JSON of the answer.
pub(super) async fn ask(world: &World, request: &str, body: &str) -> (u16, Value) {
    let answer = ask_as(world, "guest:guest", request, body).await;
    let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    (answer.status, value)
}
