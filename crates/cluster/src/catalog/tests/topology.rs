//! RabbitMQ's topology across restarts.

use super::run;
use crate::topology::{Binding, Destination, Exchange, NewQueue, Permission, QueueKind, User};
use crate::{Catalog, Made, PasswordHash, TopologyError};
use base::StreamId;
use bytes::Bytes;
use commitlog::{Batch, Log};
use futures_util::future::join_all;
use std::sync::Arc;
use store::SimDisk;

fn exchange(name: &str, durable: bool) -> Exchange {
    Exchange {
        vhost: "/".into(),
        name: name.into(),
        kind: "topic".into(),
        durable,
        auto_delete: false,
        internal: false,
        arguments: Bytes::from("arguments"),
    }
}

fn queue(name: &str, durable: bool, exclusive: Option<u64>) -> NewQueue {
    NewQueue {
        vhost: "/".into(),
        name: name.into(),
        kind: QueueKind::Quorum,
        durable,
        auto_delete: false,
        exclusive,
        levels: 3,
        arguments: Bytes::from("arguments"),
    }
}

fn binding(source: &str, queue: &str) -> Binding {
    Binding {
        vhost: "/".into(),
        source: source.into(),
        destination: Destination::Queue(queue.into()),
        routing_key: "key".into(),
        arguments: Bytes::new(),
    }
}

/// A record batch, as kafka-python writes it.
const BATCH: &[u8] =
    include_bytes!("../../../../../fuzz/corpus/record_batch/kpy3-v2-none-small.bin");

/// Opens a queue's streams and puts something into each, as its host does.
async fn open(catalog: &Catalog, log: &Log, name: &str) {
    let queue = catalog.topology().queue("/", name).cloned().expect("there");
    for stream in queue.streams() {
        let shard = log.shard(queue.shard);
        shard.open(stream).await.expect("opened");
        let batch = Batch {
            stream,
            bytes: Bytes::from_static(BATCH),
        };
        let appended = shard.append(vec![batch]).await.expect("taken");
        let outcome = appended.await.expect("answered").expect("open");
        assert!(outcome[0].is_ok(), "{outcome:?}");
    }
}

/// A second vhost, and a user who may do something in it.
async fn give_kim(catalog: &Catalog) {
    catalog.put_vhost("other").await.expect("made");
    let kim = User {
        name: "kim".into(),
        password: PasswordHash::rabbit_sha256(b"geheim", 1),
        tags: vec!["management".to_owned()],
    };
    assert_eq!(catalog.put_user(kim.clone()).await, Ok(Made::New));
    assert_eq!(catalog.put_user(kim).await, Ok(Made::Existing));
    let permission = Permission {
        user: "kim".into(),
        vhost: "other".into(),
        configure: "^kim".into(),
        write: "".into(),
        read: ".*".into(),
    };
    assert_eq!(catalog.set_permission(permission).await, Ok(Made::New));
}

fn names(catalog: &Catalog) -> Vec<String> {
    let topology = catalog.topology();
    let queues = topology.queues().map(|queue| queue.name.to_string());
    queues.collect()
}

#[test]
fn the_first_start_makes_a_vhost_and_guest_and_they_do_not_come_back() {
    let disk = SimDisk::new();
    run(&disk, async |catalog, _| {
        let topology = catalog.topology();
        let guest = topology.user("guest").expect("made");
        assert!(guest.password.verify(b"guest") && !guest.password.verify(b"gast"));
        assert_eq!(guest.tags, ["administrator"]);
        let permission = topology.permission("guest", "/").expect("made");
        assert_eq!((&*permission.configure, &*permission.read), (".*", ".*"));
        assert_eq!(
            topology
                .vhosts()
                .map(|vhost| &**vhost.name())
                .collect::<Vec<_>>(),
            ["/"]
        );
        catalog.delete_vhost("/").await.expect("removed");
        catalog.delete_user("guest").await.expect("removed");
        assert_eq!(
            catalog.delete_user("guest").await,
            Err(TopologyError::NoUser)
        );
    });
    run(&disk.process_kill(), async |catalog, _| {
        let topology = catalog.topology();
        assert_eq!((topology.vhosts().len(), topology.users().len()), (0, 0));
        assert_eq!(topology.permissions().count(), 0);
    });
}

