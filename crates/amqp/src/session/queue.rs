//! queue.purge and queue.delete.

use super::Session;
use super::failure::Outcome;
use super::waiting::Purpose;
use crate::mail::{Answer, QueueId, Refusal, Request};
use crate::permissions::Access;
use crate::stream_queue;
use amqp_wire::{MethodFields, queue};
use std::sync::Arc;

impl Session {
    pub(super) fn purge(&mut self, number: u16, purge: &queue::Purge<'_>) -> Outcome {
        let name = self.queue_name(number, &purge.queue)?;
        self.check_access(Access::Read, "queue", &name)?;
        let found = self.find_queue(&name)?;
        let (queue, nowait) = (found.id, purge.nowait);
        let request = |ticket| Request::Purge { ticket, queue };
        let purpose = Purpose::Purging { name, nowait };
        let at = (number, purge.ids());
        self.wait_for_host_after_publishes(at, found.shard, request, purpose);
        Ok(())
    }

    pub(super) fn purged(
        &mut self,
        number: u16,
        name: &str,
        nowait: bool,
        outcome: Result<Answer, Refusal>,
    ) -> Outcome {
        let answer = outcome.map_err(|refusal| self.refusal(refusal, name))?;
        if let (Answer::Purged(count), false) = (answer, nowait) {
            let message_count = u32::try_from(count).unwrap_or(u32::MAX);
            self.outbox.send(number, &queue::PurgeOk { message_count });
        }
        Ok(())
    }

    pub(super) fn delete_queue(&mut self, number: u16, delete: &queue::Delete<'_>) -> Outcome {
        let name = self.queue_name(number, &delete.queue)?;
        self.check_access(Access::Configure, "queue", &name)?;
        let view = self.look();
        if stream_queue::find(&view.scene(&self.vhost), &name).is_none() {
            // What is not there is deleted already.
            self.delete_ok(number, 0, delete.nowait);
            return Ok(());
        }
        let found = self.find_queue(&name)?;
        let (queue, nowait) = (found.id, delete.nowait);
        let (if_unused, if_empty) = (delete.if_unused, delete.if_empty);
        let request = |ticket| Request::Delete {
            ticket,
            queue,
            if_unused,
            if_empty,
        };
        let purpose = Purpose::Deleting {
            queue,
            name,
            nowait,
            ended: Vec::new(),
        };
        let at = (number, delete.ids());
        self.wait_for_host_after_publishes(at, found.shard, request, purpose);
        Ok(())
    }

    pub(super) fn deleted(
        &mut self,
        number: u16,
        (queue, name): (QueueId, &Arc<str>),
        nowait: bool,
        outcome: Result<Answer, Refusal>,
    ) -> Outcome {
        let count = match outcome {
            Ok(Answer::Deleted(count)) => count,
            Ok(_) | Err(Refusal::NotFound) => 0,
            Err(refusal) => return Err(self.refusal(refusal, name)),
        };
        self.exclusive.retain(|(_, known)| *known != queue);
        self.delete_ok(number, count, nowait);
        Ok(())
    }

    fn delete_ok(&mut self, number: u16, count: u64, nowait: bool) {
        if !nowait {
            let message_count = u32::try_from(count).unwrap_or(u32::MAX);
            self.outbox.send(number, &queue::DeleteOk { message_count });
        }
    }
}
