//! A channel: its numbers, and what is under way on it.

use super::confirms::Confirms;
use super::content::Partial;
use super::qos::Shared;
use super::reply_to::ReplyConsumer;
use super::tx::Transaction;
use super::unacked::Unacked;
use crate::mail::ConsumerId;
use std::sync::Arc;

/// A channel.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) number: u16,
    /// Tells it from earlier channels of the same number.
    pub(crate) key: u64,
    /// We have closed it: everything is discarded until the client agrees.
    pub(crate) closing: bool,
    /// A message that has not come completely.
    pub(crate) partial: Option<Box<Partial>>,
    pub(crate) unacked: Unacked,
    /// The tag of the last delivery.
    tag: u64,
    /// In confirm mode.
    pub(crate) confirms: Option<Box<Confirms>>,
    /// In transactional mode.
    pub(crate) tx: Option<Box<Transaction>>,
    /// The limit of consumers that begin from now on; 0 for none.
    pub(crate) prefetch: u16,
    /// The limit that all consumers share.
    pub(crate) shared: Option<Box<Shared>>,
    /// What an empty queue name stands for.
    pub(crate) last_queue: Option<Arc<str>>,
    pub(crate) consumers: Vec<ConsumerId>,
    pub(crate) reply_consumer: Option<Box<ReplyConsumer>>,
}

impl Channel {
    fn new(number: u16, key: u64) -> Self {
        Self {
            number,
            key,
            closing: false,
            partial: None,
            unacked: Unacked::default(),
            tag: 0,
            confirms: None,
            tx: None,
            prefetch: 0,
            shared: None,
            last_queue: None,
            consumers: Vec::new(),
            reply_consumer: None,
        }
    }

    /// The tag of the next delivery.
    pub(crate) fn next_tag(&mut self) -> u64 {
        self.tag += 1;
        self.tag
    }
}

/// The channels of a connection by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// As long as the highest number that was opened; clients count from 1.
    slots: Vec<Option<Box<Channel>>>,
    open: usize,
    key: u64,
}

impl Channels {
    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    pub(crate) fn get(&self, number: u16) -> Option<&Channel> {
        self.slots.get(usize::from(number))?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, number: u16) -> Option<&mut Channel> {
        self.slots.get_mut(usize::from(number))?.as_deref_mut()
    }

    /// The channel of this number, unless it is another one by now.
    pub(crate) fn keyed(&mut self, number: u16, key: u64) -> Option<&mut Channel> {
        self.get_mut(number).filter(|channel| channel.key == key)
    }

    /// Opens a channel that is not open.
    pub(crate) fn open(&mut self, number: u16) {
        let index = usize::from(number);
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        self.key += 1;
        self.open += usize::from(self.slots[index].is_none());
        self.slots[index] = Some(Box::new(Channel::new(number, self.key)));
    }

    /// Forgets a channel.
    pub(crate) fn close(&mut self, number: u16) {
        if let Some(slot) = self.slots.get_mut(usize::from(number)) {
            self.open -= usize::from(slot.take().is_some());
        }
    }

    /// The numbers of all that are open.
    pub(crate) fn numbers(&self) -> Vec<u16> {
        let open = self.slots.iter().flatten();
        open.map(|channel| channel.number).collect()
    }
}
