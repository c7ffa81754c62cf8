//! Answers to what a session asked.

use super::{Asked, Session, Settling};
use crate::batch::Label;
use crate::violation::{Violation, ensure};
use amqp::mail::{Answer, Outcome, Refusal, Ticket};
use base::Clock;

impl Session {
    pub(super) fn published(&mut self, ticket: Ticket, rejected: &[u32]) -> Result<(), Violation> {
        let Some(Asked::Publish(labels, targets)) = self.asked.remove(&ticket) else {
            let detail = format!("{ticket:?} is no publish, or was answered before");
            return Err(Violation::new("A2", detail));
        };
        let now_ms = self.broker.clock.wall().0;
        self.broker.trace.note(format_args!(
            "{:?} {ticket:?} of {} is published to {targets:?}, but for {rejected:?}",
            self.id,
            labels.len()
        ));
        let beyond = rejected.iter().find(|at| **at as usize >= labels.len());
        ensure(beyond.is_none(), "A2", || format!("{beyond:?} was refused"))?;
        let mut book = self.broker.books.lock();
        for (number, label) in (0_u32..).zip(&labels) {
            let refused = rejected.contains(&number);
            book.published(*label, &targets, refused, now_ms)?;
            let Some((own, expected)) = &mut self.own else {
                continue;
            };
            if !refused
                && targets.iter().any(|(slot, _)| slot == own)
                && let Some((level, deadline)) = book.level_and_deadline(*label, *own)
            {
                expected.ready(level, *label, deadline);
            }
        }
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        outcome: Result<Answer, Refusal>,
    ) -> Result<(), Violation> {
        let Some(asked) = self.asked.remove(&ticket) else {
            let detail = format!("{ticket:?} was not asked, or answered before: {outcome:?}");
            return Err(Violation::new("answer", detail));
        };
        self.broker
            .trace
            .note(format_args!("{:?} {asked:?}: {outcome:?}", self.id));
        if let Asked::Purge(queue, _) = &asked {
            self.broker.books.lock().purge_answered(*queue);
        }
        match (asked, outcome) {
            (_, Err(Refusal::Lost)) => self.lost = true,
            (Asked::Consume(_), Ok(Answer::Consuming)) => {}
            (Asked::Consume(consumer), Err(Refusal::NotFound)) => {
                if let Some(eater) = self.eaters.remove(&consumer) {
                    self.check_missing(eater.queue)?;
                }
            }
            (Asked::Cancel(consumer), Ok(Answer::Cancelled)) => {
                self.eaters.remove(&consumer);
            }
            (Asked::Settle(settling), Ok(Answer::Settled)) => self.settled(&settling),
            (Asked::Inspect(_), Ok(Answer::Counts(_))) => {}
            (Asked::Inspect(queue) | Asked::Purge(queue, _), Err(Refusal::NotFound)) => {
                self.check_missing(queue)?;
            }
            (Asked::Purge(_, sure), Ok(Answer::Purged(count))) => self.purged(&sure, count)?,
            (Asked::Delete(queue), Ok(Answer::Deleted(_))) => {
                self.held.retain(|held| held.queue != queue);
                self.broker.books.lock().deleted(queue, true);
            }
            (
                Asked::Delete(queue),
                Err(refusal @ (Refusal::NotFound | Refusal::InUse | Refusal::NotEmpty)),
            ) => {
                let gone = refusal == Refusal::NotFound;
                self.broker.books.lock().deleted(queue, gone);
            }
            (asked, outcome) => {
                let detail = format!("{asked:?} was answered by {outcome:?}");
                return Err(Violation::new("answer", detail));
            }
        }
        Ok(())
    }

    /// A settlement is durable, and with it the acknowledgements that were sent to that host before.
    fn settled(&mut self, settling: &Settling) {
        let mut book = self.broker.books.lock();
        self.unsure.retain(|unsure| {
            let before = unsure.number < settling.number && !unsure.rejected;
            let done =
                unsure.shard == settling.shard && (before || unsure.number == settling.number);
            if done {
                book.settled(unsure.of.0, unsure.of.1);
            }
            !done
        });
        let Some((own, expected)) = &mut self.own else {
            return;
        };
        for key in &settling.requeued {
            if key.1 == *own
                && self.returned.get(key) == Some(&settling.number)
                && let Some((level, deadline)) = book.ready_again(*key)
            {
                expected.ready(level, key.0, deadline);
            }
        }
    }

    /// What was ready when the purge was asked for, and was not delivered since, is gone.
    fn purged(&mut self, sure: &[u64], count: u64) -> Result<(), Violation> {
        let now_ms = self.broker.clock.wall().0;
        let Some((own, _)) = &self.own else {
            return Ok(());
        };
        let labels = sure.iter().map(|number| Label {
            producer: self.habits.client,
            number: *number,
        });
        let alive = self.broker.books.lock().purged(*own, labels, now_ms);
        ensure(count >= alive, "purge", || {
            format!("{count} were removed, {alive} were ready")
        })
    }

    /// Notes a settlement for when its host says that it is durable.
    pub(super) fn note_settlement(&mut self, held: &[super::Held], outcome: Outcome) -> Settling {
        self.settlements += 1;
        let shard = self.broker.shard_of(held[0].queue);
        let number = self.settlements;
        if outcome != Outcome::Requeued {
            self.unsure.extend(held.iter().map(|held| super::Unsure {
                shard,
                number,
                rejected: outcome == Outcome::Rejected,
                of: held.of,
            }));
        }
        let requeued: Vec<_> = if outcome == Outcome::Requeued {
            held.iter().map(|held| held.of.0).collect()
        } else {
            Vec::new()
        };
        self.returned
            .extend(requeued.iter().map(|key| (*key, number)));
        Settling {
            shard,
            number,
            requeued,
        }
    }
}
