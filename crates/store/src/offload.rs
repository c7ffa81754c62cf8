//! Where blocking work runs.

use tokio::sync::oneshot;

/// Runs blocking jobs away from the caller.
pub trait Offload: Send + Sync + 'static {
    /// Runs `job` to its end, some time, somewhere.
    fn run(&self, job: Box<dyn FnOnce() + Send>);
}

/// Runs jobs in place: for tests and for simulations, where no call really blocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct InPlace;

impl Offload for InPlace {
    fn run(&self, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}

/// Runs `work` through `pool` and waits for what it returns.
///
/// `None` where the pool dropped the job, which it does only while the process ends.
pub async fn offload<T: Send + 'static>(
    pool: &dyn Offload,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = oneshot::channel();
    pool.run(Box::new(move || {
        // The caller may have gone away; then nobody wants the result.
        let _ = done.send(work());
    }));
    result.await.ok()
}
