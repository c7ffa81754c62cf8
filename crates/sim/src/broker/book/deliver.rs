//! Deliveries: whether each is one that may be.

use super::Book;
use crate::broker::copy::{Copy, Done, Key, Place};
use crate::broker::history::History;
use crate::broker::slot::DeadTo;
use crate::broker::text::Text;
use crate::violation::{Violation, ensure};
use amqp::mail::{Delivery, Extra, Outcome, QueueId, SessionId};
use amqp::message::Parts;

/// A delivery as a session got it.
pub(crate) struct Seen<'a> {
    pub(crate) queue: QueueId,
    pub(crate) delivery: &'a Delivery,
    pub(crate) session: SessionId,
    pub(crate) no_ack: bool,
    /// The session had left when it looked.
    pub(crate) late: bool,
    /// The delivery was not made before, milliseconds since 1970.
    pub(crate) not_before_ms: i64,
    /// It was not made after.
    pub(crate) now_ms: i64,
}

fn broken(promise: &'static str, seen: &Seen<'_>, detail: String) -> Violation {
    let Delivery {
        position,
        redelivered,
        ..
    } = seen.delivery;
    Violation::new(
        promise,
        format!(
            "queue {} {position:?} (redelivered {redelivered}, late {}): {detail}",
            seen.queue, seen.late
        ),
    )
}

impl Book {
    /// Takes a delivery in; returns which copy it is, in which generation.
    pub(crate) fn delivered(&mut self, seen: &Seen<'_>) -> Result<(Key, u64), Violation> {
        self.counts.delivered += 1;
        self.counts.redelivered += u64::from(seen.delivery.redelivered);
        let slot = self.slot_of(seen.queue)?;
        let parts = seen.delivery.message.parts();
        let parts = parts.map_err(|error| broken("A1", seen, error.to_string()))?;
        let history = History::read(&parts.properties);
        let history = history.map_err(|error| broken("x-death", seen, error))?;
        let generation = history.generation();
        let key = self.key_of(slot, &parts, &history, seen)?;
        self.check_content(key, &parts, generation, seen)?;
        self.check_position(key, generation, seen)?;
        let Some(mut copy) = self.copies.get(&key).cloned() else {
            return Err(broken("A1", seen, format!("{key:?} was never published")));
        };
        let known = copy.place.generation();
        if seen.late {
            self.late.insert((key, generation));
            if generation < known {
                return Ok((key, generation));
            }
        }
        ensure(generation >= known, "dead letter", || {
            broken("", seen, format!("{key:?} has moved on: {copy:?}")).detail
        })?;
        if generation == known {
            self.check_stay(key, &copy, seen)?;
        } else {
            self.check_move(key, &mut copy, history, seen)?;
        }
        self.note(key, copy, seen);
        Ok((key, generation))
    }

    fn key_of(
        &mut self,
        slot: usize,
        parts: &Parts,
        history: &History,
        seen: &Seen<'_>,
    ) -> Result<Key, Violation> {
        let label = Text::label_of(&parts.body).filter(|label| self.texts.contains_key(label));
        let label = label.ok_or_else(|| broken("A1", seen, "nobody published it".to_owned()))?;
        if history.deaths.is_empty() {
            return Ok((label, slot, None));
        }
        let named = |name: &str| self.slots.iter().position(|slot| *slot.name == *name);
        let origin = named(&history.first_queue);
        let origin = origin.ok_or_else(|| broken("x-death", seen, format!("{history:?}")))?;
        if !self.slots[slot].leaf {
            return Ok((label, origin, None));
        }
        let key = (label, origin, Some(slot));
        if !self.copies.contains_key(&key)
            && let Some(trunk) = self.copies.get_mut(&(label, origin, None))
        {
            let leaf = Copy {
                fanned: false,
                ..trunk.clone()
            };
            trunk.fanned = true;
            self.copies.insert(key, leaf);
        }
        Ok(key)
    }