#[test]
fn what_is_durable_survives_a_kill_and_nothing_else() {
    let disk = SimDisk::new();
    let kept = run(&disk, async |catalog, log| {
        give_kim(catalog).await;
        for (name, durable) in [("kept", true), ("lost", false)] {
            let declared = catalog.declare_exchange(exchange(name, durable)).await;
            assert_eq!(declared.expect("made").1, Made::New);
            let declared = catalog.declare_queue(queue(name, durable, None)).await;
            assert_eq!(declared.expect("made").1, Made::New);
        }
        catalog
            .declare_queue(queue("mine", true, Some(1)))
            .await
            .expect("made");
        for (source, queue) in [
            ("kept", "kept"),
            ("kept", "lost"),
            ("lost", "kept"),
            ("amq.topic", "kept"),
        ] {
            assert_eq!(catalog.bind(binding(source, queue)).await, Ok(Made::New));
        }
        assert_eq!(names(catalog), ["kept", "lost", "mine"]);
        open(catalog, log, "kept").await;
        catalog.topology()
    });
    run(&disk.process_kill(), async |catalog, log| {
        let topology = catalog.topology();
        assert_eq!(names(catalog), ["kept"]);
        assert_eq!(topology.queue("/", "kept"), kept.queue("/", "kept"));
        assert_eq!(topology.exchange("/", "kept"), kept.exchange("/", "kept"));
        assert_eq!(topology.exchange("/", "lost"), None);
        let bindings: Vec<_> = topology
            .vhost("/")
            .expect("there")
            .bindings()
            .cloned()
            .collect();
        let expected = ["amq.topic", "kept"].map(|source| Arc::new(binding(source, "kept")));
        assert_eq!(bindings, expected);
        assert_eq!(topology.user("kim"), kept.user("kim"));
        assert_eq!(
            topology.permission("kim", "other"),
            kept.permission("kim", "other")
        );
        assert_eq!(
            log.streams().len(),
            3,
            "the streams of a queue are no orphans"
        );
        let (next, _) = catalog
            .declare_queue(queue("next", false, None))
            .await
            .expect("made");
        assert!(
            next.id > kept.queue("/", "mine").expect("there").id,
            "no id is given out twice"
        );
    });
}

#[test]
fn a_queue_takes_its_streams_with_it_and_a_crash_leaves_none() {
    let disk = SimDisk::new();
    let id = run(&disk, async |catalog, log| {
        catalog
            .declare_queue(queue("a", true, None))
            .await
            .expect("made");
        let (b, _) = catalog
            .declare_queue(queue("b", true, None))
            .await
            .expect("made");
        open(catalog, log, "a").await;
        open(catalog, log, "b").await;
        assert_eq!(log.streams().len(), 6);
        let a = catalog.topology().queue("/", "a").expect("there").id;
        catalog.delete_queue(a).await.expect("removed");
        assert_eq!(catalog.delete_queue(a).await, Err(TopologyError::NoQueue));
        assert_eq!(log.streams().len(), 3);
        // A crash between the removal of the cell and that of the streams.
        let cell = commitlog::Cell {
            kind: commitlog::Kind::Catalog,
            key: super::super::read::Class::Queue.key(&b.key()),
            value: None,
        };
        log.shard(super::super::CATALOG_SHARD)
            .write(vec![cell])
            .await
            .expect("written");
        b.id
    });
    run(&disk.process_kill(), async |catalog, log| {
        assert_eq!(names(catalog), [""; 0]);
        assert!(log.streams().is_empty() && log.stream(id).is_none());
    });
}

