//! Coarse deadlines: each connection has one [`Alarm`], and one task per worker looks at all of them every [`TICK`].
//!
//! An alarm never fires early; it fires at most two ticks late on a thread that is not busy. Setting and clearing are stores
//! into cells: no allocation, no list, no system call. [`tick`] must run on the thread (workers and the keeper start it);
//! without it nothing fires. What must be exact to the millisecond uses `tokio::time` instead.
//!
//! ```text
//! let alarm = Alarm::new();                          // once per connection
//! alarm.set(conf.client_header_timeout);
//! let head = alarm.guard(read_head(&mut transport)).await?;   // Err(Elapsed) at the deadline
//! alarm.clear();
//! ```
//!
//! Several guards of one alarm may be under way in one task; guards of one alarm in two tasks may not: the later one is woken.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::Monotonic;

use super::clock;

/// How often alarms are looked at. Time-outs of connections are of seconds; 20 looks per second cost an idle worker nothing.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// No deadline.
const NEVER: u64 = u64::MAX;

/// The deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time allowed has passed")]
pub(crate) struct Elapsed;

impl From<Elapsed> for std::io::Error {
    fn from(_: Elapsed) -> Self {
        std::io::ErrorKind::TimedOut.into()
    }
}

/// Why a task that had nothing to do is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// The deadline has passed.
    Elapsed,
    /// The worker is to end, gracefully: see [`begin_quit`].
    Quit,
}

/// One deadline of one task, or none.
pub(crate) struct Alarm(Rc<Slot>);

struct Slot {
    due: Cell<u64>,
    /// Where the slot is in its thread's list.
    index: Cell<usize>,
    waker: Cell<Option<Waker>>,
}

thread_local! {
    static SLOTS: RefCell<Vec<Rc<Slot>>> = const { RefCell::new(Vec::new()) };
    /// No slot is due before this. Kept while alarms are cleared and moved, so a look may find nothing.
    static SOONEST: Cell<u64> = const { Cell::new(NEVER) };
    static QUITTING: Cell<bool> = const { Cell::new(false) };
}

impl Alarm {
    /// An alarm of this thread that is not set.
    pub(crate) fn new() -> Self {
        let slot = Rc::new(Slot {
            due: Cell::new(NEVER),
            index: Cell::new(0),
            waker: Cell::new(None),
        });
        SLOTS.with_borrow_mut(|slots| {
            slot.index.set(slots.len());
            slots.push(Rc::clone(&slot));
        });
        Self(slot)
    }

    /// Lets it go off when `after` has passed from now.
    pub(crate) fn set(&self, after: Duration) {
        // The clock may be behind by a tick, which must not make the alarm early.
        self.set_at(clock::now() + after + TICK);
    }

    /// Lets it go off at `due`.
    pub(crate) fn set_at(&self, due: Monotonic) {
        self.0.due.set(due.0);
        if due.0 < SOONEST.get() {
            SOONEST.set(due.0);
        }
    }

    /// Takes the deadline away.
    pub(crate) fn clear(&self) {
        self.0.due.set(NEVER);
    }

    /// The deadline.
    pub(crate) fn due(&self) -> Option<Monotonic> {
        let due = self.0.due.get();
        (due != NEVER).then_some(Monotonic(due))
    }

    /// Ready once the deadline has passed.
    pub(crate) fn poll_elapsed(&self, cx: &Context<'_>) -> Poll<()> {
        if clock::now().0 >= self.0.due.get() {
            return Poll::Ready(());
        }
        // The same task asks again and again; its waker is cloned once only.
        let known = self.0.waker.take();
        self.0.waker.set(match known {
            Some(waker) if waker.will_wake(cx.waker()) => Some(waker),
            _ => Some(cx.waker().clone()),
        });
        Poll::Pending
    }

    /// Completes once the deadline has passed.
    pub(crate) async fn elapsed(&self) {
        poll_fn(|cx| self.poll_elapsed(cx)).await;
    }

    /// Runs `work` until it is done or the deadline passes. The deadline stays as it is; it may be moved meanwhile.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] where the deadline passed first.
    pub(crate) async fn guard<F: Future>(&self, work: F) -> Result<F::Output, Elapsed> {
        let mut work = pin!(work);
        poll_fn(|cx| self.poll_guarded(work.as_mut(), cx)).await
    }

    /// [`Self::guard`] with a deadline of its own, which is gone afterwards.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] where `after` passed first.
    pub(crate) async fn within<F: Future>(
        &self,
        after: Duration,
        work: F,
    ) -> Result<F::Output, Elapsed> {
        self.set(after);
        let outcome = self.guard(work).await;
        self.clear();
        outcome
    }

    /// [`Self::guard`] for a connection that is idle: it also ends when the worker is to end.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] where the deadline passed, or the worker was told to end, before `work` was done.
    pub(crate) async fn guard_idle<F: Future>(&self, work: F) -> Result<F::Output, Interrupted> {
        let mut work = pin!(work);
        poll_fn(|cx| match self.poll_guarded(work.as_mut(), cx) {
            Poll::Pending if quitting() => Poll::Ready(Err(Interrupted::Quit)),
            outcome => outcome.map_err(|Elapsed| Interrupted::Elapsed),
        })
        .await
    }

    fn poll_guarded<F: Future>(
        &self,
        work: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Elapsed>> {
        match work.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_elapsed(cx).map(|()| Err(Elapsed)),
        }
    }
}

impl Slot {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Default for Alarm {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // The list itself is gone where a thread ends with connections on it.
        let _ = SLOTS.try_with(|slots| {
            let Ok(mut slots) = slots.try_borrow_mut() else {
                return;
            };
            let index = self.0.index.get();
            if index < slots.len() {
                slots.swap_remove(index);
                if let Some(moved) = slots.get(index) {
                    moved.index.set(index);
                }
            }
        });
    }
}

/// Lets the idle connections of this thread end, now and from now on.
pub(crate) fn begin_quit() {
    QUITTING.set(true);
    SLOTS.with_borrow(|slots| slots.iter().for_each(|slot| slot.wake()));
}

/// The thread is to end, gracefully: answers say `Connection: close`.
pub(crate) fn quitting() -> bool {
    QUITTING.get()
}

/// Looks at the alarms of this thread every [`TICK`], and reads the clock; never returns.
pub(crate) async fn tick() {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep(clock::sync());
    }
}

/// Wakes whose deadline has passed.
fn sweep(now: Monotonic) {
    if now.0 < SOONEST.get() {
        return;
    }
    let mut soonest = NEVER;
    SLOTS.with_borrow(|slots| {
        for slot in slots {
            let due = slot.due.get();
            if due > now.0 {
                soonest = soonest.min(due);
                continue;
            }
            // A deadline that nobody waits for stays: its guard sees it when it is polled.
            slot.wake();
        }
    });
    SOONEST.set(soonest);
}

#[cfg(test)]
mod tests;
