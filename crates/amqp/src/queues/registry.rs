//! Where notices to sessions go: all sessions of the process.

use crate::mail::{Notice, SessionId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The sessions. Hosts look a session up once, when they hear of it.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    next: AtomicU64,
    sessions: RwLock<BTreeMap<SessionId, UnboundedSender<Notice>>>,
}

impl Registry {
    /// A new session. What is sent to it is bounded by its windows, not by the channel.
    pub(crate) fn add(
        &self,
    ) -> (
        SessionId,
        UnboundedSender<Notice>,
        UnboundedReceiver<Notice>,
    ) {
        // 0 is nobody's.
        let id = SessionId(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, notices) = unbounded_channel();
        let mut sessions = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        sessions.insert(id, sender.clone());
        (id, sender, notices)
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<UnboundedSender<Notice>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&id).cloned()
    }

    pub(crate) fn remove(&self, id: SessionId) {
        let mut sessions = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&id);
    }

    /// Tells everybody.
    pub(crate) fn tell_all(&self, notice: &Notice) {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        for session in sessions.values() {
            // It may have gone away.
            let _ = session.send(notice.clone());
        }
    }
}