    fn check_content(
        &self,
        key: Key,
        parts: &Parts,
        generation: u64,
        seen: &Seen<'_>,
    ) -> Result<(), Violation> {
        let same = self.texts.get(&key.0).is_some_and(|text| {
            if generation == 0 {
                text.is(parts)
            } else {
                text.body == parts.body
            }
        });
        ensure(same, "A1", || {
            broken("", seen, format!("{key:?} is not what was published")).detail
        })
    }

    /// One copy is at one position, and one position holds one copy.
    fn check_position(
        &mut self,
        key: Key,
        generation: u64,
        seen: &Seen<'_>,
    ) -> Result<(), Violation> {
        let at = (seen.queue, seen.delivery.position);
        let of = (key, generation);
        let holds = *self.positions.entry(at).or_insert(of);
        let is_at = *self.places.entry(of).or_insert(at);
        ensure(holds == of && is_at == at, "duplicate", || {
            let detail = format!("{of:?} is at {is_at:?}, and {at:?} holds {holds:?}");
            broken("", seen, detail).detail
        })
    }

    /// The copy is where it was.
    fn check_stay(&mut self, key: Key, copy: &Copy, seen: &Seen<'_>) -> Result<(), Violation> {
        let fail =
            |promise, what: &str| Err(broken(promise, seen, format!("{key:?} {what}: {copy:?}")));
        if copy.place.queue != seen.queue {
            return fail("dead letter", "changed its queue without dying");
        }
        let only = |slot: usize| self.slots[slot].refuses() && copy.place.generation() == 0;
        if copy.refused && only(key.1) && self.is_only_target(key) {
            return fail("A2", "was refused and is there");
        }
        if seen.late {
            return Ok(());
        }
        if copy.over {
            return fail("memory only", "was in memory only, in an earlier life");
        }
        if copy.fanned {
            return fail("dead letter", "is in a leaf already");
        }
        match copy.done {
            Done::Durable(_) => return fail("A3", "was settled durably and comes back"),
            Done::Asked(_, life) if life == self.life => {
                return fail("A3", "was settled and comes back in the same life");
            }
            _ => {}
        }
        if copy.holder.is_some() {
            return fail("delivery", "is with somebody else");
        }
        let deadline = copy.deadline(self.slots[key.1].ttl_of(copy.ttl_ms));
        if copy.place.generation() == 0
            && deadline.is_some_and(|deadline| deadline <= seen.not_before_ms)
            && copy.confirmed_ms.is_some_and(|at| at < seen.not_before_ms)
        {
            return fail("expiry", "had expired");
        }
        let recovered = copy.place.generation() == 0 && copy.published_life < self.life;
        if (copy.seen || recovered) && !seen.delivery.redelivered {
            return fail("A1", "is not marked as redelivered");
        }
        if !copy.seen && copy.evidence == self.life && seen.delivery.redelivered {
            let claim = broken("", seen, format!("{key:?} was never delivered: {copy:?}")).detail;
            self.claims.push(((key, copy.place.generation()), claim));
        }
        if let Extra::DeliveryCount(count) = seen.delivery.extra
            && count > copy.requeues
        {
            let claim = broken(
                "",
                seen,
                format!("{key:?} did not come back {count} times: {copy:?}"),
            );
            self.claims
                .push(((key, copy.place.generation()), claim.detail));
        }
        Ok(())
    }

    fn is_only_target(&self, key: Key) -> bool {
        let refusing = |(slot, _): &(usize, _)| self.slots[*slot].refuses();
        let slots = (0..self.slots.len()).map(|slot| (slot, (key.0, slot, None)));
        slots
            .filter(|(_, key)| self.copies.contains_key(key))
            .filter(refusing)
            .count()
            == 1
    }

