//! When everything has come to rest: each message where it must be, and nowhere else.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};

use super::label::{Decision, Label};
use super::ledger::{Ledger, Promises, Rest};
use super::publisher::{Answer, Publisher};
use super::topology::{Lane, Queue};

/// What was found, when every promise was kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) confirmed: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    /// Of those without an answer, found in a queue.
    pub(super) unanswered_found: u64,
    pub(super) dead_lettered: u64,
    /// Dead letters that are nowhere: only where they need not be kept.
    pub(super) dead_letters_lost: u64,
}

/// The ledgers of all queues, and what they must hold.
pub(super) struct Verdict<'a> {
    pub(super) ledgers: HashMap<Queue, &'a Ledger>,
    pub(super) promises: Promises,
}

impl Verdict<'_> {
    pub(super) fn check(&self, publishers: &[Publisher]) -> Result<Found> {
        let mut found = Found::default();
        for (queue, ledger) in &self.ledgers {
            for label in ledger.labels() {
                let sent = usize::try_from(label.publisher)
                    .ok()
                    .and_then(|id| publishers.get(id))
                    .is_some_and(|publisher| label.number < publisher.answers.len() as u64);
                ensure!(sent, "{label:?} is in {queue:?} and was never sent");
            }
        }
        for publisher in publishers {
            for (number, answer) in (0..).zip(&publisher.answers) {
                let label = Label {
                    publisher: publisher.id,
                    number,
                };
                self.check_message(publisher.lane, label, *answer, &mut found)?;
            }
        }
        Ok(found)
    }

    fn check_message(
        &self,
        lane: Lane,
        label: Label,
        answer: Answer,
        found: &mut Found,
    ) -> Result<()> {
        let mut seen = false;
        for queue in lane.targets(label) {
            match self.rest(queue, label)? {
                Rest::Settled => seen = true,
                Rest::Unseen => ensure!(
                    answer != Answer::Confirmed,
                    "A1: {label:?} was confirmed and never came from {queue:?}"
                ),
                Rest::Lost => ensure!(
                    answer != Answer::Confirmed && !self.promises.stored_before_shown,
                    "A1: {label:?} was not acknowledged and did not come again from {queue:?}"
                ),
            }
        }
        match answer {
            Answer::Confirmed => found.confirmed += 1,
            Answer::Refused => found.refused += 1,
            Answer::None => {
                found.unanswered += 1;
                found.unanswered_found += u64::from(seen);
            }
        }
        if lane == Lane::Work {
            self.check_dead_letter(label, seen, found)?;
        }
        Ok(())
    }

    /// A message that its consumer rejects is in its target and no longer in its source; another never gets there.
    fn check_dead_letter(&self, label: Label, seen: bool, found: &mut Found) -> Result<()> {
        let target = Queue::Dead(label.dead_queue());
        let there = self.rest(target, label)? != Rest::Unseen;
        let wanted = seen && label.decision() == Decision::Reject;
        ensure!(
            wanted || !there,
            "{label:?} is in {target:?} and was not rejected"
        );
        if wanted && !there {
            ensure!(
                !self.promises.safe_dead_letters,
                "{label:?} was rejected and is neither in its source nor in {target:?}"
            );
            found.dead_letters_lost += 1;
        }
        found.dead_lettered += u64::from(there);
        Ok(())
    }

    fn rest(&self, queue: Queue, label: Label) -> Result<Rest> {
        let ledger = self.ledgers.get(&queue);
        Ok(ledger.context("every queue has a ledger")?.rest(label))
    }
}

#[cfg(test)]
mod tests;
