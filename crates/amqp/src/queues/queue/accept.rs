//! How much a queue takes of what is published to it.

use super::Queue;
use crate::message::Mark;

impl Queue {
    /// How many of these messages it takes, from the first on; the others are refused.
    pub(crate) fn accepts(&self, marks: impl ExactSizeIterator<Item = Mark>) -> usize {
        let settings = &self.declared.settings;
        let offered = marks.len();
        if !settings.refuses() {
            return offered;
        }
        let mut room = settings.max_length.unwrap_or(u64::MAX);
        room = room.saturating_sub(self.ready() + self.landing);
        let mut room_bytes = settings.max_length_bytes.unwrap_or(u64::MAX);
        room_bytes = room_bytes.saturating_sub(self.known_bytes() + self.landing_bytes);
        let mut taken = 0;
        for mark in marks {
            let body_len = u64::from(mark.body_len);
            if room == 0 || room_bytes < body_len {
                return taken;
            }
            (room, room_bytes, taken) = (room - 1, room_bytes - body_len, taken + 1);
        }
        offered
    }

    /// Whether there is more in it than it may hold.
    pub(super) fn is_over_limit(&self) -> bool {
        let settings = &self.declared.settings;
        if settings.refuses() {
            return false;
        }
        settings.max_length.is_some_and(|max| self.ready() > max)
            || settings
                .max_length_bytes
                .is_some_and(|max| self.known_bytes() > max)
    }
}
