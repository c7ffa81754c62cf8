//! Direct reply-to: messages from one session straight to a consumer of another one.
//!
//! A consumer of `amq.rabbitmq.reply-to` is known by a name that nobody can guess. What is sent to a session
//! that does not read is bounded, and dropped above that, as RabbitMQ says of these replies: at most once.

use crate::mail::Notice;
use crate::message::Message;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// The queue that stands for the consumer of whoever asks.
pub(crate) const REPLY_TO: &str = "amq.rabbitmq.reply-to";
/// What the names of such consumers begin with.
pub(crate) const PREFIX: &str = "amq.rabbitmq.reply-to.";
/// Bytes of replies that may wait for a session, beside what it has not written yet.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// A consumer of direct replies.
#[derive(Debug, Clone)]
struct Entry {
    session: UnboundedSender<Notice>,
    channel: u16,
    key: u64,
    waiting: Arc<AtomicUsize>,
}

/// All of them by their tokens.
#[derive(Debug, Default)]
pub(crate) struct Replies(Mutex<HashMap<u128, Entry>>);

/// A consumer's registration, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    replies: Arc<Replies>,
    token: u128,
    /// Bytes of replies that were sent and not taken.
    waiting: Arc<AtomicUsize>,
}

impl Replies {
    /// Registers a consumer under a token that must be random.
    pub(crate) fn register(
        self: &Arc<Self>,
        token: u128,
        session: UnboundedSender<Notice>,
        channel: u16,
        key: u64,
    ) -> Registration {
        let waiting = Arc::new(AtomicUsize::new(0));
        let entry = Entry {
            session,
            channel,
            key,
            waiting: waiting.clone(),
        };
        self.entries().insert(token, entry);
        Registration {
            replies: self.clone(),
            token,
            waiting,
        }
    }

    /// Whether there is a consumer of this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        token(name).is_some_and(|token| self.entries().contains_key(&token))
    }

    /// Sends a message to the consumer of this name; returns whether there is one.
    pub(crate) fn send(&self, name: &str, message: Message) -> bool {
        let Some(entry) = token(name).and_then(|token| self.entries().get(&token).cloned()) else {
            return false;
        };
        let len = message.record().len();
        if entry.waiting.fetch_add(len, Ordering::Relaxed) + len > WAITING_BYTES_MAX {
            entry.waiting.fetch_sub(len, Ordering::Relaxed);
            return true;
        }
        let notice = Notice::DirectReply {
            channel: entry.channel,
            key: entry.key,
            message,
        };
        entry.session.send(notice).is_ok()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<u128, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    /// The name that others reach the consumer by.
    pub(crate) fn name(&self) -> String {
        format!("{PREFIX}{:032x}", self.token)
    }

    /// A reply of this many bytes was taken.
    pub(crate) fn taken(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.replies.entries().remove(&self.token);
    }
}

fn token(name: &str) -> Option<u128> {
    const DIGITS: usize = 32;
    let digits = name.strip_prefix(PREFIX)?;
    (digits.len() == DIGITS)
        .then(|| u128::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{Replies, WAITING_BYTES_MAX};
    use crate::message::Message;
    use bytes::Bytes;
    use std::sync::Arc;
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn replies_reach_their_consumer_while_it_is_there_and_reads() {
        let replies = Arc::new(Replies::default());
        let (sender, mut receiver) = unbounded_channel();
        let registration = replies.register(7, sender, 1, 2);
        let name = registration.name();
        let message = || Message::from_record(Bytes::from(vec![0; WAITING_BYTES_MAX / 2]));
        assert!(replies.knows(&name) && replies.send(&name, message()));
        assert!(replies.send(&name, message()) && replies.send(&name, message()));
        assert!(receiver.try_recv().is_ok() && receiver.try_recv().is_ok());
        assert!(receiver.try_recv().is_err(), "the third was too much");
        registration.taken(WAITING_BYTES_MAX);
        assert!(replies.send(&name, message()) && receiver.try_recv().is_ok());
        drop(registration);
        assert!(!replies.knows(&name) && !replies.send(&name, message()));
        assert!(!replies.knows("amq.rabbitmq.reply-to.7"));
    }
}
