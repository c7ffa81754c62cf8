//! A name that a queue is declared under, again and again with the same settings.

use super::VHOST;
use crate::rng::Rng;
use amqp::queues::Overflow;
use amqp_wire::{Table, Value};
use bytes::Bytes;
use cluster::{NewQueue, QueueKind};
use std::sync::Arc;

/// The exchange that leads to all leaves.
pub(super) const FAN: &str = "fan";
/// Queues that everybody uses.
const POOL: usize = 5;
/// Queues that only the exchange [`FAN`] and publishers lead to.
const LEAVES: usize = 2;
/// Queues with one user each, whose deliveries can be foretold.
pub(crate) const PRIVATE: usize = 2;

/// Where dead messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeadTo {
    /// The queue of this slot.
    Slot(usize),
    /// All leaves.
    Fan,
}

/// A name and settings.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) name: Arc<str>,
    pub(crate) stored: bool,
    pub(crate) levels: u16,
    pub(crate) quorum: bool,
    pub(crate) max_length: Option<u64>,
    pub(crate) overflow: Overflow,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) dead: Option<DeadTo>,
    pub(crate) delivery_limit: Option<u32>,
    pub(crate) single_active: bool,
    /// The one who alone uses it.
    pub(crate) owner: Option<u64>,
    pub(crate) leaf: bool,
}

/// The slots of a run.
pub(crate) fn draw(rng: &mut Rng) -> Vec<Slot> {
    let mut slots = Vec::new();
    for number in 0..POOL {
        slots.push(pooled(rng, number));
    }
    for number in 0..LEAVES {
        slots.push(Slot {
            leaf: true,
            ..plain(format!("leaf-{number}"))
        });
    }
    for owner in 0..PRIVATE as u64 {
        let slot = Slot {
            owner: Some(owner),
            levels: if rng.one_in(2) { 4 } else { 1 },
            ttl_ms: rng.one_in(4).then(|| rng.between(20, 400)),
            dead: rng
                .one_in(2)
                .then(|| DeadTo::Slot(usize::try_from(rng.below(POOL as u64)).unwrap_or(0))),
            delivery_limit: rng.one_in(3).then_some(2),
            ..plain(format!("private-{owner}"))
        };
        slots.push(slot);
    }
    slots
}

fn plain(name: String) -> Slot {
    Slot {
        name: name.into(),
        stored: true,
        levels: 1,
        quorum: false,
        max_length: None,
        overflow: Overflow::DropHead,
        ttl_ms: None,
        dead: None,
        delivery_limit: None,
        single_active: false,
        owner: None,
        leaf: false,
    }
}

fn pooled(rng: &mut Rng, number: usize) -> Slot {
    let overflow = [
        Overflow::DropHead,
        Overflow::RejectPublish,
        Overflow::RejectPublishDeadLetter,
    ];
    let dead = match rng.below(5) {
        0 | 1 => None,
        2 => Some(DeadTo::Fan),
        _ => Some(DeadTo::Slot(
            usize::try_from(rng.below(POOL as u64)).unwrap_or(0),
        )),
    };
    Slot {
        stored: !rng.one_in(5),
        levels: if rng.one_in(4) { 3 } else { 1 },
        quorum: rng.one_in(4),
        max_length: rng.one_in(3).then(|| rng.between(1, 12)),
        overflow: rng.pick(&overflow).copied().unwrap_or_default(),
        ttl_ms: rng.one_in(4).then(|| rng.between(0, 300)),
        dead,
        delivery_limit: rng
            .one_in(3)
            .then(|| u32::try_from(rng.below(3)).unwrap_or(0)),
        single_active: rng.one_in(6),
        ..plain(format!("pool-{number}"))
    }
}

impl Slot {
    /// The declaration.
    pub(crate) fn new_queue(&self) -> NewQueue {
        let text = |text: &str| Value::LongStr(Bytes::copy_from_slice(text.as_bytes()));
        let number = |number: u64| Value::I64(i64::try_from(number).unwrap_or(i64::MAX));
        let mut arguments = Table::new();
        if let Some(max) = self.max_length {
            arguments.insert("x-max-length", number(max));
        }
        let overflow = match self.overflow {
            Overflow::DropHead => "drop-head",
            Overflow::RejectPublish => "reject-publish",
            Overflow::RejectPublishDeadLetter => "reject-publish-dlx",
        };
        arguments.insert("x-overflow", text(overflow));
        if let Some(ttl) = self.ttl_ms {
            arguments.insert("x-message-ttl", number(ttl));
        }
        match self.dead {
            Some(DeadTo::Slot(to)) => {
                arguments.insert("x-dead-letter-exchange", text(""));
                let name = format!("pool-{to}");
                arguments.insert("x-dead-letter-routing-key", text(&name));
            }
            Some(DeadTo::Fan) => arguments.insert("x-dead-letter-exchange", text(FAN)),
            None => {}
        }
        if let Some(limit) = self.delivery_limit {
            arguments.insert("x-delivery-limit", number(limit.into()));
        }
        if self.single_active {
            arguments.insert("x-single-active-consumer", Value::Bool(true));
        }
        NewQueue {
            vhost: VHOST.into(),
            name: self.name.clone(),
            kind: if self.quorum {
                QueueKind::Quorum
            } else {
                QueueKind::Classic
            },
            durable: self.stored,
            auto_delete: false,
            exclusive: None,
            levels: self.levels,
            arguments: arguments.to_bytes().unwrap_or_default(),
        }
    }

    /// Whether it refuses what is too much, dead letters as well.
    pub(crate) fn refuses(&self) -> bool {
        self.max_length.is_some() && self.overflow != Overflow::DropHead
    }

    /// Whether somebody may delete it: what is bound or foretold stays.
    pub(crate) fn may_go(&self) -> bool {
        !self.leaf && self.owner.is_none()
    }

    /// How often a message may come back.
    pub(crate) fn limit(&self) -> Option<u32> {
        let default = self.quorum.then_some(amqp::queues::DELIVERY_LIMIT_DEFAULT);
        self.delivery_limit.or(default)
    }

    /// The level of messages of a priority.
    pub(crate) fn level_of(&self, priority: u8) -> u8 {
        priority.min(u8::try_from(self.levels - 1).unwrap_or(u8::MAX))
    }

    /// How long a message with a time to live of its own lives in it, milliseconds.
    pub(crate) fn ttl_of(&self, own: Option<u64>) -> Option<u64> {
        [self.ttl_ms, own].into_iter().flatten().min()
    }
}
