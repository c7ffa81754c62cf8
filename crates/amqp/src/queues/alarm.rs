//! A sleep that is made again only when its end moves.

use base::{BoxFuture, Clock, Monotonic};

/// The sleep until a machine's deadline.
#[derive(Default)]
pub(crate) struct Alarm(Option<(Monotonic, BoxFuture<'static, ()>)>);

impl Alarm {
    pub(crate) fn set(&mut self, clock: &dyn Clock, at: Option<Monotonic>) {
        if self.0.as_ref().map(|(set, _)| *set) != at {
            self.0 = at.map(|at| (at, clock.sleep_until(at)));
        }
    }

    /// Completes when it is time; then it is set anew.
    pub(crate) async fn ring(&mut self) {
        match &mut self.0 {
            Some((_, sleep)) => sleep.await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }
}
