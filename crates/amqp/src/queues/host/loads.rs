//! What a host reads of its queues from the log, a few reads at once.

use super::super::io::{Batches, Effect, Read};
use super::{Host, WINDOWS_BYTES_MAX};
use crate::run::Run;
use base::Monotonic;

/// Reads of the log under way at once.
const READS_MAX: usize = 16;

impl Host {
    /// Asks for what queues want to read, as far as reads may be under way.
    pub(super) fn feed(&mut self, effects: &mut Vec<Effect>) {
        while self.reads < READS_MAX
            && let Some(id) = self.hungry.pop_front()
        {
            let host_is_full = self.windows_bytes >= WINDOWS_BYTES_MAX;
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            queue.is_hungry = false;
            if let Some(load) = queue.next_load(host_is_full) {
                self.reads += 1;
                effects.push(Effect::Read(Read {
                    queue: id,
                    level: load.level,
                    stream: queue.stream(load.level),
                    offset: load.offset,
                }));
            }
        }
    }

    pub(super) fn loaded(&mut self, now: Monotonic, read: Read, outcome: Option<Batches>) {
        self.reads = self.reads.saturating_sub(1);
        let host_is_full = self.windows_bytes >= WINDOWS_BYTES_MAX;
        let Some(queue) = self.queues.get_mut(&read.queue) else {
            return;
        };
        match outcome {
            Some(Batches { batches, end }) => {
                let runs = batches.into_iter().filter_map(|(base, batch)| {
                    // A copy: what comes from the log's caches is a part of something large.
                    let copy = bytes::Bytes::copy_from_slice(&batch);
                    let run = Run::open(copy);
                    if run.is_err() {
                        tracing::error!(queue = %queue.declared.name, offset = base, "a batch of a queue is not one of messages");
                    }
                    Some((base, run.ok()?))
                });
                let runs: Vec<_> = runs.collect();
                let records = runs.iter().flat_map(|(base, run)| {
                    let offsets = *base..;
                    offsets
                        .zip(run.messages())
                        .map(|(offset, (message, mark))| (offset, message, mark))
                });
                queue.loaded(read.level, end, records, host_is_full);
                self.note(read.queue);
            }
            None => {
                queue.unreadable(read.level);
                self.retry(read.queue, now);
            }
        }
    }
}
