//! New consumers: whether they can be served, and where they begin.

use super::super::consumer::{Consumer, Start};
use super::{Effect, Scene, StreamQueue};
use crate::mail::{Answer, Consume, Notice, Refusal, SessionId, StreamStart};

/// Consumers of one session on one stream: as many as there are levels to tell them apart by.
pub(super) const CONSUMERS_PER_SESSION: usize = 256;

impl StreamQueue {
    /// Starts a consumer. That it wants to be alone or served first means nothing where everybody gets
    /// every message.
    pub(crate) fn consume(&mut self, session: SessionId, consume: Consume, scene: &mut Scene<'_>) {
        let ticket = consume.ticket;
        let outcome = self.admit(session, consume, scene);
        let answer = outcome.map(|_| Answer::Consuming);
        let notice = Notice::Answer {
            ticket,
            outcome: answer,
        };
        scene.notices.push((session, notice));
        if let Ok(level) = outcome {
            self.pump_one((session, level), scene);
        }
        self.watch(scene);
    }

    fn admit(
        &mut self,
        session: SessionId,
        consume: Consume,
        scene: &mut Scene<'_>,
    ) -> Result<u8, Refusal> {
        // Asked first: where nothing is acknowledged a session passes no limit on.
        if consume.no_ack {
            return Err(Refusal::NotSupported(
                "automatic acknowledgement not supported by stream queues",
            ));
        }
        if consume.prefetch.is_none() && !consume.shared {
            return Err(Refusal::NoPrefetch);
        }
        if self.key(session, consume.consumer).is_some() {
            return Err(Refusal::InUse);
        }
        let level = self.free_level(session).ok_or(Refusal::NotSupported(
            "a connection has at most 256 consumers of one stream queue",
        ))?;
        let (log_start, end) = (scene.bounds.log_start, scene.bounds.high_watermark);
        let mut with_batch = false;
        let next = match consume.start {
            StreamStart::First => log_start,
            StreamStart::Last if end > log_start => {
                with_batch = true;
                end - 1
            }
            StreamStart::Last | StreamStart::Next | StreamStart::Timestamp(_) => end,
            StreamStart::Offset(offset) => offset.max(log_start),
        };
        let seeking = if let StreamStart::Timestamp(timestamp) = consume.start {
            scene.effects.push(Effect::Seek {
                session,
                consumer: consume.consumer,
                timestamp,
            });
            true
        } else {
            false
        };
        let consumer = Consumer::new(Start {
            id: consume.consumer,
            tag: consume.tag,
            level,
            prefetch: consume.prefetch.map(Into::into),
            shared: consume.shared,
            next,
            with_batch,
            seeking,
        });
        self.consumers.insert((session, level), consumer);
        Ok(level)
    }

    fn free_level(&mut self, session: SessionId) -> Option<u8> {
        let taken = self.consumers.range((session, 0)..=(session, u8::MAX));
        if taken.count() >= CONSUMERS_PER_SESSION {
            return None;
        }
        while self.consumers.contains_key(&(session, self.level_next)) {
            self.level_next = self.level_next.wrapping_add(1);
        }
        let level = self.level_next;
        self.level_next = level.wrapping_add(1);
        Some(level)
    }
}
