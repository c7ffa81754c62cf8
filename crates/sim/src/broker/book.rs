//! What must be true of queues, from what sessions sent, were told and got.
//!
//! It outlives the processes of a run, and knows of a broker only what a client could know.

mod deliver;
mod fate;
mod settle;

pub(crate) use deliver::Seen;

use super::copy::{Copy, Done, Key, REQUEUES_UNKNOWN};
use super::slot::{self, Slot};
use super::text::Text;
use crate::batch::Label;
use crate::model::Counts;
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use amqp::mail::{Outcome, Position, QueueId, SessionId};
use std::collections::{BTreeMap, BTreeSet};

/// A queue that was declared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) slot: usize,
    /// Deletions that were asked for and not answered.
    pub(crate) going: u32,
    pub(crate) gone: bool,
}

/// Everything that is known.
pub(crate) struct Book {
    pub(crate) life: u32,
    pub(crate) counts: Counts,
    /// Messages published by each publisher.
    pub(crate) numbers: BTreeMap<u64, u64>,
    shards: u64,
    slots: Vec<Slot>,
    queues: BTreeMap<QueueId, Known>,
    texts: BTreeMap<Label, Text>,
    copies: BTreeMap<Key, Copy>,
    /// What was delivered from where.
    positions: BTreeMap<(QueueId, Position), (Key, u64)>,
    places: BTreeMap<(Key, u64), (QueueId, Position)>,
    /// Slots that messages may have vanished from unseen: they were purged, or a process ended while it gave
    /// messages to somebody who acknowledges none.
    leaky: BTreeSet<usize>,
    /// Purges that were not answered.
    purging: BTreeMap<QueueId, u32>,
    /// Queues that have such a consumer in this life.
    careless: BTreeSet<QueueId>,
    /// What can only be explained by a delivery that nobody has looked at yet, and why.
    claims: Vec<((Key, u64), String)>,
    /// Sessions that have left and whose last deliveries nobody has looked at.
    leaving: BTreeSet<SessionId>,
    /// Deliveries that were found after their session had left.
    late: BTreeSet<(Key, u64)>,
}