    /// The copy has died since it was seen.
    fn check_move(
        &mut self,
        key: Key,
        copy: &mut Copy,
        history: History,
        seen: &Seen<'_>,
    ) -> Result<(), Violation> {
        let fail = |what: String| {
            Err(broken(
                "x-death",
                seen,
                format!("{key:?} {what}: {history:?} after {copy:?}"),
            ))
        };
        if !history.follows(&copy.place.history) {
            return fail("has another past".to_owned());
        }
        let newest = &history.deaths[0];
        let from = self
            .slots
            .iter()
            .position(|slot| *slot.name == *newest.queue);
        let Some(from) = from else {
            return fail("died nowhere".to_owned());
        };
        let to = self.slot_of(seen.queue)?;
        let leads = match self.slots[from].dead {
            Some(DeadTo::Slot(slot)) => slot == to,
            Some(DeadTo::Fan) => self.slots[to].leaf,
            None => false,
        };
        if !leads {
            return fail(format!(
                "came to {} from {}",
                self.slots[to].name, newest.queue
            ));
        }
        let one_step = history.generation() == copy.place.generation() + 1;
        if one_step && self.slot_of(copy.place.queue)? != from {
            return fail("died where it was not".to_owned());
        }
        if !seen.late && self.contradicts(copy, one_step, &newest.reason, seen.now_ms) {
            return fail("had no reason to die".to_owned());
        }
        if one_step && newest.reason == "delivery_limit" {
            let limit = self.slots[from].limit();
            if limit.is_none_or(|limit| copy.requeues <= limit) {
                let claim = format!("{key:?} died of {limit:?} returns: {copy:?}");
                self.claims.push(((key, copy.place.generation()), claim));
            }
        }
        self.counts.dead_letters += 1;
        self.counts.dead_letters_across +=
            u64::from(self.shard_of(copy.place.queue) != self.shard_of(seen.queue));
        let entered_now = copy.evidence == self.life;
        let stored = (self.is_stored(copy.place.queue), self.is_stored(seen.queue));
        copy.move_to(
            Place {
                queue: seen.queue,
                history,
            },
            stored.0,
            stored.1,
        );
        if !seen.late && entered_now && seen.delivery.redelivered {
            let claim = broken(
                "",
                seen,
                format!("{key:?} was never delivered here: {copy:?}"),
            );
            self.claims
                .push(((key, copy.place.generation()), claim.detail));
        }
        Ok(())
    }

    /// Whether a copy cannot have died for a reason.
    fn contradicts(&self, copy: &Copy, one_step: bool, reason: &str, now_ms: i64) -> bool {
        let Some(known) = self.queues.get(&copy.place.queue) else {
            return true;
        };
        let slot = &self.slots[known.slot];
        if !one_step {
            return false;
        }
        match copy.done {
            Done::Durable(Outcome::Acknowledged) => return true,
            Done::Asked(Outcome::Acknowledged, life) if life == self.life => return true,
            _ => {}
        }
        let first = copy.place.generation() == 0;
        match reason {
            "rejected" => !matches!(
                copy.done,
                Done::Asked(Outcome::Rejected, _) | Done::Durable(Outcome::Rejected)
            ),
            "expired" if first => {
                let deadline = copy.deadline(slot.ttl_of(copy.ttl_ms));
                deadline.is_none_or(|deadline| deadline > now_ms)
            }
            "expired" => slot.ttl_ms.is_none(),
            "maxlen" => slot.max_length.is_none(),
            "delivery_limit" => slot.limit().is_none(),
            _ => true,
        }
    }

    fn note(&mut self, key: Key, mut copy: Copy, seen: &Seen<'_>) {
        copy.evidence = self.life;
        copy.seen = true;
        if seen.no_ack {
            copy.done = Done::Asked(Outcome::Acknowledged, self.life);
        } else if seen.late {
            copy.requeues += 1;
        } else {
            copy.holder = Some(seen.session);
            copy.done = Done::No;
        }
        copy.uncertain &= seen.late || self.purging.contains_key(&seen.queue);
        self.copies.insert(key, copy);
    }
}
