//! A stream queue under whatever its clients do, in any order: nothing is missed, repeated or sent too early.

use super::{Bench, QUEUE, consume, offset};
use crate::mail::{ConsumerId, Delivery, Notice, SESSION_WINDOW_BYTES, SessionId, StreamStart};
use crate::streams::queue::StreamQueue;
use base::Offset;
use std::collections::BTreeMap;

const SEEDS: u64 = 20;
const STEPS: usize = 200;

/// A generator of numbers that one seed makes again (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// What a consumer must have seen.
struct Seen {
    prefetch: u32,
    shared: bool,
    next: Offset,
    held: Vec<Delivery>,
    /// What it was offered and has not answered.
    offered: bool,
}

struct Model {
    bench: Bench,
    dice: Dice,
    consumers: BTreeMap<(SessionId, u32), Seen>,
    unwritten: BTreeMap<SessionId, usize>,
    id_next: u32,
}

impl Model {
    fn step(&mut self) {
        let session = SessionId(self.dice.roll(3));
        let roll = self.dice.roll(12);
        let picked = self.pick(session);
        match (roll, picked) {
            (0, _) => self.start(session),
            (1, _) => {
                let len = if self.dice.roll(20) == 0 {
                    SESSION_WINDOW_BYTES / 3
                } else {
                    0
                };
                let count = usize::try_from(1 + self.dice.roll(5)).expect("few");
                self.bench.publish(count, len);
            }
            (2, _) => {
                let bounds = self.bench.bounds;
                let room =
                    u64::try_from(bounds.high_watermark - bounds.log_start).expect("ordered");
                let trimmed = self.dice.roll(room / 4 + 1);
                self.bench.bounds.log_start += Offset::try_from(trimmed).expect("few");
            }
            (3 | 4, _) => {
                let bytes = self.unwritten.insert(session, 0).unwrap_or(0);
                self.bench.sessions.written(session, bytes);
                self.bench.call(|queue, scene| queue.wake(session, scene));
            }
            (5, Some(id)) if self.dice.roll(4) == 0 => {
                self.bench.queue.cancel(session, ConsumerId(id));
                self.consumers.remove(&(session, id));
            }
            (6, _) if self.dice.roll(10) == 0 => {
                self.bench.queue.leave(session);
                self.bench.sessions.leave(session);
                self.unwritten.remove(&session);
                self.consumers.retain(|(of, _), _| *of != session);
            }
            (7..=9, Some(id)) => self.settle_some(session, id),
            (_, _) => self.bench.run(),
        }
        self.look();
    }

    fn pick(&mut self, session: SessionId) -> Option<u32> {
        let of_session = self.consumers.keys().filter(|(of, _)| *of == session);
        let ids: Vec<_> = of_session.map(|(_, id)| *id).collect();
        let count = u64::try_from(ids.len()).expect("few");
        (count > 0).then(|| ids[usize::try_from(self.dice.roll(count)).expect("few")])
    }

    fn start(&mut self, session: SessionId) {
        let (id, bounds) = (self.id_next, self.bench.bounds);
        self.id_next += 1;
        let prefetch = u32::try_from(1 + self.dice.roll(8)).expect("few");
        let shared = self.dice.roll(3) == 0;
        let ahead = Offset::try_from(self.dice.roll(10)).expect("few");
        let (start, next) = match self.dice.roll(3) {
            0 => (StreamStart::First, bounds.log_start),
            1 => (StreamStart::Next, bounds.high_watermark),
            _ => {
                let offset = bounds.high_watermark - 5 + ahead;
                (StreamStart::Offset(offset), offset.max(bounds.log_start))
            }
        };
        let mut consume = consume(id, start, prefetch);
        consume.shared = shared;
        let seen = Seen {
            prefetch,
            shared,
            next,
            held: Vec::new(),
            offered: false,
        };
        self.consumers.insert((session, id), seen);
        self.bench
            .call(|queue, scene| queue.consume(session, consume, scene));
    }

