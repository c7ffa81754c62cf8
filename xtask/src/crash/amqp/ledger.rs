//! What one queue's consumer knows of each message, and the checks of every delivery against it.
//!
//! A queue has one consumer at a time, so a message is in one state here, and the server may deliver it or may not:
//! a delivery that it may not make is a broken promise, and so is one that it must make and passes over.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::label::Label;
use crate::server::Kind;

/// An acknowledgement or rejection outside of a transaction is not waited for by anybody. The server writes it with
/// the next block, 20 ms later at most; one that left this long before a kill was written, whatever a sync takes
/// and however long two busy cores let the server wait for its turn.
pub(super) const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A message in its queue.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Delivered in this life of the server, and not answered.
    InHand,
    /// Sent back in this life: it comes again.
    Requeued,
    /// Acknowledged or rejected in this life of the server, in a transaction or not; it must not come again in this life.
    Settled(Certainty),
    /// It is there and must come again, before what was published after it.
    Due,
    /// The server was killed before it could be known whether it had stored the acknowledgement.
    Unknown,
    /// Settled for ever.
    Gone,
}

/// How sure it is that an acknowledgement outlives a kill.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Certainty {
    /// Part of a transaction whose commit has not been sent: it does not.
    Uncommitted,
    /// Its commit has been sent and not answered.
    Committing,
    /// Its commit has been answered.
    Committed,
    /// Outside of a transaction: when it left, in milliseconds since the ledger was opened.
    Sent(u32),
}

/// A message as a key of the ledger: there are millions, so that it must be small.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key(u64);

/// Bits of a message's number in its key.
const NUMBER_BITS: u32 = 48;

impl From<Label> for Key {
    fn from(label: Label) -> Key {
        Key(label.publisher << NUMBER_BITS | label.number)
    }
}

impl From<Key> for Label {
    fn from(key: Key) -> Label {
        Label {
            publisher: key.0 >> NUMBER_BITS,
            number: key.0 & ((1 << NUMBER_BITS) - 1),
        }
    }
}

/// What a server promises beyond A1 and A2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promises {
    /// Whether acknowledgements are durable when their transaction is committed.
    pub(super) durable_commits: bool,
    /// Whether a dead letter is always in exactly one of source and target.
    pub(super) safe_dead_letters: bool,
    /// Whether only what is stored is delivered, so that what was delivered once and not acknowledged comes again even if
    /// its publisher never got a confirm.
    pub(super) stored_before_shown: bool,
}

impl Promises {
    pub(super) fn of(server: Kind) -> Promises {
        // RabbitMQ confirms what a transaction publishes, but nobody waits for its acknowledgements; its classic queues
        // dead-letter without confirms; and they deliver what they are still about to write.
        let all = server == Kind::Mainstay;
        Promises {
            durable_commits: all,
            safe_dead_letters: all,
            stored_before_shown: all,
        }
    }
}

/// What is known of a queue.
pub(super) struct Ledger {
    promises: Promises,
    /// Whether a publisher's messages come in order: dead letters come in that of their rejection, from several queues.
    ordered: bool,
    opened: Instant,
    messages: HashMap<Key, State>,
    /// The messages in state [`State::Due`], by publisher.
    due: HashMap<u64, BTreeSet<u64>>,
    /// The highest number of each publisher that came in this life of the server, requeued messages aside.
    last: HashMap<u64, u64>,
    /// Messages in state [`State::Requeued`].
    requeued: usize,
    uncommitted: Vec<Label>,
    committing: Vec<Label>,
    pub(super) deliveries: u64,
    /// Deliveries that were marked as such and had to be.
    pub(super) redeliveries: u64,
}

/// How a message stands when everything has come to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It never came.
    Unseen,
    /// It came, and an acknowledgement or rejection was sent that holds or may hold.
    Settled,
    /// It came, nothing that could hold was sent, and it did not come again.
    Lost,
}

impl Ledger {
    pub(super) fn new(promises: Promises, ordered: bool) -> Ledger {
        Ledger {
            promises,
            ordered,
            opened: Instant::now(),
            messages: HashMap::new(),
            due: HashMap::new(),
            last: HashMap::new(),
            requeued: 0,
            uncommitted: Vec::new(),
            committing: Vec::new(),
            deliveries: 0,
            redeliveries: 0,
        }
    }

    /// Takes a delivery. `is_new` says that the message was published in this life of the server. Returns whether it is
    /// the first of its message.
    ///
    /// # Errors
    ///
    /// When the server may not deliver the message, not now, or not so.
    pub(super) fn deliver(
        &mut self,
        label: Label,
        redelivered: bool,
        is_new: bool,
    ) -> Result<bool> {
        let before = self.messages.get(&label.into()).copied();
        match before {
            None if is_new => ensure!(
                !redelivered,
                "{label:?} is marked as redelivered and was never delivered"
            ),
            // Whether it was on its way when the server was killed cannot be known here.
            None => {}
            Some(State::Due | State::Unknown | State::Requeued) => {
                ensure!(
                    redelivered,
                    "A1: {label:?} was delivered before ({before:?}) and is not marked as redelivered"
                );
                self.redeliveries += 1;
            }
            Some(State::Gone) => bail!("A3: {label:?} was settled for good and is delivered again"),
            Some(State::InHand | State::Settled(_)) => {
                bail!("{label:?} is delivered a second time in one life: {before:?}")
            }
        }
        if let Some(due) = self.due.get_mut(&label.publisher) {
            due.remove(&label.number);
        }
        if before == Some(State::Requeued) {
            self.requeued -= 1;
        } else if self.ordered {
            self.check_order(label)?;
        }
        self.messages.insert(label.into(), State::InHand);
        self.deliveries += 1;
        Ok(before.is_none())
    }

