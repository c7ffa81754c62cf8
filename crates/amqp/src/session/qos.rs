//! Prefetch limits. That of a consumer is counted by its host; one that all consumers of a channel share is
//! counted here: hosts offer, and are granted what has room, so that shared room never lies idle at one of them.

use super::Session;
use super::channel::Channel;
use super::failure::{Failure, Outcome};
use crate::mail::{ConsumerId, Request};
use amqp_wire::basic;
use std::collections::VecDeque;

/// The limit that the consumers of a channel share.
#[derive(Debug)]
pub(crate) struct Shared {
    limit: u32,
    /// Deliveries that are not settled.
    used: u32,
    /// What was granted and neither delivered nor given back.
    granted: u32,
    /// Consumers that could get messages, and how many, in the order of asking.
    offers: VecDeque<(ConsumerId, u32)>,
}

impl Shared {
    fn room(&self) -> u32 {
        self.limit.saturating_sub(self.used + self.granted)
    }

    /// Granted messages have come.
    pub(super) fn delivered(&mut self, count: u32) {
        self.granted = self.granted.saturating_sub(count);
        self.used += count;
    }

    pub(super) fn settled(&mut self, count: u32) {
        self.used = self.used.saturating_sub(count);
    }
}

impl Session {
    pub(super) fn qos(&mut self, number: u16, qos: &basic::Qos) -> Outcome {
        if qos.prefetch_size != 0 {
            let text = format!("prefetch_size!=0 ({})", qos.prefetch_size);
            return Err(Failure::not_implemented(text));
        }
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        if qos.global {
            self.share(number, qos.prefetch_count);
        } else {
            channel.prefetch = qos.prefetch_count;
        }
        self.outbox.send(number, &basic::QosOk {});
        Ok(())
    }

    /// Sets the limit that the channel's consumers share; 0 for none.
    fn share(&mut self, number: u16, count: u16) {
        let Some(channel) = self.channels.get_mut(number) else {
            return;
        };
        let limit = u32::from(count);
        match (&mut channel.shared, limit) {
            (None, 0) => {}
            (Some(_), 0) => {
                channel.shared = None;
                self.tell_sharing(number, false);
            }
            (Some(shared), _) => {
                shared.limit = limit;
                self.grant(number);
            }
            (None, _) => {
                channel.shared = Some(Box::new(Shared {
                    limit,
                    used: channel.unacked.of_consumers(),
                    granted: 0,
                    offers: VecDeque::new(),
                }));
                self.tell_sharing(number, true);
            }
        }
    }

    fn tell_sharing(&mut self, number: u16, shared: bool) {
        let consumers = self.channels.get(number).map(|channel| &channel.consumers);
        for id in consumers.into_iter().flatten() {
            let Some(consumer) = self.consumers.get(*id) else {
                continue;
            };
            if !consumer.no_ack {
                let request = Request::Share {
                    queue: consumer.queue,
                    consumer: *id,
                    shared,
                };
                self.outbox.request(consumer.shard, request);
            }
        }
    }

    /// A sharing consumer could get messages.
    pub(super) fn offered(&mut self, id: ConsumerId, count: u32) {
        let Some(channel) = self.channel_of(id) else {
            return;
        };
        let number = channel.number;
        let Some(shared) = &mut channel.shared else {
            return;
        };
        match shared
            .offers
            .iter_mut()
            .find(|(offering, _)| *offering == id)
        {
            Some((_, offered)) => *offered = count,
            None => shared.offers.push_back((id, count)),
        }
        self.publisher.remind(number);
    }

    /// What was granted is given back.
    pub(super) fn unused(&mut self, id: ConsumerId, count: u32) {
        let Some(channel) = self.channel_of(id) else {
            return;
        };
        let number = channel.number;
        if let Some(shared) = &mut channel.shared {
            shared.granted = shared.granted.saturating_sub(count);
            self.publisher.remind(number);
        }
    }

    /// Grants what has room.
    pub(super) fn grant(&mut self, number: u16) {
        let shared = self
            .channels
            .get_mut(number)
            .and_then(|channel| channel.shared.as_mut());
        let Some(shared) = shared else { return };
        while shared.room() > 0
            && let Some((id, offered)) = shared.offers.pop_front()
        {
            let Some(consumer) = self.consumers.get(id) else {
                continue;
            };
            let count = offered.min(shared.room());
            shared.granted += count;
            let request = Request::Grant {
                queue: consumer.queue,
                consumer: id,
                count,
            };
            self.outbox.request(consumer.shard, request);
        }
    }

    fn channel_of(&mut self, id: ConsumerId) -> Option<&mut Channel> {
        let consumer = self.consumers.get(id)?;
        if consumer.is_leaving() {
            return None;
        }
        self.channels.keyed(consumer.channel, consumer.key)
    }
}
