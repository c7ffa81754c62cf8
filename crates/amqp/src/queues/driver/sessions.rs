//! The driver's part for sessions: where notices go.

use super::{Driver, OURSELVES};
use crate::mail::{Notice, SessionId};

impl Driver {
    pub(super) fn know(&mut self, session: SessionId) {
        if !self.sessions.contains_key(&session)
            && let Some(sender) = self.parts.registry.get(session)
        {
            self.sessions.insert(session, sender);
        }
    }

    pub(super) fn notify(&mut self, session: SessionId, notice: Notice) {
        if session == OURSELVES {
            self.answer_ourselves(notice);
        } else if let Some(to) = self.sessions.get(&session) {
            // It may have gone away; that it leaves is on its way then.
            let _ = to.send(notice);
        }
    }

    fn answer_ourselves(&mut self, notice: Notice) {
        if let Notice::Answer { ticket, outcome } = notice
            && let Some(asking) = self.asking.remove(&ticket)
        {
            // Whoever asked may have gone away.
            let _ = asking.send(outcome);
        }
    }
}
