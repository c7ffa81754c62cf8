//! basic.ack, nack, reject and recover.

use super::Session;
use super::failure::{Failure, Outcome};
use super::unacked::Delivered;
use crate::broker::Counters;
use crate::mail;
use amqp_wire::basic;

impl Session {
    pub(super) fn ack(&mut self, number: u16, ack: &basic::Ack) -> Outcome {
        let acknowledged = mail::Outcome::Acknowledged;
        self.settle(number, ack.delivery_tag, ack.multiple, acknowledged)
    }

    pub(super) fn nack(&mut self, number: u16, nack: &basic::Nack) -> Outcome {
        let outcome = refused(nack.requeue);
        self.settle(number, nack.delivery_tag, nack.multiple, outcome)
    }

    pub(super) fn reject(&mut self, number: u16, reject: &basic::Reject) -> Outcome {
        let outcome = refused(reject.requeue);
        self.settle(number, reject.delivery_tag, false, outcome)
    }

    fn settle(&mut self, number: u16, tag: u64, multiple: bool, outcome: mail::Outcome) -> Outcome {
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        let unknown = || Failure::precondition(format!("unknown delivery tag {tag}"));
        if !multiple {
            let delivered = channel.unacked.take(tag).ok_or_else(unknown)?;
            return self.settle_all(number, [delivered], outcome);
        }
        let delivered = channel.unacked.take_up_to(tag).ok_or_else(unknown)?;
        self.settle_all(number, delivered, outcome)
    }

    fn settle_all<D>(&mut self, number: u16, delivered: D, outcome: mail::Outcome) -> Outcome
    where
        D: IntoIterator<Item = Delivered> + AsRef<[Delivered]>,
    {
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        if let Some(tx) = &mut channel.tx {
            return tx.settle(delivered, outcome);
        }
        self.no_longer_unacked(number, delivered.as_ref());
        for delivered in delivered {
            self.outbox.settle(
                delivered.shard,
                delivered.queue,
                delivered.position,
                outcome,
            );
        }
        Ok(())
    }

    /// Deliveries count no longer against the limit that the channel's consumers share.
    pub(super) fn no_longer_unacked<'a>(
        &mut self,
        number: u16,
        delivered: impl IntoIterator<Item = &'a Delivered>,
    ) {
        let Some(channel) = self.channels.get_mut(number) else {
            return;
        };
        let (mut count, mut of_consumers) = (0, 0);
        for delivered in delivered {
            count += 1;
            of_consumers += u32::from(delivered.consumer.is_some());
        }
        Counters::add(&self.broker.counters().settled, count);
        if let Some(shared) = &mut channel.shared {
            shared.settled(of_consumers);
            self.publisher.remind(number);
        }
    }

    /// Everything that is unacknowledged on the channel is ready again.
    pub(super) fn recover(&mut self, number: u16, requeue: bool, answer: bool) -> Outcome {
        if !requeue {
            return Err(Failure::not_implemented("requeue=false"));
        }
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        let held = channel.unacked.take_up_to(0).unwrap_or_default();
        self.no_longer_unacked(number, &held);
        for delivered in held {
            let (shard, queue) = (delivered.shard, delivered.queue);
            self.outbox
                .settle(shard, queue, delivered.position, mail::Outcome::Requeued);
        }
        if answer {
            self.outbox.send(number, &basic::RecoverOk {});
        }
        Ok(())
    }
}

fn refused(requeue: bool) -> mail::Outcome {
    if requeue {
        mail::Outcome::Requeued
    } else {
        mail::Outcome::Rejected
    }
}