    /// Nothing that was published before may still be due, and nothing that was published after may have come.
    fn check_order(&mut self, label: Label) -> Result<()> {
        let Label { publisher, number } = label;
        let due = self.due.get(&publisher).and_then(BTreeSet::first);
        if let Some(due) = due
            && self.promises.stored_before_shown
        {
            ensure!(
                *due > number,
                "A1: message {due} of publisher {publisher} was not acknowledged and is not delivered again: {number} is there"
            );
        }
        if let Some(last) = self.last.insert(publisher, number) {
            ensure!(
                last < number,
                "message {number} of publisher {publisher} comes after {last}"
            );
        }
        Ok(())
    }

    /// A message in hand is sent back.
    pub(super) fn requeue(&mut self, label: Label) {
        self.messages.insert(label.into(), State::Requeued);
        self.requeued += 1;
    }

    /// Acknowledgements or rejections outside of a transaction have left.
    pub(super) fn settle(&mut self, labels: &[Label], now: Instant) {
        let now = self.milliseconds(now);
        for label in labels {
            self.messages
                .insert((*label).into(), State::Settled(Certainty::Sent(now)));
        }
    }

    /// An acknowledgement or rejection is part of the transaction.
    pub(super) fn settle_in_transaction(&mut self, label: Label) {
        self.uncommitted.push(label);
        self.messages
            .insert(label.into(), State::Settled(Certainty::Uncommitted));
    }

    /// Whether something is still to come from the server: a requeued message, or the answer to a commit.
    pub(super) fn is_waiting(&self) -> bool {
        self.requeued > 0 || self.is_committing()
    }

    /// How many acknowledgements the transaction has.
    pub(super) fn uncommitted(&self) -> usize {
        self.uncommitted.len()
    }

    /// Whether a commit has no answer yet.
    pub(super) fn is_committing(&self) -> bool {
        !self.committing.is_empty()
    }

    /// `tx.commit` is about to be sent.
    pub(super) fn commit(&mut self) {
        self.committing = std::mem::take(&mut self.uncommitted);
        for label in &self.committing {
            self.messages
                .insert((*label).into(), State::Settled(Certainty::Committing));
        }
    }

    /// `tx.commit-ok` has come.
    pub(super) fn committed(&mut self) {
        for label in self.committing.drain(..) {
            self.messages
                .insert(label.into(), State::Settled(Certainty::Committed));
        }
    }

    /// Messages whose state a kill would make doubtful: delivered and not answered, or answered and not surely stored.
    pub(super) fn killed(&mut self, at: Instant) -> u64 {
        self.last.clear();
        self.requeued = 0;
        self.uncommitted.clear();
        self.committing.clear();
        let surely = at.checked_sub(SETTLED_AFTER);
        let surely = surely.map_or(0, |surely| self.milliseconds(surely));
        let mut in_flight = 0;
        for (key, state) in &mut self.messages {
            let label = Label::from(*key);
            let after = match *state {
                State::InHand | State::Requeued | State::Settled(Certainty::Uncommitted) => {
                    self.due
                        .entry(label.publisher)
                        .or_default()
                        .insert(label.number);
                    State::Due
                }
                State::Settled(Certainty::Committing) => State::Unknown,
                State::Settled(Certainty::Committed) if self.promises.durable_commits => {
                    State::Gone
                }
                State::Settled(Certainty::Committed) => State::Unknown,
                State::Settled(Certainty::Sent(sent)) if sent < surely => State::Gone,
                State::Settled(Certainty::Sent(_)) => State::Unknown,
                same @ (State::Due | State::Unknown | State::Gone) => same,
            };
            in_flight += u64::from(after != *state && after != State::Gone);
            *state = after;
        }
        in_flight
    }

    /// Everything that has been settled stays settled: for the end, when that has been waited for.
    pub(super) fn close(&mut self) {
        for state in self.messages.values_mut() {
            if matches!(state, State::Settled(_)) {
                *state = State::Gone;
            }
        }
    }

    fn milliseconds(&self, at: Instant) -> u32 {
        let since = at.saturating_duration_since(self.opened).as_millis();
        u32::try_from(since).unwrap_or(u32::MAX)
    }

    pub(super) fn rest(&self, label: Label) -> Rest {
        match self.messages.get(&label.into()) {
            None => Rest::Unseen,
            Some(State::Gone | State::Unknown | State::Settled(_)) => Rest::Settled,
            Some(State::InHand | State::Requeued | State::Due) => Rest::Lost,
        }
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = Label> {
        self.messages.keys().map(|key| Label::from(*key))
    }
}

#[cfg(test)]
mod tests;
