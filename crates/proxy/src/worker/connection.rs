//! One accepted connection in its task: counted while it lives, reported where it panics.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::sync::Notify;

use super::lease::{Lease, Leases};
use super::service::{Service, Trouble};

/// The connections of a worker that are being served.
pub(super) struct Connections {
    live: Arc<AtomicUsize>,
    changed: Notify,
    pub(super) leases: Leases,
}

impl Connections {
    pub(super) fn new(live: Arc<AtomicUsize>) -> Self {
        Self {
            live,
            changed: Notify::new(),
            leases: Leases::default(),
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
    work: impl FnOnce(Rc<S>, Rc<Lease>) -> W,
) {
    let lease = connections.leases.lease();
    let mut counted = Counted::new(service, connections);
    let work = work(Rc::clone(service), Rc::clone(&lease));
    tokio::task::spawn_local(async move {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if lease.is_ended() {
                return Poll::Ready(());
            }
            counted.hold(&lease, cx);
            work.as_mut().poll(cx)
        })
        .await;
    });
}

/// Counts one connection as long as it exists, however it ends.
struct Counted<S: Service> {
    service: Rc<S>,
    connections: Rc<Connections>,
    /// Its place among the leases, once its task has run.
    place: Option<usize>,
}

impl<S: Service> Counted<S> {
    fn new(service: &Rc<S>, connections: &Rc<Connections>) -> Self {
        // Only this thread writes; others read a figure.
        connections.live.fetch_add(1, Ordering::Relaxed);
        Self {
            service: Rc::clone(service),
            connections: Rc::clone(connections),
            place: None,
        }
    }

    /// Lets the task be woken at the end of its lease.
    fn hold(&mut self, lease: &Rc<Lease>, cx: &Context<'_>) {
        if self.place.is_none() {
            self.place = Some(self.connections.leases.hold(lease, cx.waker()));
        }
    }
}

impl<S: Service> Drop for Counted<S> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.connections.leases.release(place);
        }
        if self.connections.live.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.connections.changed.notify_one();
        }
        if std::thread::panicking() {
            self.service.trouble(Trouble::Panic);
        }
    }
}
