//! The catalog over a simulated disk, across restarts.

mod topology;

use super::{Catalog, ChangeError, Loaded};
use crate::identity::Identity;
use base::{BoxFuture, Clock, Entropy, Monotonic, Timestamp};
use commitlog::{FileWal, Ground, Log, Options};
use std::collections::BTreeMap;
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

/// Starts on `disk`, does `work` and is killed without notice.
fn run<T>(disk: &SimDisk, work: impl AsyncFnOnce(&Catalog, &Log) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (disk, pool) = (Arc::new(disk.clone()), Arc::new(InPlace));
        let objects = Arc::new(LocalObjects::open(disk.clone(), pool.clone()).expect("opened"));
        let entropy: Arc<dyn Entropy> = Arc::new(Counter(AtomicU64::new(100)));
        let identity = Identity::claim(&*objects, &*entropy, Timestamp(0))
            .await
            .expect("claimed");
        let wal =
            Arc::new(FileWal::open(disk, pool, identity.incarnation, 1 << 20).expect("opened"));
        let options = Options {
            incarnation: identity.incarnation,
            epoch: identity.epoch,
            shards: identity.shards,
            producer_expiration: Duration::from_secs(1),
        };
        let opened = Log::open(
            options,
            Ground {
                wal,
                objects,
                clock: Arc::new(Still),
            },
            &|_| (),
        )
        .await
        .expect("recovered");
        for task in opened.tasks {
            spawn(task);
        }
        let cells = opened
            .cells
            .get(&super::CATALOG_SHARD)
            .cloned()
            .unwrap_or_default();
        let loaded = Catalog::load(
            identity,
            &cells,
            opened.log.clone(),
            Arc::new(Still),
            entropy,
        )
        .await;
        let Loaded { catalog, task } = loaded.expect("loaded");
        spawn(task);
        work(&catalog, &opened.log).await
    })
}

#[expect(clippy::disallowed_methods, reason = "a test is a driver")]
fn spawn(task: BoxFuture<'static, ()>) {
    tokio::spawn(task);
}

#[test]
fn topics_survive_a_kill_and_their_streams_are_never_used_again() {
    let disk = SimDisk::new();
    let (kept, gone) = run(&disk, async |catalog, log| {
        let kept = catalog
            .create_topic(
                "kept",
                3,
                BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            )
            .await
            .expect("made");
        assert_eq!(
            catalog.create_topic("kept", 1, BTreeMap::new()).await,
            Err(ChangeError::Exists)
        );
        let gone = catalog
            .create_topic("gone", 2, BTreeMap::new())
            .await
            .expect("made");
        assert_eq!(log.streams().len(), 5);
        catalog.delete_topic("gone").await.expect("removed");
        assert_eq!(
            catalog.delete_topic("gone").await,
            Err(ChangeError::Unknown)
        );
        assert_eq!(log.streams().len(), 3);
        (kept, gone)
    });
    run(&disk.process_kill(), async |catalog, log| {
        let topics = catalog.topics();
        assert_eq!(topics.iter().collect::<Vec<_>>(), [&kept]);
        assert_eq!(topics.by_id(kept.id), Some(&kept));
        assert!(topics.by_id(gone.id).is_none());
        assert_eq!(
            log.streams().len(),
            3,
            "streams without a batch exist again"
        );
        let again = catalog
            .create_topic("gone", 1, BTreeMap::new())
            .await
            .expect("made");
        assert!(again.partitions[0].stream > gone.partitions[1].stream);
        let grown = catalog.add_partitions("kept", 4).await.expect("more");
        assert_eq!(grown.partitions[..3], kept.partitions[..]);
        assert_eq!(
            catalog.add_partitions("kept", 4).await,
            Err(ChangeError::NotMore(4))
        );
    });
}

#[test]
fn producer_ids_are_never_given_out_twice() {
    let disk = SimDisk::new();
    let first = run(&disk, async |catalog, _| {
        [catalog.producer_id().await, catalog.producer_id().await]
    });
    assert_eq!(first, [Ok(0), Ok(1)]);
    let second = run(&disk.power_loss(1), async |catalog, _| {
        catalog.producer_id().await.expect("given")
    });
    assert!(second > 1, "{second}");
}
