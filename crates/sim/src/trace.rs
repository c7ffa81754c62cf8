//! What happened in a run, in order: a hash that two runs of one seed share, and the last lines of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lines that are kept for the report of a failure.
const LINES_KEPT: usize = 100;

/// The events of a run; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    hash: u64,
    events: u64,
    lines: VecDeque<String>,
}

impl Trace {
    /// Notes what an observer of the log would call an event.
    pub(crate) fn note(&self, event: fmt::Arguments<'_>) {
        let line = event.to_string();
        let mut state = self.state();
        state.mix(&line);
        if state.lines.len() == LINES_KEPT {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
    }

    /// Notes a decision of the scheduler: it counts, but nobody wants to read it.
    pub(crate) fn decide(&self, what: &str, number: u64) {
        let mut state = self.state();
        state.mix(what);
        state.mix_bytes(&number.to_le_bytes());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that differs between runs in which different things happened.
    pub(crate) fn hash(&self) -> u64 {
        self.state().hash
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> u64 {
        self.state().events
    }

    /// The last of them.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.state().lines.iter().cloned().collect()
    }
}

impl State {
    fn mix(&mut self, line: &str) {
        self.events += 1;
        self.mix_bytes(line.as_bytes());
    }

    /// FNV-1a.
    fn mix_bytes(&mut self, bytes: &[u8]) {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        self.hash = self.hash.rotate_left(7) ^ PRIME;
    }
}