#[test]
fn transient_queues_cost_no_write_and_no_id_twice() {
    let disk = SimDisk::new();
    let last = run(&disk, async |catalog, log| {
        // The first one reserves ids.
        catalog
            .declare_queue(queue("first", false, None))
            .await
            .expect("made");
        let (blocks, version) = (log.figures().wal_blocks, catalog.version());
        let mut last = StreamId(0);
        for round in 0..100_u64 {
            let name = round.to_string();
            let (queue, _) = catalog
                .declare_queue(queue(&name, false, Some(7)))
                .await
                .expect("made");
            catalog
                .bind(binding("amq.fanout", &name))
                .await
                .expect("bound");
            catalog.delete_queue(queue.id).await.expect("removed");
            last = queue.id;
        }
        assert_eq!(log.figures().wal_blocks, blocks);
        assert_eq!(catalog.version(), version + 300);
        last
    });
    run(&disk.process_kill(), async |catalog, _| {
        let (queue, _) = catalog
            .declare_queue(queue("next", true, None))
            .await
            .expect("made");
        assert!(queue.id > last);
    });
}

#[test]
fn changes_that_wait_together_share_a_sync_and_each_is_answered_for_itself() {
    let disk = SimDisk::new();
    run(&disk, async |catalog, log| {
        let blocks = log.figures().wal_blocks;
        let declare = |name: String, vhost: &'static str| {
            let queue = NewQueue {
                vhost: vhost.into(),
                ..queue(&name, true, None)
            };
            catalog.declare_queue(queue)
        };
        let vhosts = ["/", "nowhere"];
        let outcomes = join_all((0..50).map(|n| declare((n / 2).to_string(), vhosts[n % 2]))).await;
        let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let refused = outcomes
            .iter()
            .filter(|outcome| **outcome == Err(TopologyError::NoVhost))
            .count();
        assert_eq!((made, refused), (25, 25));
        assert!(log.figures().wal_blocks - blocks < 25);
        assert_eq!(names(catalog).len(), 25);
    });
    run(&disk.process_kill(), async |catalog, _| {
        assert_eq!(names(catalog).len(), 25)
    });
}

#[test]
fn topics_are_bound_as_stream_queues_for_as_long_as_they_are_some() {
    let disk = SimDisk::new();
    let bound = |catalog: &Catalog| catalog.topology().binding_count();
    run(&disk, async |catalog, _| {
        let to = |queue: &str| catalog.bind(binding("amq.topic", queue));
        assert_eq!(to("orders").await, Err(TopologyError::NoQueue));
        for (topic, partitions) in [("orders", 1), ("grows", 1), ("many", 3)] {
            let configs = std::collections::BTreeMap::new();
            let made = catalog.create_topic(topic, partitions, configs).await;
            made.expect("made");
        }
        for queue in ["orders", "grows", "many-2"] {
            assert_eq!(to(queue).await, Ok(Made::New), "{queue}");
        }
        assert_eq!(to("many").await, Err(TopologyError::NoQueue));
    });
    let disk = disk.process_kill();
    run(&disk, async |catalog, _| {
        assert_eq!(bound(catalog), 3);
        let version = catalog.version();
        catalog.add_partitions("grows", 2).await.expect("more");
        catalog.add_partitions("many", 4).await.expect("more");
        assert_eq!(bound(catalog), 2, "grows is no stream queue any more");
        catalog.delete_topic("many").await.expect("removed");
        assert_eq!(bound(catalog), 1);
        assert_eq!(catalog.version(), version + 3);
    });
    run(&disk.process_kill(), async |catalog, _| {
        let topology = catalog.topology();
        let vhost = topology.vhost("/").expect("there");
        let left: Vec<_> = vhost
            .bindings()
            .map(|of| of.destination.name().to_string())
            .collect();
        assert_eq!(left, ["orders"]);
    });
}
