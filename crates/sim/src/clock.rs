//! Time that passes only when nothing else can happen.

use base::{BoxFuture, Clock, Monotonic, Timestamp};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The wall clock at the start of a run, milliseconds since 1970.
const WALL_START_MS: i64 = 1_700_000_000_000;

/// A clock that the executor moves; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimClock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now_ms: u64,
    /// Who sleeps, by deadline and then in the order of falling asleep.
    sleepers: BTreeMap<(u64, u64), Waker>,
    next_sleeper: u64,
}

impl SimClock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.state().now_ms
    }

    /// When the next sleeper wants to be woken.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let state = self.state();
        state.sleepers.keys().next().map(|(deadline, _)| *deadline)
    }

    /// Moves the time to `now_ms` and wakes everybody whose deadline has come.
    pub(crate) fn advance(&self, now_ms: u64) {
        let mut state = self.state();
        state.now_ms = state.now_ms.max(now_ms);
        let after = (state.now_ms + 1, 0);
        let later = state.sleepers.split_off(&after);
        let woken = std::mem::replace(&mut state.sleepers, later);
        drop(state);
        woken.into_values().for_each(Waker::wake);
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        let deadline = self.now() + Duration::from_millis(ms);
        self.sleep_until(deadline).await;
    }
}

impl Clock for SimClock {
    fn now(&self) -> Monotonic {
        Monotonic(self.now_ms())
    }

    fn wall(&self) -> Timestamp {
        Timestamp(WALL_START_MS + i64::try_from(self.now_ms()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let mut place = None;
        Box::pin(poll_fn(move |context| {
            let mut state = clock.state();
            if state.now_ms >= deadline.0 {
                return Poll::Ready(());
            }
            let next = state.next_sleeper;
            let place = *place.get_or_insert((deadline.0, next));
            state.next_sleeper += 1;
            state.sleepers.insert(place, context.waker().clone());
            Poll::Pending
        }))
    }
}
