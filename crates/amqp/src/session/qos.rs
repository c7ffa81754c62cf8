//! Prefetch limits. That of a consumer is counted by its host; one that all consumers of a channel share is
//! counted here: hosts offer, and are granted what has room, so that shared room never lies idle at one of them.

use super::Session;
use super::channel::Channel;
use super::failure::{Failure, Outcome};
use crate::mail::{ConsumerId, Request};
use amqp_wire::basic;
use std::collections::{HashMap, VecDeque};

/// The limit that the consumers of a channel share.
#[derive(Debug)]
pub(crate) struct Shared {
    limit: u32,
    /// Deliveries that are not settled.
    used: u32,
    /// What was granted and neither delivered nor given back, by consumer.
    granted: HashMap<ConsumerId, u32>,
    /// Consumers that could get messages, and how many, in the order of asking.
    offers: VecDeque<(ConsumerId, u32)>,
}

impl Shared {
    fn room(&self) -> u32 {
        self.limit
            .saturating_sub(self.used + self.granted.values().sum::<u32>())
    }

    /// Granted messages have come.
    pub(super) fn delivered(&mut self, consumer: ConsumerId, count: u32) {
        self.returned(consumer, count);
        self.used += count;
    }

    /// Granted messages have come, or do not.
    fn returned(&mut self, consumer: ConsumerId, count: u32) {
        if let Some(granted) = self.granted.get_mut(&consumer) {
            *granted = granted.saturating_sub(count);
            if *granted == 0 {
                self.granted.remove(&consumer);
            }
        }
    }

    /// Nothing more comes for a consumer: what it was granted is everybody's again.
    pub(super) fn forget(&mut self, consumer: ConsumerId) {
        self.granted.remove(&consumer);
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
                    granted: HashMap::new(),
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
            shared.returned(id, count);
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
            *shared.granted.entry(id).or_default() += count;
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

#[cfg(test)]
mod tests {
    use super::Shared;
    use crate::mail::ConsumerId;
    use std::collections::{HashMap, VecDeque};

    #[test]
    fn what_a_consumer_was_granted_is_free_again_when_it_ends() {
        let (first, second) = (ConsumerId(1), ConsumerId(2));
        let mut shared = Shared {
            limit: 10,
            used: 0,
            granted: HashMap::from([(first, 6), (second, 4)]),
            offers: VecDeque::new(),
        };
        assert_eq!(shared.room(), 0);
        shared.delivered(first, 1);
        assert_eq!(shared.room(), 0, "it is unsettled now");
        shared.forget(first);
        assert_eq!(shared.room(), 5);
        shared.returned(second, 4);
        shared.settled(1);
        assert_eq!((shared.room(), shared.granted.len()), (10, 0));
    }
}
