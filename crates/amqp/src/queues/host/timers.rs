//! Times at which something happens to a queue by itself: its head expires, or it does.

use super::Host;
use crate::mail::QueueId;
use base::{Monotonic, Timestamp};
use std::time::Duration;

/// How long a queue waits before it reads again what could not be read.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl Host {
    /// Sets a queue's timer. One that rings too early is set again then, so that a queue whose heads all
    /// expire costs a timer now and then, not one for each message.
    pub(super) fn arm(&mut self, id: QueueId, now: Monotonic, wall: Timestamp) {
        let Some(queue) = self.queues.get(&id) else {
            return;
        };
        let head = queue.expires_next_ms().map(|expires_ms| {
            let left = expires_ms.saturating_sub(wall.0).max(0);
            now + Duration::from_millis(left.unsigned_abs())
        });
        let idle = queue
            .declared
            .settings
            .expires_ms
            .filter(|_| queue.consumers.is_empty());
        let idle = idle.map(|expires_ms| queue.used + Duration::from_millis(expires_ms));
        if let Some(at) = [head, idle].into_iter().flatten().min() {
            self.set_timer(id, at);
        }
    }

    /// A queue could not read.
    pub(super) fn retry(&mut self, id: QueueId, now: Monotonic) {
        self.set_timer(id, now + RETRY_DELAY);
    }

    fn set_timer(&mut self, id: QueueId, at: Monotonic) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        match queue.armed {
            Some(armed) if armed <= at => return,
            Some(armed) => drop(self.timers.remove(&(armed, id))),
            None => {}
        }
        queue.armed = Some(at);
        self.timers.insert((at, id));
    }

    /// Looks at the queues whose timers ring.
    pub(super) fn tick(&mut self, now: Monotonic) {
        while let Some((at, id)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            queue.armed = None;
            let idle = queue
                .declared
                .settings
                .expires_ms
                .filter(|_| queue.consumers.is_empty());
            let unused = idle
                .is_some_and(|expires_ms| queue.used + Duration::from_millis(expires_ms) <= now);
            if unused {
                self.begin_deletion(id, None);
            } else {
                self.note(id);
            }
        }
    }
}
