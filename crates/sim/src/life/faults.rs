//! The faults of a life, at the moments that its plan says.

use super::Life;
use crate::client::Context;
use crate::violation::{Violation, ensure};
use std::sync::atomic::Ordering;
use store::SimFaults;

/// What the log keeps free for deletions (its own constant), bytes.
const RESERVE: u64 = 64 << 20;

impl Life<'_> {
    pub(super) fn set_faults(&self, change: impl FnOnce(&mut SimFaults)) {
        let mut faults = self.world.disk.faults();
        change(&mut faults);
        self.world.disk.set_faults(faults);
    }

    pub(super) fn inject(&mut self, step: u64) {
        if self.plan.sync_fails && self.plan.steps.is_some_and(|steps| step * 2 >= steps) {
            self.plan.sync_fails = false;
            self.world.model.lock().counts.failed_syncs += 1;
            self.excuses.failing.store(true, Ordering::Relaxed);
            self.world.trace.note(format_args!("syncs fail"));
            self.set_faults(|faults| faults.sync_fails = true);
        }
        if let Some((at, steps, to_the_last_byte)) = self.plan.full {
            if step == at {
                let some = self.rng.below(8 << 10);
                let reserve = if to_the_last_byte { 0 } else { RESERVE };
                let capacity = self.world.disk.used_bytes() + reserve + some;
                self.world.model.lock().counts.full_disks += 1;
                self.excuses.full.store(true, Ordering::Relaxed);
                self.world.trace.note(format_args!("full at {capacity}"));
                self.set_faults(|faults| faults.capacity = Some(capacity));
            } else if step >= at + steps {
                self.heal_space();
            }
        }
    }

    /// There is space again; false where there was.
    pub(super) fn heal_space(&mut self) -> bool {
        let was_full = self.world.disk.faults().capacity.is_some();
        if was_full {
            self.plan.full = None;
            self.world.trace.note(format_args!("space"));
            self.set_faults(|faults| faults.capacity = None);
        }
        was_full
    }

    /// The disk fails to sync.
    pub(super) fn is_failing(&self) -> bool {
        self.excuses.failing.load(Ordering::Relaxed)
    }

    /// The WAL fails only where the disk does.
    pub(super) fn check_failure(&self, context: &Context) -> Result<(), Violation> {
        let failure = context.log.failure();
        let failure = failure.borrow();
        ensure(
            failure.is_none() || self.excuses.failing.load(Ordering::Relaxed),
            "failure",
            || format!("the WAL failed by itself: {failure:?}"),
        )
    }
}
