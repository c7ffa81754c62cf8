//! Deliveries: what consumers can have goes to them, and what they want next is read.

use super::{Effect, READS_MAX, Scene, StreamQueue};
use crate::mail::{Notice, SessionId};
use base::Offset;

impl StreamQueue {
    pub(super) fn pump(&mut self, scene: &mut Scene<'_>) {
        let keys: Vec<_> = self.consumers.keys().copied().collect();
        for key in keys {
            self.pump_one(key, scene);
        }
        self.watch(scene);
    }

    /// Delivers to one consumer what it can have, and sees to it that there will be more.
    pub(super) fn pump_one(&mut self, key: (SessionId, u8), scene: &mut Scene<'_>) {
        let (session, _) = key;
        loop {
            let Some(consumer) = self.consumers.get_mut(&key) else {
                return;
            };
            if consumer.rests() {
                return;
            }
            if let Some(next) = consumer.wants(scene.bounds.log_start) {
                if next >= scene.bounds.high_watermark {
                    return;
                }
                let recent = self.recent.upgrade();
                match recent.filter(|chunk| consumer.can_use(chunk)) {
                    Some(chunk) => consumer.attach(&chunk, scene.bounds.log_start),
                    None => return self.read(next, scene),
                }
                continue;
            }
            if !scene.sessions.has_room(session) {
                return scene.stalled.push(session);
            }
            if consumer.is_shared() {
                return self.offer(key, scene);
            }
            self.deliver(key, u32::MAX, scene);
        }
    }

    fn read(&mut self, from: Offset, scene: &mut Scene<'_>) {
        if self.reads.len() < READS_MAX && self.reads.insert(from) {
            scene.effects.push(Effect::Read { from });
        }
    }

    fn offer(&mut self, key: (SessionId, u8), scene: &mut Scene<'_>) {
        if let Some(consumer) = self.consumers.get_mut(&key) {
            consumer.set_offered(true);
            let notice = Notice::Offer {
                queue: self.id,
                consumer: consumer.id,
                count: consumer.ahead(),
            };
            scene.notices.push((key.0, notice));
        }
    }

    /// Delivers up to `max` messages of those that a consumer has ahead; returns how many.
    pub(super) fn deliver(&mut self, key: (SessionId, u8), max: u32, scene: &mut Scene<'_>) -> u32 {
        let (session, _) = key;
        let Some(consumer) = self.consumers.get_mut(&key) else {
            return 0;
        };
        // What was trimmed meanwhile is gone.
        if consumer.wants(scene.bounds.log_start).is_some() {
            return 0;
        }
        let count = max.min(consumer.credit());
        let mut deliveries = Vec::with_capacity(count.min(consumer.ahead()) as usize);
        let mut delivered = 0;
        while delivered < count
            && scene.sessions.has_room(session)
            && let Some(delivery) = consumer.take()
        {
            scene
                .sessions
                .sent(session, delivery.message.record().len());
            deliveries.push(delivery);
            delivered += 1;
        }
        if delivered > 0 {
            let notice = Notice::Deliver {
                consumer: consumer.id,
                queue: self.id,
                deliveries,
            };
            scene.notices.push((session, notice));
        }
        self.tally.delivered += u64::from(delivered);
        delivered
    }
}
