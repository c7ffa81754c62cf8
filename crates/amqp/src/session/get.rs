//! basic.get.

use super::Session;
use super::deliver::{parts, text, write};
use super::failure::{Failure, Outcome};
use super::unacked::Delivered;
use super::waiting::Purpose;
use crate::broker::Counters;
use crate::mail::{Delivery, QueueId, Refusal, Request};
use crate::permissions::Access;
use amqp_wire::{ShortStr, basic};
use base::ShardId;

impl Session {
    pub(super) fn get(&mut self, number: u16, get: &basic::Get<'_>) -> Outcome {
        let name = self.queue_name(number, &get.queue)?;
        self.check_access(Access::Read, "queue", &name)?;
        let found = self.find_queue(&name)?;
        if found.queue.is_none() {
            let vhost = &self.vhost;
            return Err(Failure::not_implemented(format!(
                "basic.get not supported by stream queues queue '{name}' in vhost '{vhost}'"
            )));
        }
        let (queue, shard, no_ack) = (found.id, found.shard, get.no_ack);
        let purpose = Purpose::Getting {
            queue,
            shard,
            no_ack,
            name,
        };
        let request = |ticket| Request::Get {
            ticket,
            queue,
            no_ack,
        };
        self.wait_for_host_after_publishes((number, (60, 70)), shard, request, purpose);
        Ok(())
    }

    /// A message was taken, or there is none.
    pub(super) fn taken(
        &mut self,
        number: u16,
        (shard, queue, name): (ShardId, QueueId, &str),
        no_ack: bool,
        outcome: Result<Option<(Delivery, u64)>, Refusal>,
    ) -> Outcome {
        let Some((delivery, behind)) = outcome.map_err(|refusal| self.refusal(refusal, name))?
        else {
            self.outbox.send(
                number,
                &basic::GetEmpty {
                    cluster_id: ShortStr::EMPTY,
                },
            );
            return Ok(());
        };
        let (Some(channel), Some(parts)) = (self.channels.get_mut(number), parts(&delivery)) else {
            return Ok(());
        };
        let delivery_tag = channel.next_tag();
        let method = basic::GetOk {
            delivery_tag,
            redelivered: delivery.redelivered,
            exchange: text(&parts.exchange),
            routing_key: text(&parts.routing_key),
            message_count: u32::try_from(behind).unwrap_or(u32::MAX),
        };
        let frame_max = self.terms.frame_max;
        write(
            &mut self.outbox.out,
            (number, frame_max),
            &method,
            &delivery,
            &parts,
        );
        if !no_ack {
            channel.unacked.push(Delivered {
                tag: delivery_tag,
                position: delivery.position,
                queue,
                shard,
                consumer: None,
            });
        }
        Counters::add(&self.broker.counters().delivered, 1);
        Ok(())
    }

    /// What a host's refusal is to the client.
    pub(super) fn refusal(&self, refusal: Refusal, queue: &str) -> Box<Failure> {
        let vhost = &self.vhost;
        let of = |what: &str| format!("queue '{queue}' in vhost '{vhost}' {what}");
        match refusal {
            Refusal::NotFound => Failure::no_queue(queue, vhost),
            Refusal::InUse => Failure::precondition(of("in use")),
            Refusal::NotEmpty => Failure::precondition(of("not empty")),
            Refusal::ExclusiveUse => Failure::refused(of("in exclusive use")),
            Refusal::NotSupported(why) => {
                Failure::not_implemented(format!("{why} queue '{queue}' in vhost '{vhost}'"))
            }
            Refusal::NoPrefetch => Failure::precondition(format!(
                "consumer prefetch count is not set for 'queue '{queue}' in vhost '{vhost}''"
            )),
            Refusal::Lost => Failure::internal(refusal.to_string()),
        }
    }
}
