//! Deliveries of one queue that have not been settled.
//!
//! Each is found by its position, and only by the session that it was delivered to.

use super::consumers::Slot;
use super::keyed::KeyedMap;
use crate::mail::{ConsumerId, Position, SessionId};
use crate::message::Message;

/// One delivery.
#[derive(Debug, Clone)]
pub(crate) struct Unacked {
    pub(crate) session: SessionId,
    /// The consumer and where it is kept; `None` where the message was fetched by `basic.get`.
    pub(crate) consumer: Option<(Slot, ConsumerId)>,
    /// How often the message has come back so far.
    pub(crate) returns: u32,
    /// Length of its body, in bytes.
    pub(crate) body_len: u32,
    /// When it expires, milliseconds since 1970; `i64::MAX`: never.
    pub(crate) expires_ms: i64,
    /// The message, where it was kept.
    pub(crate) message: Option<Message>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    by_position: KeyedMap<Position, Unacked>,
    /// How many each session has.
    by_session: KeyedMap<SessionId, usize>,
}

impl Deliveries {
    pub(crate) fn len(&self) -> usize {
        self.by_position.len()
    }

    pub(crate) fn insert(&mut self, position: Position, delivery: Unacked) {
        *self.by_session.entry(delivery.session).or_default() += 1;
        self.by_position.insert(position, delivery);
    }

    /// Takes a delivery that the session holds.
    pub(crate) fn take(&mut self, session: SessionId, position: Position) -> Option<Unacked> {
        let found = self.by_position.get(&position)?;
        if found.session != session {
            return None;
        }
        let taken = self.by_position.remove(&position)?;
        if let Some(count) = self.by_session.get_mut(&session) {
            *count -= 1;
            if *count == 0 {
                self.by_session.remove(&session);
            }
        }
        Some(taken)
    }

    /// Takes all deliveries of a session, in the order of their positions.
    pub(crate) fn take_session(&mut self, session: SessionId) -> Vec<(Position, Unacked)> {
        if self.by_session.remove(&session).is_none() {
            return Vec::new();
        }
        let of_session = |_: &Position, delivery: &mut Unacked| delivery.session == session;
        let mut taken: Vec<_> = self.by_position.extract_if(of_session).collect();
        taken.sort_unstable_by_key(|(position, _)| *position);
        taken
    }

    /// Takes everything, in no order.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (Position, Unacked)> {
        self.by_session.clear();
        std::mem::take(&mut self.by_position).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{Deliveries, Unacked};
    use crate::mail::{Position, SessionId};

    fn at(offset: i64) -> Position {
        Position { level: 0, offset }
    }

    fn delivery(session: u64) -> Unacked {
        Unacked {
            session: SessionId(session),
            consumer: None,
            returns: 0,
            body_len: 0,
            expires_ms: i64::MAX,
            message: None,
        }
    }

    #[test]
    fn a_delivery_is_settled_once_and_by_whom_it_went_to() {
        let mut deliveries = Deliveries::default();
        for offset in [5, 3, 4] {
            deliveries.insert(at(offset), delivery(1));
        }
        deliveries.insert(at(9), delivery(2));
        assert!(deliveries.take(SessionId(2), at(5)).is_none());
        assert!(deliveries.take(SessionId(1), at(5)).is_some());
        assert!(deliveries.take(SessionId(1), at(5)).is_none());
        let left = deliveries.take_session(SessionId(1));
        let left: Vec<_> = left.iter().map(|(position, _)| position.offset).collect();
        assert_eq!(left, [3, 4]);
        assert!(deliveries.take_session(SessionId(1)).is_empty());
        assert_eq!(deliveries.len(), 1);
        assert_eq!(deliveries.take_all().count(), 1);
        assert_eq!(deliveries.len(), 0);
    }
}
