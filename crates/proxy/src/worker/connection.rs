//! One accepted connection in its task: counted while it lives, reported where it panics.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::service::{Service, Trouble};

/// The connections of a worker that are being served.
pub(super) struct Connections {
    live: Arc<AtomicUsize>,
    changed: Notify,
}

impl Connections {
    pub(super) fn new(live: Arc<AtomicUsize>) -> Self {
        Self {
            live,
            changed: Notify::new(),
        }
    }

    /// Completes when none is left.
    pub(super) async fn ended(&self) {
        while self.live.load(Ordering::Relaxed) > 0 {
            self.changed.notified().await;
        }
    }
}

/// Does the work of one connection in a task of its own.
pub(super) fn spawn<S: Service, W: Future<Output = ()> + 'static>(
    service: &Rc<S>,
    connections: &Rc<Connections>,
    work: impl FnOnce(Rc<S>) -> W,
) {
    let counted = Counted::new(service, connections);
    let work = work(Rc::clone(service));
    tokio::task::spawn_local(async move {
        let _counted = counted;
        work.await;
    });
}

/// Counts one connection as long as it exists, however it ends.
struct Counted<S: Service> {
    service: Rc<S>,
    connections: Rc<Connections>,
}

impl<S: Service> Counted<S> {
    fn new(service: &Rc<S>, connections: &Rc<Connections>) -> Self {
        // Only this thread writes; others read a figure.
        connections.live.fetch_add(1, Ordering::Relaxed);
        Self {
            service: Rc::clone(service),
            connections: Rc::clone(connections),
        }
    }
}

impl<S: Service> Drop for Counted<S> {
    fn drop(&mut self) {
        if self.connections.live.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.connections.changed.notify_one();
        }
        if std::thread::panicking() {
            self.service.trouble(Trouble::Panic);
        }
    }
}
