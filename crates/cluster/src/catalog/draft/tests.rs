//! Changes of the topology and the cells that they write.

use super::super::ids::Ids;
use super::super::read::Class;
use super::{
    Binding, Destination, Draft, Exchange, Made, NewQueue, Permission, Topology, TopologyError,
};
use crate::password::PasswordHash;
use crate::topology::{QueueKind, User};
use base::{ShardId, StreamId, Timestamp};
use bytes::Bytes;
use commitlog::{Cell, Kind};
use std::sync::Arc;

/// Shards of the data under test.
const SHARDS: u16 = 8;

fn draft() -> Draft {
    let ids = Ids::new(SHARDS, 0, 0);
    let mut draft = Draft::new(Topology::default(), Arc::default(), ids, Timestamp(1));
    assert_eq!(draft.put_vhost(&"/".into()), Ok(Made::New));
    draft.cells.clear();
    draft
}

fn exchange(name: &str, auto_delete: bool, durable: bool) -> Exchange {
    Exchange {
        vhost: "/".into(),
        name: name.into(),
        kind: "direct".into(),
        durable,
        auto_delete,
        internal: false,
        arguments: Bytes::new(),
    }
}

fn queue(name: &str, durable: bool, levels: u16) -> NewQueue {
    NewQueue {
        vhost: "/".into(),
        name: name.into(),
        kind: QueueKind::Classic,
        durable,
        auto_delete: false,
        exclusive: None,
        levels,
        arguments: Bytes::new(),
    }
}

fn binding(source: &str, destination: Destination, key: &str) -> Binding {
    Binding {
        vhost: "/".into(),
        source: source.into(),
        destination,
        routing_key: key.into(),
        arguments: Bytes::new(),
    }
}

fn to_queue(name: &str) -> Destination {
    Destination::Queue(name.into())
}

fn to_exchange(name: &str) -> Destination {
    Destination::Exchange(name.into())
}

/// What was written since the last call: the classes, and whether each cell is there.
fn written(draft: &mut Draft) -> Vec<(Class, bool)> {
    let class = |cell: &Cell| {
        let (class, _) = Class::of(&cell.key).expect("a cell of the catalog");
        assert_eq!(cell.kind, Kind::Catalog);
        (class, cell.value.is_some())
    };
    draft.cells.drain(..).map(|cell| class(&cell)).collect()
}

