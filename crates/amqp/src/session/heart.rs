//! Heartbeats: signs of life to the client, and the end of one that gives none.
//!
//! Time is looked at every half interval: where nothing was sent since, a heartbeat goes out; where nothing
//! was heard for two whole intervals, the client is gone. So traffic costs no timer.

use base::Monotonic;
use std::time::Duration;

/// Half intervals without a sign of life after which a client is gone.
const SILENT_MAX: u8 = 4;

/// What a look at the time leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing.
    Quiet,
    /// Send a heartbeat.
    Send,
    /// The client is gone.
    Gone,
}

/// The heartbeats of a connection.
#[derive(Debug, Default)]
pub(crate) struct Heart {
    interval: Option<Duration>,
    look_at: Option<Monotonic>,
    sent: bool,
    heard: bool,
    silent: u8,
}

impl Heart {
    /// Begins with what was agreed on; 0 seconds for none.
    pub(crate) fn start(&mut self, seconds: u16, now: Monotonic) {
        let half = Duration::from_secs(seconds.into()) / 2;
        self.interval = (seconds > 0).then_some(half);
        self.look_at = self.interval.map(|half| now + half);
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        self.look_at
    }

    /// Something was sent.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }

    /// Something was heard, or could not be because we did not listen.
    pub(crate) fn heard(&mut self) {
        self.heard = true;
    }

    /// Looks at the time.
    pub(crate) fn look(&mut self, now: Monotonic) -> Beat {
        let (Some(half), Some(at)) = (self.interval, self.look_at) else {
            return Beat::Quiet;
        };
        if now < at {
            return Beat::Quiet;
        }
        self.look_at = Some(now + half);
        let (sent, heard) = (
            std::mem::take(&mut self.sent),
            std::mem::take(&mut self.heard),
        );
        self.silent = if heard { 0 } else { self.silent + 1 };
        if self.silent >= SILENT_MAX {
            Beat::Gone
        } else if sent {
            Beat::Quiet
        } else {
            Beat::Send
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Beat, Heart};
    use base::Monotonic;

    #[test]
    fn a_heart_beats_when_nothing_else_is_sent_and_notices_silence() {
        let mut heart = Heart::default();
        heart.start(10, Monotonic(0));
        assert_eq!(heart.deadline(), Some(Monotonic(5000)));
        assert_eq!(heart.look(Monotonic(4999)), Beat::Quiet);
        assert_eq!(heart.look(Monotonic(5000)), Beat::Send);
        heart.sent();
        heart.heard();
        assert_eq!(heart.look(Monotonic(10_000)), Beat::Quiet);
        for at in [15_000, 20_000, 25_000] {
            assert_eq!(heart.look(Monotonic(at)), Beat::Send);
        }
        assert_eq!(heart.look(Monotonic(30_000)), Beat::Gone);
    }

    #[test]
    fn without_an_interval_there_is_no_deadline() {
        let mut heart = Heart::default();
        heart.start(0, Monotonic(0));
        assert_eq!(
            (heart.deadline(), heart.look(Monotonic(1 << 40))),
            (None, Beat::Quiet)
        );
    }
}