impl Book {
    pub(crate) fn new(rng: &mut Rng, shards: u16) -> Self {
        Self {
            life: 0,
            counts: Counts::default(),
            numbers: BTreeMap::new(),
            shards: shards.into(),
            slots: slot::draw(rng),
            queues: BTreeMap::new(),
            texts: BTreeMap::new(),
            copies: BTreeMap::new(),
            positions: BTreeMap::new(),
            places: BTreeMap::new(),
            leaky: BTreeSet::new(),
            purging: BTreeMap::new(),
            careless: BTreeSet::new(),
            claims: Vec::new(),
            leaving: BTreeSet::new(),
            late: BTreeSet::new(),
        }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The queue of a slot that nobody has asked to delete, or else one that somebody has.
    pub(crate) fn queue_of(&self, slot: usize) -> Option<QueueId> {
        let there = |(_, known): &(&QueueId, &Known)| known.slot == slot && !known.gone;
        let newest = self.queues.iter().rev().find(there)?;
        Some(*newest.0)
    }

    fn slot_of(&self, queue: QueueId) -> Result<usize, Violation> {
        let known = self.queues.get(&queue);
        known
            .map(|known| known.slot)
            .ok_or_else(|| Violation::new("mail", format!("queue {queue} was never declared")))
    }

    pub(crate) fn is_stored(&self, queue: QueueId) -> bool {
        let known = self.queues.get(&queue);
        known.is_some_and(|known| self.slots[known.slot].stored)
    }

    /// A queue was declared.
    pub(crate) fn declared(&mut self, slot: usize, id: QueueId) {
        let fresh = Known {
            slot,
            going: 0,
            gone: false,
        };
        self.queues.entry(id).or_insert(fresh);
    }

    /// Somebody is about to ask for a queue's deletion.
    pub(crate) fn deleting(&mut self, id: QueueId) {
        if let Some(known) = self.queues.get_mut(&id) {
            known.going += 1;
        }
    }

    /// A deletion was answered.
    pub(crate) fn deleted(&mut self, id: QueueId, gone: bool) {
        if let Some(known) = self.queues.get_mut(&id) {
            known.going -= 1;
            known.gone |= gone;
            self.counts.deletions += u64::from(gone);
        }
    }

    /// A process has ended, and another one has found these queues.
    pub(crate) fn next_life(
        &mut self,
        life: u32,
        found: &BTreeMap<QueueId, String>,
    ) -> Result<(), Violation> {
        self.life = life;
        self.claims.clear();
        self.purging.clear();
        self.late.clear();
        for (id, known) in &mut self.queues {
            let slot = &self.slots[known.slot];
            let there = found.get(id).is_some_and(|name| **name == *slot.name);
            ensure(!(there && known.gone), "deletion", || {
                format!("queue {id} was deleted and is there again")
            })?;
            let must = slot.stored && !known.gone && known.going == 0;
            ensure(there || !must, "A1", || {
                format!("queue {id} ({}) is not there any more", slot.name)
            })?;
            ensure(!there || slot.stored, "memory only", || {
                format!("queue {id} ({}) has survived a restart", slot.name)
            })?;
            known.gone = !there;
            known.going = 0;
        }
        for id in found
            .keys()
            .filter(|id| !self.queues.contains_key(id))
            .copied()
            .collect::<Vec<_>>()
        {
            // Its declaration was not answered before the end.
            let name = found.get(&id).map_or("", String::as_str);
            let Some(slot) = self.slots.iter().position(|slot| *slot.name == *name) else {
                return Err(Violation::new(
                    "catalog",
                    format!("queue {id} ({name}) was never declared"),
                ));
            };
            self.declared(slot, id);
        }
        let stored: BTreeSet<_> = self
            .queues
            .keys()
            .copied()
            .filter(|id| self.is_stored(*id))
            .collect();
        let careless = std::mem::take(&mut self.careless);
        let hidden = !std::mem::take(&mut self.leaving).is_empty();
        for copy in self.copies.values_mut() {
            if hidden {
                copy.requeues = REQUEUES_UNKNOWN;
            }
            copy.uncertain |= careless.contains(&copy.place.queue);
            copy.next_life(stored.contains(&copy.place.queue));
        }
        let leaky = careless.iter().filter_map(|queue| self.queues.get(queue));
        self.leaky.extend(leaky.map(|known| known.slot));
        self.positions
            .retain(|(queue, _), _| stored.contains(queue));
        self.places.retain(|_, (queue, _)| stored.contains(queue));
        Ok(())
    }

    /// The next label of a publisher.
    pub(crate) fn label(&mut self, producer: u64) -> Label {
        let number = self.numbers.entry(producer).or_default();
        *number += 1;
        Label {
            producer,
            number: *number,
        }
    }

    /// A message is about to be published.
    pub(crate) fn publishing(&mut self, text: &Text, targets: &[(usize, QueueId)], now_ms: i64) {
        self.counts.messages += 1;
        self.counts.copies += targets.len() as u64;
        self.texts.insert(text.label, text.clone());
        for (slot, queue) in targets {
            let mut copy = Copy::new(*queue, (text.priority, text.ttl_ms), now_ms, self.life);
            copy.uncertain = self.purging.contains_key(queue);
            self.copies.insert((text.label, *slot, None), copy);
        }
    }

    /// A publish was answered. Some queue may have refused the message, if one of them may.
    pub(crate) fn published(
        &mut self,
        label: Label,
        targets: &[(usize, QueueId)],
        refused: bool,
        now_ms: i64,
    ) -> Result<(), Violation> {
        let may = targets.iter().any(|(slot, _)| self.slots[*slot].refuses());
        ensure(may || !refused, "A2", || {
            format!("{label:?} was refused, and no queue of {targets:?} does that")
        })?;
        self.counts.confirmed += u64::from(!refused);
        self.counts.rejected += u64::from(refused);
        for (slot, queue) in targets {
            let going = self
                .queues
                .get(queue)
                .is_some_and(|known| known.going > 0 || known.gone);
            if let Some(copy) = self.copies.get_mut(&(label, *slot, None)) {
                copy.confirmed_ms = Some(now_ms);
                copy.refused = refused;
                copy.uncertain |= refused || (going && !copy.seen);
            }
        }
        Ok(())
    }

    /// Somebody is about to take messages of a queue without acknowledging them.
    pub(crate) fn careless(&mut self, queue: QueueId) {
        self.careless.insert(queue);
    }

    /// Whether a queue may be missing for whoever uses it.
    pub(crate) fn may_be_missing(&self, queue: QueueId) -> bool {
        let known = self.queues.get(&queue);
        known.is_none_or(|known| known.gone || known.going > 0)
    }

    /// A purge is about to be asked for: whatever is in the queue may go.
    pub(crate) fn purging(&mut self, queue: QueueId) {
        let Ok(slot) = self.slot_of(queue) else {
            return;
        };
        self.counts.purges += 1;
        *self.purging.entry(queue).or_default() += 1;
        self.leaky.insert(slot);
        for copy in self
            .copies
            .values_mut()
            .filter(|copy| copy.place.queue == queue)
        {
            copy.uncertain = true;
        }
    }

    /// A purge was answered.
    pub(crate) fn purge_answered(&mut self, queue: QueueId) {
        if let Some(count) = self.purging.get_mut(&queue) {
            *count -= 1;
            if *count == 0 {
                self.purging.remove(&queue);
            }
        }
    }

    /// A purge is durable that certainly found these messages ready, but for those that had expired; returns
    /// how many they are.
    pub(crate) fn purged(
        &mut self,
        slot: usize,
        labels: impl Iterator<Item = Label>,
        now_ms: i64,
    ) -> u64 {
        let mut count = 0;
        for label in labels {
            let settings = &self.slots[slot];
            let Some(copy) = self.copies.get_mut(&(label, slot, None)) else {
                continue;
            };
            let deadline = copy.deadline(settings.ttl_of(copy.ttl_ms));
            let here = copy.place.generation() == 0 && copy.done == Done::No;
            if here && deadline.is_none_or(|deadline| deadline > now_ms) {
                copy.done = Done::Durable(Outcome::Acknowledged);
                count += 1;
            }
        }
        count
    }

    /// The copies of a slot's owner that are ready for certain: number, level and deadline.
    pub(crate) fn surely_ready(&self, slot: usize) -> Vec<(Label, u8, Option<i64>)> {
        let here = self.copies.iter().filter(|((_, of, leaf), copy)| {
            let there = copy.confirmed_ms.is_some() || copy.seen;
            *of == slot && leaf.is_none() && there
        });
        here.filter_map(|(key, _)| {
            let (level, deadline) = self.ready_again(*key)?;
            Some((key.0, level, deadline))
        })
        .collect()
    }

    /// Level and deadline of a copy that was just published and is ready, or that nobody has taken.
    pub(crate) fn level_and_deadline(
        &self,
        label: Label,
        slot: usize,
    ) -> Option<(u8, Option<i64>)> {
        let key = (label, slot, None);
        let copy = self.copies.get(&key).filter(|copy| !copy.seen);
        copy.and_then(|_| self.ready_again(key))
    }

    /// Level and deadline of a copy that came back and is ready, unless it may have died of that.
    pub(crate) fn ready_again(&self, key: Key) -> Option<(u8, Option<i64>)> {
        let (copy, settings) = (self.copies.get(&key)?, &self.slots[key.1]);
        let dead = settings.limit().is_some_and(|limit| copy.requeues > limit);
        let ready = copy.done == Done::No
            && copy.holder.is_none()
            && copy.place.generation() == 0
            && !copy.uncertain
            && !dead;
        let deadline = copy.deadline(settings.ttl_of(copy.ttl_ms));
        ready.then_some((settings.level_of(copy.priority), deadline))
    }

    fn shard_of(&self, queue: QueueId) -> u64 {
        queue.0 % self.shards
    }

    /// Whatever nobody could explain when it was seen is explained by now.
    pub(crate) fn check_claims(&mut self) -> Result<(), Violation> {
        for (of, claim) in std::mem::take(&mut self.claims) {
            ensure(self.late.contains(&of), "delivery", || claim)?;
        }
        Ok(())
    }
}