#[test]
fn all_levels_of_a_queue_are_in_the_shard_of_the_first() {
    let mut draft = draft();
    let (first, made) = draft.declare_queue(queue("a", true, 10)).expect("made");
    assert_eq!(
        (first.id, first.shard, made),
        (StreamId(0), ShardId(0), Made::New)
    );
    assert_eq!(
        first.streams().map(|id| id.0).collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    let (second, _) = draft.declare_queue(queue("b", true, 0)).expect("made");
    assert_eq!(
        (second.id, second.shard, second.levels),
        (StreamId(10), ShardId(2), 1)
    );
    let (again, made) = draft.declare_queue(queue("a", false, 1)).expect("there");
    assert_eq!((again, made), (first, Made::Existing));
    assert!(matches!(
        draft.declare_queue(queue("c", true, 257)),
        Err(TopologyError::TooLong(..))
    ));
}

#[test]
fn only_what_is_durable_at_both_ends_is_written() {
    let mut draft = draft();
    for (name, durable) in [("kept", true), ("lost", false)] {
        draft
            .declare_exchange(exchange(name, false, durable))
            .expect("made");
        draft.declare_queue(queue(name, durable, 1)).expect("made");
    }
    let mine = NewQueue {
        exclusive: Some(1),
        ..queue("mine", true, 1)
    };
    draft.declare_queue(mine).expect("made");
    assert_eq!(
        written(&mut draft),
        [(Class::Exchange, true), (Class::Queue, true)]
    );
    for (source, destination, stored) in [
        ("kept", to_queue("kept"), true),
        ("kept", to_queue("lost"), false),
        ("kept", to_queue("mine"), false),
        ("lost", to_queue("kept"), false),
        ("amq.topic", to_exchange("kept"), true),
        ("amq.topic", to_exchange("lost"), false),
    ] {
        let binding = binding(source, destination, "k");
        assert_eq!(draft.bind(binding.clone()), Ok(Made::New));
        assert_eq!(draft.bind(binding.clone()), Ok(Made::Existing));
        let expected: &[_] = if stored {
            &[(Class::Binding, true)]
        } else {
            &[]
        };
        assert_eq!(written(&mut draft), expected, "{binding:?}");
        assert_eq!(draft.unbind(&binding), Ok(true));
        assert_eq!(draft.unbind(&binding), Ok(false));
        let expected: &[_] = if stored {
            &[(Class::Binding, false)]
        } else {
            &[]
        };
        assert_eq!(written(&mut draft), expected, "{binding:?}");
    }
    assert_eq!(draft.topology.binding_count(), 0);
}

#[test]
fn a_queue_takes_its_bindings_and_auto_delete_exchanges_with_it() {
    let mut draft = draft();
    let (queue, _) = draft.declare_queue(queue("q", true, 2)).expect("made");
    for name in ["first", "second"] {
        draft
            .declare_exchange(exchange(name, true, true))
            .expect("made");
    }
    draft
        .declare_exchange(exchange("stays", false, true))
        .expect("made");
    for binding in [
        binding("stays", to_exchange("first"), "k"),
        binding("first", to_exchange("second"), "k"),
        binding("second", to_queue("q"), "k"),
        binding("amq.fanout", to_queue("q"), ""),
    ] {
        assert_eq!(draft.bind(binding), Ok(Made::New));
    }
    draft.cells.clear();
    assert_eq!(draft.delete_queue(queue.id), Ok(queue.clone()));
    assert_eq!(draft.delete_queue(queue.id), Err(TopologyError::NoQueue));
    let names: Vec<_> = draft
        .topology
        .vhost("/")
        .expect("there")
        .exchanges()
        .collect();
    assert!(names.iter().any(|exchange| &*exchange.name == "stays"));
    assert!(
        !names.iter().any(|exchange| exchange.auto_delete),
        "{names:?}"
    );
    assert_eq!(draft.topology.binding_count(), 0);
    let mut cells = written(&mut draft);
    cells.sort();
    let gone = |class| (class, false);
    assert_eq!(
        cells,
        [
            Class::Exchange,
            Class::Exchange,
            Class::Queue,
            Class::Binding,
            Class::Binding,
            Class::Binding,
            Class::Binding
        ]
        .map(gone)
    );
    let streams: Vec<_> = draft.removed.iter().map(|gone| gone.stream).collect();
    assert_eq!(streams, queue.streams().collect::<Vec<_>>());
}

#[test]
fn exchanges_in_use_and_predeclared_ones_stay() {
    let mut draft = draft();
    draft.declare_queue(queue("q", true, 1)).expect("made");
    draft
        .declare_exchange(exchange("e", false, true))
        .expect("made");
    draft.bind(binding("e", to_queue("q"), "k")).expect("made");
    draft.cells.clear();
    assert_eq!(
        draft.delete_exchange("/", "e", true),
        Err(TopologyError::InUse)
    );
    assert_eq!(
        draft.delete_exchange("/", "amq.topic", false),
        Err(TopologyError::Predeclared)
    );
    assert_eq!(
        draft.delete_exchange("/", "x", false),
        Err(TopologyError::NoExchange)
    );
    assert_eq!(
        draft.delete_exchange("x", "e", false),
        Err(TopologyError::NoVhost)
    );
    assert!(written(&mut draft).is_empty());
    draft.delete_exchange("/", "e", false).expect("removed");
    assert_eq!(
        written(&mut draft),
        [(Class::Binding, false), (Class::Exchange, false)]
    );
}

#[test]
fn what_refers_to_nothing_is_refused() {
    let mut draft = draft();
    let elsewhere = Binding {
        vhost: "x".into(),
        ..binding("amq.topic", to_queue("q"), "k")
    };
    for (binding, error) in [
        (elsewhere, TopologyError::NoVhost),
        (binding("x", to_queue("q"), "k"), TopologyError::NoExchange),
        (
            binding("amq.topic", to_queue("q"), "k"),
            TopologyError::NoQueue,
        ),
        (
            binding("amq.topic", to_exchange("q"), "k"),
            TopologyError::NoExchange,
        ),
    ] {
        assert_eq!(draft.bind(binding), Err(error));
    }
    let long = "n".repeat(256);
    assert!(matches!(
        draft.declare_queue(queue(&long, true, 1)),
        Err(TopologyError::TooLong(..))
    ));
    assert!(matches!(
        draft.declare_exchange(exchange(&long, false, true)),
        Err(TopologyError::TooLong(..))
    ));
    let nobody = Permission {
        user: "nobody".into(),
        vhost: "/".into(),
        configure: "".into(),
        write: "".into(),
        read: "".into(),
    };
    assert_eq!(
        draft.set_permission(Arc::new(nobody)),
        Err(TopologyError::NoUser)
    );
    assert_eq!(draft.delete_user("nobody"), Err(TopologyError::NoUser));
    assert!(draft.cells.is_empty());
}

#[test]
fn a_vhost_goes_with_everything_in_it() {
    let mut draft = draft();
    draft.put_vhost(&"v".into()).expect("made");
    let user = User {
        name: "kim".into(),
        password: PasswordHash::none(),
        tags: Vec::new(),
    };
    assert_eq!(draft.put_user(Arc::new(user)), Ok(Made::New));
    for vhost in ["/", "v"] {
        let all: Arc<str> = ".*".into();
        let permission = Permission {
            user: "kim".into(),
            vhost: vhost.into(),
            configure: all.clone(),
            write: all.clone(),
            read: all,
        };
        assert_eq!(draft.set_permission(Arc::new(permission)), Ok(Made::New));
        let queue = NewQueue {
            vhost: vhost.into(),
            ..queue("q", true, 1)
        };
        draft.declare_queue(queue).expect("made");
        let binding = Binding {
            vhost: vhost.into(),
            ..binding("amq.topic", to_queue("q"), "k")
        };
        assert_eq!(draft.bind(binding), Ok(Made::New));
    }
    assert_eq!(draft.delete_vhost("v"), Err(TopologyError::InUse));
    assert!(draft.topology.vhost("v").is_some());
    draft.delete_queue(StreamId(1)).expect("removed");
    let transient = NewQueue {
        vhost: "v".into(),
        ..queue("q", false, 1)
    };
    let (transient, _) = draft.declare_queue(transient).expect("made");
    let binding = Binding {
        vhost: "v".into(),
        ..binding("amq.topic", to_queue("q"), "k")
    };
    assert_eq!(draft.bind(binding.clone()), Ok(Made::New));
    let binding = Binding {
        destination: Destination::Exchange("amq.fanout".into()),
        ..binding
    };
    assert_eq!(draft.bind(binding), Ok(Made::New));
    draft.cells.clear();
    let gone = draft.delete_vhost("v").expect("removed");
    assert_eq!(
        gone.iter().map(|queue| queue.id).collect::<Vec<_>>(),
        [transient.id]
    );
    assert_eq!(
        written(&mut draft),
        [Class::Binding, Class::Permission, Class::Vhost].map(|class| (class, false))
    );
    assert!(
        draft.topology.vhost("v").is_none() && draft.topology.queue_by_id(StreamId(1)).is_none()
    );
    assert_eq!(draft.topology.permissions().count(), 1);
    assert_eq!(draft.topology.binding_count(), 1);
    assert_eq!(draft.topology.exchange_count(), 7);
    draft.delete_user("kim").expect("removed");
    assert_eq!(draft.topology.permissions().count(), 0);
}

#[test]
fn a_draft_goes_back() {
    let mut draft = draft();
    let before = draft.mark();
    let (queue, _) = draft.declare_queue(queue("q", true, 1)).expect("made");
    draft
        .bind(binding("amq.topic", to_queue("q"), "k"))
        .expect("made");
    draft.delete_queue(queue.id).expect("removed");
    draft.reset(before);
    assert!(draft.cells.is_empty() && draft.removed.is_empty());
    assert!(draft.topology.queue("/", "q").is_none());
}
