//! Blocking work that takes a while and may overtake other such work, as on a pool of threads.

use crate::clock::SimClock;
use crate::rng::Rng;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Offload;

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that wait for their turn; clones share them.
#[derive(Clone)]
pub(crate) struct SimPool(Arc<Mutex<State>>);

struct State {
    clock: SimClock,
    rng: Rng,
    jobs: Vec<(u64, Job)>,
}

impl SimPool {
    pub(crate) fn new(clock: SimClock, rng: Rng) -> Self {
        Self(Arc::new(Mutex::new(State {
            clock,
            rng,
            jobs: Vec::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many jobs could run now.
    pub(crate) fn due(&self) -> usize {
        let state = self.state();
        let now = state.clock.now_ms();
        state.jobs.iter().filter(|(due, _)| *due <= now).count()
    }

    /// When the next job can run.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.state().jobs.iter().map(|(due, _)| *due).min()
    }

    /// Runs the `number`-th of the jobs that could run now.
    pub(crate) fn run_due(&self, number: usize) {
        let mut state = self.state();
        let now = state.clock.now_ms();
        let mut due = (0..state.jobs.len()).filter(|at| state.jobs[*at].0 <= now);
        let Some(at) = due.nth(number) else { return };
        let (_, job) = state.jobs.remove(at);
        drop(state);
        job();
    }
}

impl Offload for SimPool {
    fn run(&self, job: Job) {
        /// One job in so many is slow.
        const SLOW_ONE_IN: u64 = 4;
        const SLOW_MS_MAX: u64 = 12;
        let mut state = self.state();
        let delay = if state.rng.one_in(SLOW_ONE_IN) {
            state.rng.between(1, SLOW_MS_MAX)
        } else {
            0
        };
        let due = state.clock.now_ms() + delay;
        state.jobs.push((due, job));
    }
}
