//! Queues that go: by request, with their last consumer, or for want of use.

use super::Host;
use crate::mail::{Answer, Notice, QueueId, Refusal, SessionId, Ticket};

/// A queue that is being removed from the catalog.
#[derive(Debug, Default)]
pub(super) struct Deletion {
    /// Messages that were ready in it.
    ready: u64,
    /// Who is told.
    waiting: Vec<(SessionId, Ticket)>,
}

impl Host {
    pub(super) fn delete(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        id: QueueId,
        (if_unused, if_empty): (bool, bool),
    ) {
        if let Some(deletion) = self.deleting.get_mut(&id) {
            deletion.waiting.push((session, ticket));
            return;
        }
        let refusal = match self.queues.get(&id) {
            None => Some(Refusal::NotFound),
            Some(queue) if if_unused && !queue.consumers.is_empty() => Some(Refusal::InUse),
            Some(queue) if if_empty && queue.ready() > 0 => Some(Refusal::NotEmpty),
            Some(_) => None,
        };
        match refusal {
            Some(refusal) => self.answer(session, ticket, Err(refusal)),
            None => self.begin_deletion(id, Some((session, ticket))),
        }
    }

    /// A queue has lost a consumer; one that is deleted automatically goes with the last.
    pub(super) fn unused(&mut self, id: QueueId) {
        self.note(id);
        let goes = self.queues.get(&id).is_some_and(|queue| {
            queue.declared.auto_delete && queue.had_consumer && queue.consumers.is_empty()
        });
        if goes {
            self.begin_deletion(id, None);
        }
    }

    /// Stops a queue. It is removed from the catalog when everything that was written to it has been handed
    /// to the log.
    pub(super) fn begin_deletion(&mut self, id: QueueId, waiting: Option<(SessionId, Ticket)>) {
        let Some(queue) = self.queues.get_mut(&id).filter(|queue| !queue.deleting) else {
            return;
        };
        queue.deleting = true;
        let ready = queue.ready();
        for slot in queue.consumers.all() {
            if let Some(consumer) = queue.consumers.remove(slot) {
                let consumer_id = consumer.id;
                let notice = Notice::Cancelled {
                    consumer: consumer_id,
                };
                self.notices.push((consumer.session, notice));
            }
        }
        for (session, ticket) in queue.take_gets() {
            let outcome = Err(Refusal::NotFound);
            self.notices
                .push((session, Notice::Got { ticket, outcome }));
        }
        queue.abandon(&mut self.kept);
        if !queue.is_unsettled && queue.has_settles() {
            queue.is_unsettled = true;
            self.unsettled.push(id);
        }
        self.account(id);
        self.mourning.remove(&id);
        let waiting = waiting.into_iter().collect();
        self.deleting.insert(id, Deletion { ready, waiting });
        self.undeclare.push(id);
    }

    /// A queue is out of the catalog.
    pub(super) fn undeclared(&mut self, id: QueueId) {
        if let Some(queue) = self.queues.remove(&id)
            && let Some(at) = queue.armed
        {
            self.timers.remove(&(at, id));
        }
        self.memory.remove(&id);
        self.exclusive.remove(&id);
        let Deletion { ready, waiting } = self.deleting.remove(&id).unwrap_or_default();
        for (session, ticket) in waiting {
            self.answer(session, ticket, Ok(Answer::Deleted(ready)));
        }
    }
}
