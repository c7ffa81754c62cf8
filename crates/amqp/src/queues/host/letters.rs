//! Dead letters: out of one queue and into others, here or at another shard's host.

use super::super::dead_letter::{Letter, letter};
use super::super::outbox;
use super::super::queue::Death;
use super::super::settings::{DeadLetterTo, Declared};
use super::{Effect, Host, HostMail};
use crate::mail::QueueId;
use crate::message::Parts;
use crate::run::{Run, RunBuilder};
use amqp_wire::RawTable;
use base::{ShardId, Timestamp};
use fail::fail_point;
use std::sync::Arc;

/// Where a letter goes: queues by shard.
type Targets = Vec<(ShardId, QueueId)>;

/// Letters with the same targets, which travel as one run.
struct Bundle {
    targets: Targets,
    builder: RunBuilder,
}

impl Host {
    /// Whether there are dead messages that can go on now.
    pub(super) fn has_letters(&self) -> bool {
        !self.mourning.is_empty() && self.takes_letters()
    }

    fn takes_letters(&self) -> bool {
        self.outbox.has_room() && self.opening.is_empty() && !self.is_burdened()
    }

    /// Sends dead messages where they belong, as far as they can go now.
    pub(super) fn bury(&mut self, wall: Timestamp, effects: &mut Vec<Effect>) {
        if !self.has_letters() {
            return;
        }
        for id in std::mem::take(&mut self.mourning) {
            let mut bundle: Option<Bundle> = None;
            while self.takes_letters() {
                let Some(queue) = self.queues.get(&id) else {
                    break;
                };
                let Some(death) = queue.next_death().cloned() else {
                    break;
                };
                let declared = queue.declared.clone();
                let Some((parts, letter, targets)) = self.address(&declared, &death, wall) else {
                    self.bury_one(id);
                    continue;
                };
                if self.open_targets(&targets, effects) {
                    break;
                }
                let fits = bundle
                    .as_ref()
                    .is_some_and(|b| b.targets == targets && !b.builder.is_full());
                if !fits {
                    self.dispatch(wall, bundle.take());
                }
                self.bury_one(id);
                let to = declared.settings.dead_letter.as_ref();
                let bundle = bundle.get_or_insert_with(|| Bundle {
                    targets,
                    builder: RunBuilder::new(wall.0),
                });
                push(&mut bundle.builder, to, &parts, &letter);
            }
            self.dispatch(wall, bundle);
            if self
                .queues
                .get(&id)
                .is_some_and(|queue| queue.next_death().is_some())
            {
                self.mourning.insert(id);
            }
        }
    }

    /// Where a dead message goes, and as what; `None` where nobody takes it.
    fn address(
        &self,
        from: &Arc<Declared>,
        death: &Death,
        wall: Timestamp,
    ) -> Option<(Parts, Letter, Targets)> {
        let to = from.settings.dead_letter.as_ref()?;
        let parts = death.message.parts().ok()?;
        let letter = letter(&parts, &from.name, death.reason, to, wall);
        let keys: Vec<_> = letter.keys.iter().map(String::as_str).collect();
        let headers = RawTable::new(&letter.headers);
        let mut targets = self
            .directory
            .route(&from.vhost, &to.exchange, &keys, headers);
        targets.retain(|(_, id)| {
            let known = self.queues.get(id).map(|queue| queue.declared.clone());
            let target = known.or_else(|| self.directory.queue(*id));
            target.is_none_or(|target| !letter.goes_round(&target.name))
        });
        (!targets.is_empty()).then_some((parts, letter, targets))
    }

    /// The first dead message of a queue is on its way, or nobody wants it: it is settled.
    fn bury_one(&mut self, id: QueueId) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.bury();
            if queue.is_stored() && !queue.is_unsettled {
                queue.is_unsettled = true;
                self.unsettled.push(id);
            }
            if splits_letters() {
                let settles = queue.take_settles();
                self.split.extend(settles.map(commitlog::Entry::Settle));
            }
        }
        // A move is one commit, and nothing waits for a timer.
        self.draft.urgent = true;
    }

    /// Asks for those targets in this shard that are not open; returns whether there are any.
    fn open_targets(&mut self, targets: &Targets, effects: &mut Vec<Effect>) -> bool {
        let here = targets.iter().filter(|(shard, id)| {
            *shard == self.shard
                && !self.queues.contains_key(id)
                && self.directory.queue(*id).is_some()
        });
        for (_, id) in here {
            if self.opening.insert(*id) {
                effects.push(Effect::Open(*id));
            }
        }
        !self.opening.is_empty()
    }

    fn dispatch(&mut self, wall: Timestamp, bundle: Option<Bundle>) {
        let Some(Bundle { targets, builder }) = bundle else {
            return;
        };
        let Some(run) = builder.seal() else {
            return;
        };
        for chunk in targets.chunk_by(|left, right| left.0 == right.0) {
            let ids = chunk.iter().map(|(_, id)| *id);
            let shard = chunk[0].0;
            let (here, posted): (Vec<_>, Vec<_>) =
                ids.partition(|id| shard == self.shard && !self.is_stream(*id));
            if !here.is_empty() {
                self.put(wall, &here, run.clone());
            }
            if !posted.is_empty() {
                let (ordinal, cells) = self.outbox.push(shard, posted, run.clone());
                cells.into_iter().for_each(|cell| self.write(cell));
                self.draft.outgoing.push((shard, ordinal));
            }
        }
    }

    /// Whether letters to a queue go by mail even inside of the shard: nothing enters a stream queue in the
    /// commit that takes it out of another queue, because Kafka's producers write there, too.
    fn is_stream(&self, id: QueueId) -> bool {
        !self.is_open(id) && self.directory.is_stream(id)
    }

    /// Letters of another shard arrive. Those that have been taken before are only answered; one that another
    /// should have come before, which was lost with one of us, is asked for again. What the sender no longer has
    /// (its cell was damaged, or we have forgotten that we took it) is not waited for.
    pub(super) fn letters(
        &mut self,
        from: ShardId,
        (previous, ordinal): (u64, u64),
        targets: &[QueueId],
        run: Run,
        wall: Timestamp,
    ) {
        let seen = self.inbox.entry(from).or_default();
        if ordinal > *seen && previous > *seen {
            let (by, after) = (self.shard, *seen);
            self.outbox.ask_again(from, HostMail::Again { by, after });
            return;
        }
        if ordinal > *seen {
            *seen = ordinal;
            self.put(wall, targets, run);
            self.write(outbox::taken_cell(from, ordinal));
        }
        self.draft.taken.push((from, ordinal));
    }

    /// Another shard's host has taken letters.
    pub(super) fn taken(&mut self, by: ShardId, ordinal: u64) {
        for cell in self.outbox.arrived(by, ordinal) {
            self.write(cell);
        }
    }
}

fn push(builder: &mut RunBuilder, to: Option<&DeadLetterTo>, parts: &Parts, letter: &Letter) {
    let exchange = to.map_or(&b""[..], |to| to.exchange.as_bytes());
    let routing_key = letter.keys.first().map_or(&b""[..], |key| key.as_bytes());
    builder.push(
        exchange,
        routing_key,
        &letter.properties,
        &parts.body,
        letter.priority,
        None,
    );
}

/// Planted bug for the simulation: a dead letter leaves its queue in one commit and enters the next one in
/// another.
fn splits_letters() -> bool {
    fail_point!("amqp-dead-letter-split", |_| true);
    false
}
