//! What the operating system and the runtime lend to the logic: clocks, randomness, blocking threads.

use base::{BoxFuture, Clock, Entropy, Monotonic, Timestamp};
use rustix::rand::{GetRandomFlags, getrandom};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::Offload;
use tokio::time::Instant;

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Monotonic {
        Monotonic(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<'static, ()> {
        // A millisecond more, since `now` rounds down: nobody shall wake before the deadline and spin.
        Box::pin(tokio::time::sleep_until(
            self.start + Duration::from_millis(deadline.0.saturating_add(1)),
        ))
    }
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn random(&self) -> u128 {
        let mut bits = [0; 16];
        let mut filled = 0;
        while filled < bits.len() {
            // For so few bytes the call fails only when a signal came first.
            filled += getrandom(&mut bits[filled..], GetRandomFlags::empty()).unwrap_or(0);
        }
        u128::from_le_bytes(bits)
    }
}

/// The runtime's pool of threads for blocking calls.
#[derive(Debug, Clone)]
pub(crate) struct BlockingPool(pub(crate) tokio::runtime::Handle);

impl Offload for BlockingPool {
    fn run(&self, job: Box<dyn FnOnce() + Send>) {
        self.0.spawn_blocking(job);
    }
}
