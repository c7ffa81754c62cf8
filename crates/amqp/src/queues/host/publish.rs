//! Messages on their way into queues.

use super::Host;
use super::commit::Deposited;
use crate::mail::{Notice, QueueId, SessionId, Ticket};
use crate::run::Run;
use base::Timestamp;
use commitlog::{Deposit, Entry, PLACES_MAX, Place};
use fail::fail_point;

/// What came of putting a run into queues.
#[derive(Debug, Default)]
pub(super) struct Put {
    /// Messages, by their place in the run, that a queue refused.
    pub(super) rejected: Vec<u32>,
    /// Whether some of it has to become durable.
    pub(super) pending: bool,
}

impl Host {
    pub(super) fn publish(
        &mut self,
        wall: Timestamp,
        session: SessionId,
        ticket: Ticket,
        targets: &[QueueId],
        run: Run,
    ) {
        let Put {
            mut rejected,
            pending,
        } = self.put(wall, targets, run);
        rejected.sort_unstable();
        rejected.dedup();
        let notice = Notice::Published { ticket, rejected };
        if pending && !confirms_early() {
            self.draft.answers.push((session, notice));
        } else {
            self.notices.push((session, notice));
        }
    }

    /// Puts a run into queues; those that do not exist take nothing.
    pub(super) fn put(&mut self, wall: Timestamp, targets: &[QueueId], run: Run) -> Put {
        let mut put = Put::default();
        let mixed = run.marks().map(|mark| mark.priority).min()
            != run.marks().map(|mark| mark.priority).max();
        let cut = mixed && targets.iter().any(|id| self.has_levels(*id));
        let parts = if cut { run.by_priority() } else { vec![run] };
        let mut before = 0;
        for part in parts {
            let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.put_part(wall, targets, part, before, &mut put);
            before += len;
        }
        put
    }

    fn has_levels(&self, id: QueueId) -> bool {
        let queue = self.queues.get(&id);
        queue.is_some_and(|queue| queue.declared.settings.levels > 1)
    }

    /// Puts a run in that is on one level of each queue.
    fn put_part(
        &mut self,
        wall: Timestamp,
        targets: &[QueueId],
        run: Run,
        before: u32,
        put: &mut Put,
    ) {
        let priority = run.marks().next().map_or(0, |mark| mark.priority);
        let mut deposited = Deposited {
            run,
            places: Vec::new(),
        };
        for id in targets {
            let Some(queue) = self.queues.get_mut(id).filter(|queue| !queue.deleting) else {
                continue;
            };
            let level = queue.declared.settings.level_of(priority);
            let run = &deposited.run;
            let accepted = queue.accepts(run.marks());
            if accepted < run.len() {
                let len = u32::try_from(run.len()).unwrap_or(u32::MAX);
                put.rejected
                    .extend(before + u32::try_from(accepted).unwrap_or(0)..before + len);
                if queue.dead_letters_refused() {
                    let refused = run.messages().skip(accepted);
                    refused.for_each(|(message, _)| queue.die_refused(message));
                }
            }
            let stored = queue.is_stored();
            if accepted == run.len() {
                let first = queue.reserve(level, run.marks());
                if stored {
                    deposited.places.push((*id, level, first));
                } else {
                    queue.land_run(level, first, run, wall, true);
                }
            } else if let Some(run) = run.first(accepted) {
                let first = queue.reserve(level, run.marks());
                if stored {
                    let places = vec![(*id, level, first)];
                    self.deposit(Deposited { run, places });
                    put.pending = true;
                } else {
                    queue.land_run(level, first, &run, wall, true);
                }
            }
            // A full queue has something to dead-letter, one in memory something to deliver.
            if !stored || accepted < deposited.run.len() {
                self.note(*id);
            }
        }
        if !deposited.places.is_empty() {
            self.deposit(deposited);
            put.pending = true;
        }
    }

    /// Adds messages to the commit that is being put together.
    fn deposit(&mut self, deposited: Deposited) {
        let place = |(id, level, offset): &(QueueId, u8, i64)| Place {
            stream: base::StreamId(id.0 + u64::from(*level)),
            offset: *offset,
        };
        for places in deposited.places.chunks(PLACES_MAX) {
            let deposit = Deposit {
                places: places.iter().map(place).collect(),
                batch: deposited.run.batch().clone(),
            };
            self.draft.bytes += deposit.batch.len();
            self.pending_bytes += deposit.batch.len();
            self.draft.entries.push(Entry::Deposit(deposit));
        }
        self.draft.deposited.push(deposited);
    }
}

/// Planted bug for the simulation: publishers are told before the disk has it.
fn confirms_early() -> bool {
    fail_point!("amqp-confirm-before-sync", |_| true);
    false
}