    /// Settles the last of what a consumer holds, from any place on.
    fn settle_some(&mut self, session: SessionId, id: u32) {
        let held = self.consumers[&(session, id)].held.len();
        let from = self.dice.roll(u64::try_from(held).expect("few") + 1);
        self.settle(session, id, usize::try_from(from).expect("few"));
    }

    fn settle(&mut self, session: SessionId, id: u32, from: usize) {
        let seen = self.consumers.get_mut(&(session, id)).expect("it is there");
        let settled = seen.held.split_off(from);
        let positions: Vec<_> = settled.iter().map(|delivery| delivery.position).collect();
        self.bench
            .call(|queue, scene| queue.settle(session, &positions, scene));
    }

    /// Looks at everything that was sent.
    fn look(&mut self) {
        loop {
            let mut offers = Vec::new();
            for (session, notice) in std::mem::take(&mut self.bench.notices) {
                match notice {
                    Notice::Deliver {
                        consumer,
                        queue,
                        deliveries,
                    } => {
                        assert_eq!(queue, QUEUE);
                        self.delivered(session, consumer.0, deliveries);
                    }
                    Notice::Offer {
                        consumer, count, ..
                    } => {
                        assert!(count > 0);
                        if let Some(seen) = self.consumers.get_mut(&(session, consumer.0)) {
                            assert!(seen.shared && !seen.offered);
                            seen.offered = true;
                            offers.push((session, consumer, count));
                        }
                    }
                    _ => {}
                }
            }
            if offers.is_empty() {
                return;
            }
            for (session, consumer, count) in offers {
                if let Some(seen) = self.consumers.get_mut(&(session, consumer.0)) {
                    seen.offered = false;
                }
                self.bench
                    .call(|queue, scene| queue.grant(session, consumer, count, scene));
            }
        }
    }

    fn delivered(&mut self, session: SessionId, id: u32, deliveries: Vec<Delivery>) {
        let unwritten = self.unwritten.entry(session).or_default();
        let start = self.bench.bounds.log_start;
        // What was on its way to one that has left does not matter.
        let mut seen = self.consumers.get_mut(&(session, id));
        for delivery in deliveries {
            assert!(*unwritten < SESSION_WINDOW_BYTES, "the window was full");
            *unwritten += delivery.message.record().len();
            let Some(seen) = &mut seen else { continue };
            let at = offset(&delivery);
            let skipped = at > seen.next;
            assert!(
                at == seen.next || (skipped && at <= start),
                "{at} instead of {}",
                seen.next
            );
            seen.next = at + 1;
            seen.held.push(delivery);
            assert!(seen.held.len() <= seen.prefetch as usize);
        }
    }

    /// When everybody does what is expected of them, everybody gets everything.
    fn finish(&mut self) {
        let keys: Vec<_> = self.consumers.keys().copied().collect();
        let end = self.bench.bounds.high_watermark;
        for _ in 0..end + 10 {
            if self.consumers.values().all(|seen| seen.next >= end) {
                break;
            }
            for (session, bytes) in std::mem::take(&mut self.unwritten) {
                self.bench.sessions.written(session, bytes);
                self.bench.call(|queue, scene| queue.wake(session, scene));
            }
            for (session, id) in &keys {
                self.settle(*session, *id, 0);
                self.look();
            }
            self.bench.run();
            self.look();
        }
        for (key, seen) in &self.consumers {
            assert!(seen.next >= end, "{key:?} is at {} of {end}", seen.next);
        }
    }
}

#[test]
fn every_consumer_gets_everything_in_order_whatever_happens() {
    for seed in 0..SEEDS {
        let mut model = Model {
            bench: Bench::new(),
            dice: Dice(seed),
            consumers: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            id_next: 0,
        };
        for _ in 0..STEPS {
            model.step();
        }
        model.finish();
        model.bench.call(StreamQueue::changed);
    }
}
