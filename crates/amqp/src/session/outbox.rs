//! What a session has for the outside: bytes for the client, requests for hosts, a task for its driver.

use crate::mail::{Outcome, Position, QueueId, Request, SESSION_WINDOW_BYTES, Ticket};
use crate::task::Task;
use amqp_wire::{MethodFields, Output};
use base::ShardId;
use std::collections::VecDeque;

/// Settlements of different queues that are collected; more are sent at once, so that finding the right
/// one stays cheap.
const SETTLING_MAX: usize = 8;
/// Positions of one settlement, so that one is a cheap unit to handle.
const POSITIONS_MAX: usize = 1024;

/// Settlements of one queue that have not been sent.
#[derive(Debug)]
struct Settling {
    shard: ShardId,
    queue: QueueId,
    outcome: Outcome,
    positions: Vec<Position>,
}

/// Deliveries of one host: how many bytes are in the output, and how many were written and not reported.
#[derive(Debug)]
struct Window {
    shard: ShardId,
    pending: usize,
    written: usize,
}

/// Everything on its way out.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Bytes for the client.
    pub(crate) out: Output,
    requests: VecDeque<(ShardId, Request)>,
    /// A task for the driver; there is one at a time.
    pub(crate) task: Option<Task>,
    settling: Vec<Settling>,
    windows: Vec<Window>,
    ticket: u64,
}

impl Outbox {
    /// Adds a method for the client.
    pub(crate) fn send<M: MethodFields>(&mut self, channel: u16, method: &M) {
        // Only a method longer than 32 bits can say fails, and all of ours are bounded.
        let _ = self.out.method(channel, method);
    }

    /// A ticket that no request had before.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.ticket += 1;
        Ticket(self.ticket)
    }

    /// Adds a request; settlements that were collected go first.
    pub(crate) fn request(&mut self, shard: ShardId, request: Request) {
        self.flush_settling();
        self.requests.push_back((shard, request));
    }

    /// Adds a publish, which need not wait for settlements.
    pub(crate) fn publish(&mut self, shard: ShardId, request: Request) {
        self.requests.push_back((shard, request));
    }

    /// Settles a delivery soon.
    pub(crate) fn settle(
        &mut self,
        shard: ShardId,
        queue: QueueId,
        position: Position,
        outcome: Outcome,
    ) {
        let known = self
            .settling
            .iter_mut()
            .rev()
            .find(|known| known.queue == queue && known.outcome == outcome);
        if let Some(known) = known
            && known.positions.len() < POSITIONS_MAX
        {
            known.positions.push(position);
            return;
        }
        if self.settling.len() >= SETTLING_MAX {
            self.flush_settling();
        }
        self.settling.push(Settling {
            shard,
            queue,
            outcome,
            positions: vec![position],
        });
    }

    /// Sends the settlements that were collected.
    pub(crate) fn flush_settling(&mut self) {
        for settling in self.settling.drain(..) {
            let request = Request::Settle {
                queue: settling.queue,
                positions: settling.positions,
                outcome: settling.outcome,
                ticket: None,
            };
            self.requests.push_back((settling.shard, request));
        }
    }

    /// The next request to be sent.
    pub(crate) fn next_request(&mut self) -> Option<(ShardId, Request)> {
        let next = self.requests.pop_front();
        if next.is_none() && self.requests.capacity() > 0 {
            // An idle session keeps nothing of a busy time.
            self.requests = VecDeque::new();
            self.settling = Vec::new();
        }
        next
    }

    /// A delivery of this many bytes is in the output.
    pub(crate) fn delivered(&mut self, shard: ShardId, bytes: usize) {
        if let Some(window) = self.windows.iter_mut().find(|window| window.shard == shard) {
            window.pending += bytes;
            return;
        }
        self.windows.push(Window {
            shard,
            pending: bytes,
            written: 0,
        });
    }

    /// A delivery of this many bytes was discarded: nothing of it will ever be written.
    pub(crate) fn discarded(&mut self, shard: ShardId, bytes: usize) {
        self.delivered(shard, 0);
        for window in self
            .windows
            .iter_mut()
            .filter(|window| window.shard == shard)
        {
            window.written += bytes;
            self.requests.extend(window.report());
        }
    }

    /// The whole output was written: reports what hosts should know. They are told when half of their
    /// window is used, so that small deliveries cost no report each.
    pub(crate) fn written(&mut self) {
        for window in &mut self.windows {
            window.written += std::mem::take(&mut window.pending);
            self.requests.extend(window.report());
        }
    }
}

impl Window {
    /// What the host is to be told, where that is enough.
    fn report(&mut self) -> Option<(ShardId, Request)> {
        (self.written >= SESSION_WINDOW_BYTES / 2).then(|| {
            let bytes = std::mem::take(&mut self.written);
            (self.shard, Request::Written { bytes })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Outbox;
    use crate::mail::{Request, SESSION_WINDOW_BYTES};
    use base::ShardId;

    fn reported(outbox: &mut Outbox) -> Option<usize> {
        match outbox.next_request()? {
            (_, Request::Written { bytes }) => Some(bytes),
            _ => None,
        }
    }

    #[test]
    fn a_window_is_given_back_by_writing_and_by_discarding() {
        let (mut outbox, half) = (Outbox::default(), SESSION_WINDOW_BYTES / 2);
        outbox.delivered(ShardId(0), half);
        assert_eq!(reported(&mut outbox), None, "it is not written");
        outbox.written();
        assert_eq!(reported(&mut outbox), Some(half));
        outbox.discarded(ShardId(0), half - 1);
        assert_eq!(reported(&mut outbox), None, "it is too little");
        outbox.discarded(ShardId(0), 1);
        assert_eq!(
            reported(&mut outbox),
            Some(half),
            "nothing has to be written"
        );
    }
}
