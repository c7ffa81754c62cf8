//! A scheduler of one process's tasks and blocking jobs in which a seed decides what runs next.
//!
//! One thread, no runtime. Time passes only when nothing can run. What a task does between two
//! awaits is atomic, and so is a blocking job; a crash inside a job is the disk's to simulate.

use crate::clock::SimClock;
use crate::pool::SimPool;
use crate::rng::Rng;
use crate::trace::Trace;
use base::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something ran, or time passed.
    Ran,
    /// Nothing can ever run again by itself.
    Idle,
}

type Ready = Arc<Mutex<BTreeSet<u64>>>;

struct Doorbell {
    task: u64,
    ready: Ready,
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.insert(self.task);
    }
}

struct Task {
    name: &'static str,
    future: BoxFuture<'static, ()>,
    waker: Waker,
}

/// The scheduler.
pub(crate) struct Executor {
    tasks: BTreeMap<u64, Task>,
    next_task: u64,
    ready: Ready,
    clock: SimClock,
    pool: SimPool,
    rng: Rng,
    trace: Trace,
    /// A task that gets no turn for so many steps, as if its thread had been preempted.
    held: Option<(u64, u64)>,
}

impl Executor {
    pub(crate) fn new(clock: SimClock, pool: SimPool, rng: Rng, trace: Trace) -> Self {
        Self {
            tasks: BTreeMap::new(),
            next_task: 0,
            ready: Ready::default(),
            clock,
            pool,
            rng,
            trace,
            held: None,
        }
    }

    pub(crate) fn spawn(&mut self, name: &'static str, future: BoxFuture<'static, ()>) {
        let id = self.next_task;
        self.next_task += 1;
        let ready = self.ready.clone();
        let waker = Waker::from(Arc::new(Doorbell { task: id, ready }));
        waker.wake_by_ref();
        let task = Task {
            name,
            future,
            waker,
        };
        self.tasks.insert(id, task);
    }

    /// The names of the tasks that have not ended.
    pub(crate) fn running(&self) -> Vec<&'static str> {
        self.tasks.values().map(|task| task.name).collect()
    }

    /// Runs one task until it waits, or one job to its end, or lets time pass.
    pub(crate) fn step(&mut self) -> Step {
        let ready = self.choices();
        let jobs = self.pool.due();
        let count = ready.len() + jobs;
        if count == 0 {
            return self.pass_time();
        }
        let choice = usize::try_from(self.rng.below(count as u64)).unwrap_or(0);
        match ready.get(choice) {
            Some(id) => self.poll(*id),
            None => {
                self.trace.decide("job", (choice - ready.len()) as u64);
                self.pool.run_due(choice - ready.len());
            }
        }
        Step::Ran
    }

    /// The tasks that may have the next turn.
    fn choices(&mut self) -> Vec<u64> {
        /// One step in so many holds a task back.
        const HOLD_ONE_IN: u64 = 50;
        const HOLD_STEPS_MAX: u64 = 60;
        let ready: Vec<u64> = {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.retain(|id| self.tasks.contains_key(id));
            ready.iter().copied().collect()
        };
        self.held = match self.held {
            Some((task, left)) if left > 0 => Some((task, left - 1)),
            _ if self.rng.one_in(HOLD_ONE_IN) => {
                let steps = self.rng.between(1, HOLD_STEPS_MAX);
                self.rng.pick(&ready).map(|task| (*task, steps))
            }
            _ => None,
        };
        match self.held {
            Some((held, _)) if ready.len() > 1 || self.pool.due() > 0 => {
                ready.into_iter().filter(|id| *id != held).collect()
            }
            _ => ready,
        }
    }

    fn poll(&mut self, id: u64) {
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        self.trace.decide("poll", id);
        let waker = task.waker.clone();
        if let Poll::Ready(()) = task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.trace.decide("end", id);
            self.tasks.remove(&id);
        }
    }

    fn pass_time(&mut self) -> Step {
        let next = self
            .clock
            .next_deadline()
            .into_iter()
            .chain(self.pool.next_due());
        let Some(next) = next.min() else {
            return Step::Idle;
        };
        self.trace.decide("time", next);
        self.clock.advance(next);
        Step::Ran
    }
}
