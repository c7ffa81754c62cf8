//! How many messages a host keeps in memory after they were sent, so that most of those that come back
//! need not be read from the log again.

use crate::message::Message;

/// Messages that a host keeps. Each holds on to the batch that it is a slice of, 64 KiB at most or one
/// large message.
const MESSAGES_MAX: usize = 1024;
/// Bytes of them.
const BYTES_MAX: usize = 8 << 20;

/// What is kept now.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    messages: usize,
    bytes: usize,
}

impl Kept {
    /// Keeps a message where there is room for it.
    pub(crate) fn keep(&mut self, message: &Message) -> Option<Message> {
        let len = message.record().len();
        if self.messages >= MESSAGES_MAX || self.bytes + len > BYTES_MAX {
            return None;
        }
        self.messages += 1;
        self.bytes += len;
        Some(message.clone())
    }

    /// A message is kept here no longer.
    pub(crate) fn release(&mut self, message: Option<&Message>) {
        if let Some(message) = message {
            self.messages = self.messages.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(message.record().len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, MESSAGES_MAX};
    use crate::message::Message;
    use bytes::Bytes;

    #[test]
    fn a_host_keeps_a_bounded_number() {
        let (mut kept, message) = (
            Kept::default(),
            Message::from_record(Bytes::from_static(b"x")),
        );
        assert!((0..MESSAGES_MAX).all(|_| kept.keep(&message).is_some()));
        assert_eq!(kept.keep(&message), None);
        kept.release(None);
        assert_eq!(kept.keep(&message), None);
        kept.release(Some(&message));
        assert!(kept.keep(&message).is_some());
        let large = Message::from_record(Bytes::from(vec![0; 9 << 20]));
        assert_eq!(Kept::default().keep(&large), None);
    }
}
