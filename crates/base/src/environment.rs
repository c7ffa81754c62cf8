//! What a driver lends to the logic above: clocks and randomness, so that one seed replays a whole run.

use crate::{Monotonic, Timestamp};
use std::future::Future;
use std::pin::Pin;

/// A future that owns nothing but what it was made from.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The clocks.
pub trait Clock: Send + Sync + 'static {
    /// The clock that never jumps, for time-outs.
    fn now(&self) -> Monotonic;

    /// The clock on the wall, for timestamps.
    fn wall(&self) -> Timestamp;

    /// Completes when [`Self::now`] has reached `deadline`.
    fn sleep_until(&self, deadline: Monotonic) -> BoxFuture<'static, ()>;
}

/// The source of randomness.
pub trait Entropy: Send + Sync + 'static {
    /// 128 random bits.
    fn random(&self) -> u128;
}
