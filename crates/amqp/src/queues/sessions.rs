//! What a host keeps of each session: how much was sent to it and not written to its socket yet.
//!
//! A session that does not read stops getting deliveries when its window is full, and nobody else is
//! held up by it.

use super::keyed::{KeyedMap, KeyedSet};
use crate::mail::{QueueId, SESSION_WINDOW_BYTES, SessionId};

/// One session.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// Bytes of deliveries that it has not reported as written.
    outstanding: usize,
    /// Queues that have something for it and wait for its window.
    stalled: Vec<QueueId>,
    /// Queues that it has or had consumers of or took messages from.
    queues: KeyedSet<QueueId>,
}

/// All sessions that a host has heard of.
#[derive(Debug, Default)]
pub(crate) struct Sessions(KeyedMap<SessionId, Session>);

impl Sessions {
    /// The queue has something to do with the session until it leaves.
    pub(crate) fn touch(&mut self, session: SessionId, queue: QueueId) {
        self.0.entry(session).or_default().queues.insert(queue);
    }

    /// Whether the session may get more.
    pub(crate) fn has_room(&self, session: SessionId) -> bool {
        let known = self.0.get(&session);
        known.is_none_or(|session| session.outstanding < SESSION_WINDOW_BYTES)
    }

    /// Counts bytes that were sent to it.
    pub(crate) fn sent(&mut self, session: SessionId, bytes: usize) {
        self.0.entry(session).or_default().outstanding += bytes;
    }

    /// Notes a queue that has something for the session.
    pub(crate) fn stall(&mut self, session: SessionId, queue: QueueId) {
        let session = self.0.entry(session).or_default();
        if !session.stalled.contains(&queue) {
            session.stalled.push(queue);
        }
    }

    /// The session wrote some bytes; returns the queues that waited for that.
    pub(crate) fn written(&mut self, session: SessionId, bytes: usize) -> Vec<QueueId> {
        let Some(known) = self.0.get_mut(&session) else {
            return Vec::new();
        };
        known.outstanding = known.outstanding.saturating_sub(bytes);
        if known.outstanding < SESSION_WINDOW_BYTES {
            std::mem::take(&mut known.stalled)
        } else {
            Vec::new()
        }
    }

    /// Forgets a session; returns the queues that it had to do with, in the order of their ids.
    pub(crate) fn leave(&mut self, session: SessionId) -> Vec<QueueId> {
        let left = self.0.remove(&session).unwrap_or_default();
        let mut queues: Vec<_> = left.queues.into_iter().collect();
        queues.sort_unstable();
        queues
    }
}

#[cfg(test)]
mod tests {
    use super::Sessions;
    use crate::mail::{SESSION_WINDOW_BYTES, SessionId};

    #[test]
    fn a_full_window_stops_a_session_until_it_has_written_something() {
        let (mut sessions, session) = (Sessions::default(), SessionId(1));
        sessions.touch(session, base::StreamId(4));
        assert!(sessions.has_room(session));
        sessions.sent(session, SESSION_WINDOW_BYTES + 10);
        assert!(!sessions.has_room(session));
        sessions.stall(session, base::StreamId(4));
        sessions.stall(session, base::StreamId(4));
        assert_eq!(sessions.written(session, 10), []);
        assert_eq!(sessions.written(session, 1), [base::StreamId(4)]);
        assert!(sessions.has_room(session) && sessions.has_room(SessionId(2)));
        assert_eq!(sessions.leave(session), [base::StreamId(4)]);
        assert_eq!(sessions.leave(session), []);
    }
}
