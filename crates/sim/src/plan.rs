//! What is to happen in a life.

use crate::rng::Rng;

/// What becomes of the disk at the end of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The next process finds everything that was written.
    Kill,
    /// The next process finds what was synced, and some of the rest.
    PowerLoss,
}

/// What is to happen in a life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// The life ends after so many steps, or after that many changes of the disk behind them.
    pub(crate) steps: Option<u64>,
    /// The machine stops in the middle of a change.
    pub(crate) stops_after: Option<u64>,
    /// It stops while it recovers.
    pub(crate) stops_in_recovery: bool,
    /// The disk fails to sync from some step on.
    pub(crate) sync_fails: bool,
    /// The disk fills up at some step, for so many steps; `true`: up to the last byte.
    pub(crate) full: Option<(u64, u64, bool)>,
    /// Clients that come.
    pub(crate) busy: bool,
    /// The clients finish and the log is closed.
    pub(crate) close: bool,
    pub(crate) end: End,
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let steps = rng.between(20, 2500);
        let full_at = rng.below(steps);
        let full = (full_at, rng.between(20, 600), rng.one_in(2));
        Self {
            steps: Some(steps),
            stops_after: rng.one_in(2).then(|| rng.below(12)),
            stops_in_recovery: rng.one_in(8),
            sync_fails: rng.one_in(6),
            full: rng.one_in(4).then_some(full),
            busy: true,
            close: rng.one_in(6),
            end: if rng.one_in(3) {
                End::Kill
            } else {
                End::PowerLoss
            },
        }
    }

    /// A life without faults, in which every client finishes.
    pub(crate) fn peaceful() -> Self {
        Self {
            steps: None,
            stops_after: None,
            stops_in_recovery: false,
            sync_fails: false,
            full: None,
            busy: true,
            close: true,
            end: End::PowerLoss,
        }
    }

    /// A life that only looks at what is there.
    pub(crate) fn inspection() -> Self {
        Self {
            busy: false,
            ..Self::peaceful()
        }
    }
}
