//! What is known of each value of a key: how far it is ahead of its rate.
//!
//! A state is two numbers. All workers share them under one lock, held for one look-up. How many there are is bounded: they are
//! in two generations, and when the younger is half of what the zone holds the older one is dropped. What is asked for moves to
//! the younger, so what is dropped was not asked for since then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base::Monotonic;

/// Thousandths of a request, which everything here is counted in.
pub(super) const REQUEST: u64 = 1000;

/// The states of a zone.
#[derive(Debug, Default)]
pub(super) struct States(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<[u8]>, State>,
    old: HashMap<Box<[u8]>, State>,
}

/// One value of the key.
#[derive(Debug, Clone, Copy)]
struct State {
    /// What was asked beyond the rate.
    excess: u64,
    /// When that was so, in milliseconds.
    last: u64,
}

impl States {
    /// How far a request would be ahead of `rate` (thousandths a second) now; it is counted where `counts` says so, given that.
    pub(super) fn ask(
        &self,
        key: &[u8],
        rate: u64,
        now: Monotonic,
        values_max: usize,
        counts: impl FnOnce(u64) -> bool,
    ) -> u64 {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = states.get(key);
        let excess = known.map_or(0, |state| {
            let passed = now.0.saturating_sub(state.last);
            let drained = rate.saturating_mul(passed) / 1000;
            (state.excess + REQUEST).saturating_sub(drained)
        });
        if counts(excess) {
            let last = now.0;
            states.set(key, State { excess, last }, values_max);
        }
        excess
    }
}

impl Generations {
    fn get(&self, key: &[u8]) -> Option<State> {
        let found = self.young.get(key).or_else(|| self.old.get(key));
        found.copied()
    }

    fn set(&mut self, key: &[u8], state: State, values_max: usize) {
        if let Some(known) = self.young.get_mut(key) {
            *known = state;
            return;
        }
        if self.young.len() >= (values_max / 2).max(1) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key.into(), state);
    }
}

#[cfg(test)]
mod tests {
    use super::{Monotonic, States};

    #[test]
    fn excess_grows_by_requests_and_drains_by_time() {
        let states = States::default();
        // Two requests a second.
        let ask = |key: &str, now, counts| {
            states.ask(key.as_bytes(), 2000, Monotonic(now), 100, |_| counts)
        };
        assert_eq!(ask("a", 0, true), 0);
        assert_eq!(ask("a", 0, true), 1000);
        assert_eq!(ask("b", 0, true), 0);
        assert_eq!(ask("a", 250, false), 1500);
        assert_eq!(ask("a", 250, true), 1500);
        assert_eq!(ask("a", 750, true), 1500);
        assert_eq!(ask("a", 10_000, true), 0);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let states = States::default();
        let ask = |key: u32, now| states.ask(&key.to_be_bytes(), 1, Monotonic(now), 10, |_| true);
        for key in 0..1000 {
            ask(key, 0);
            ask(0, 0);
            let held = states.0.lock().unwrap();
            assert!(held.young.len() + held.old.len() <= 11);
        }
        assert!(ask(0, 0) > 0, "what is asked for all the time stays");
        assert_eq!(ask(7, 0), 0);
    }
}
