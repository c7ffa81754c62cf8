//! What may have become of copies that are nowhere to be found.

use super::Book;
use crate::broker::copy::{Copy, Done, Key};
use crate::broker::history::History;
use crate::broker::slot::DeadTo;
use crate::violation::{Violation, ensure};
use amqp::mail::{Counts, Outcome, QueueId};
use amqp::queues::Overflow;

impl Book {
    /// Nothing is in any queue any more: every copy that is not accounted for is lost.
    pub(crate) fn check_drained(&self, now_ms: i64) -> Result<(), Violation> {
        for (key, copy) in &self.copies {
            ensure(self.may_be_gone(*key, copy, now_ms), "A1", || {
                let slot = self.slot_of(copy.place.queue).map(|slot| &self.slots[slot]);
                format!("{key:?} is lost: {copy:?}, last seen in {slot:?}")
            })?;
        }
        Ok(())
    }

    /// Nobody uses the queue, and nothing is on its way: what its host counts is what is there.
    pub(crate) fn check_counts(
        &self,
        queue: QueueId,
        counts: Counts,
        now_ms: i64,
    ) -> Result<(), Violation> {
        let slot = self.slot_of(queue)?;
        let settings = &self.slots[slot];
        let here = || {
            let copies = self.copies.iter();
            copies.filter(|(_, copy)| copy.place.queue == queue && !copy.fanned)
        };
        let sure = here().filter(|(_, copy)| self.is_surely_here(copy, now_ms));
        let sure = sure.count() as u64;
        let possible = here().filter(|(_, copy)| match copy.done {
            Done::Durable(_) => false,
            Done::Asked(_, life) => life != self.life,
            Done::No => !copy.over,
        });
        let possible = possible.count() as u64;
        let is_target = settings.leaf
            || self
                .slots
                .iter()
                .any(|other| other.dead == Some(DeadTo::Slot(slot)));
        let most = if is_target { u64::MAX } else { possible };
        let (ready, held) = (counts.ready, counts.unacknowledged);
        ensure((sure..=most).contains(&ready), "counts", || {
            format!(
                "queue {queue}: {ready} are ready, {sure}..={most} were expected of {settings:?}"
            )
        })?;
        ensure(held == 0 && counts.consumers == 0, "counts", || {
            format!("queue {queue}: nobody uses it, and {counts:?}")
        })?;
        let max = settings.max_length.unwrap_or(u64::MAX);
        let over = settings.overflow == Overflow::DropHead && ready > max;
        ensure(!over, "max-length", || {
            format!("queue {queue}: {ready} are ready of {max}")
        })
    }

    fn may_be_gone(&self, key: Key, copy: &Copy, now_ms: i64) -> bool {
        let never_there = copy.confirmed_ms.is_none() && !copy.seen;
        if copy.over || copy.uncertain || never_there {
            return true;
        }
        if copy.fanned {
            let mut leaves = (0..self.slots.len()).filter(|slot| self.slots[*slot].leaf);
            return leaves.all(|leaf| {
                self.copies.contains_key(&(key.0, key.1, Some(leaf))) || self.leaky.contains(&leaf)
            });
        }
        let Some(known) = self.queues.get(&copy.place.queue) else {
            return false;
        };
        let history = &copy.place.history;
        match copy.done {
            // Perhaps it went with its queue before the host heard anything else.
            _ if known.gone => return true,
            Done::Durable(Outcome::Rejected) => {
                return self.ends(known.slot, history, "rejected");
            }
            // The rejection may have been forgotten, and the message may have died of something else since.
            Done::Asked(Outcome::Rejected, _) if self.ends(known.slot, history, "rejected") => {
                return true;
            }
            Done::Asked(Outcome::Rejected, life) if life == self.life => return false,
            Done::Asked(Outcome::Rejected, _) => {}
            Done::Asked(..) | Done::Durable(_) => return true,
            Done::No => {}
        }
        let mut reasons = self.reasons(copy, now_ms);
        reasons.any(|reason| self.ends(known.slot, history, reason))
    }

    /// Whether a copy must be where it was seen last, or published to.
    fn is_surely_here(&self, copy: &Copy, now_ms: i64) -> bool {
        let there = copy.confirmed_ms.is_some() || copy.seen;
        let left = copy.over || copy.uncertain || copy.fanned || copy.done != Done::No;
        there && !left && self.reasons(copy, now_ms).next().is_none()
    }

    /// Why a copy may have died where it was seen last.
    fn reasons(&self, copy: &Copy, now_ms: i64) -> impl Iterator<Item = &'static str> + use<> {
        let known = self.queues.get(&copy.place.queue);
        let slot = known.map(|known| &self.slots[known.slot]);
        let expires = slot.is_some_and(|slot| {
            if copy.place.generation() == 0 {
                let deadline = copy.deadline(slot.ttl_of(copy.ttl_ms));
                deadline.is_some_and(|deadline| deadline <= now_ms)
            } else {
                slot.ttl_ms.is_some()
            }
        });
        let drops = slot
            .is_some_and(|slot| slot.max_length.is_some() && slot.overflow == Overflow::DropHead);
        let limit = slot.and_then(super::super::slot::Slot::limit);
        let returned = limit.is_some_and(|limit| copy.requeues > limit);
        let reasons = [
            (expires, "expired"),
            (drops, "maxlen"),
            (returned, "delivery_limit"),
        ];
        reasons
            .into_iter()
            .filter_map(|(may, reason)| may.then_some(reason))
    }

    /// Whether a message that dies in a queue of the slot may come to its end without being seen again.
    fn ends(&self, slot: usize, history: &History, reason: &str) -> bool {
        let from = &self.slots[slot];
        let to = match from.dead {
            None => return true,
            Some(DeadTo::Fan) => {
                let mut leaky = self.leaky.iter();
                return leaky.any(|slot| self.slots[*slot].leaf);
            }
            Some(DeadTo::Slot(to)) => to,
        };
        let target = &self.slots[to];
        if reason != "rejected" && history.goes_round(&from.name, &target.name) {
            return true;
        }
        let was_gone = self
            .queues
            .values()
            .any(|known| known.slot == to && known.gone);
        if was_gone || target.refuses() || self.leaky.contains(&to) {
            return true;
        }
        let history = history.after(&from.name, reason);
        (target.ttl_ms.is_some() && self.ends(to, &history, "expired"))
            || (target.max_length.is_some() && self.ends(to, &history, "maxlen"))
    }
}
