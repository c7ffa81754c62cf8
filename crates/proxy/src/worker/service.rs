//! What runs in a worker.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::lease::Lease;
use crate::net::{Datagrams, Endpoint, Transport};

/// What a worker does with its connections and its configuration. One value per worker; all of it runs on the worker's thread.
pub(crate) trait Service: Sized + 'static {
    /// The configuration, immutable and shared by all workers.
    type Config: Send + Sync + 'static;

    /// Begins in a worker. The event loop runs already: tasks may be spawned with `tokio::task::spawn_local`.
    fn start(seat: Seat, config: Arc<Self::Config>) -> Rc<Self>;

    /// Serves one connection to its end. Dropped where the worker stops. Called before any configuration comes that gives the
    /// listener another index; the future may run after it.
    fn serve(self: Rc<Self>, accepted: Accepted) -> impl Future<Output = ()> + 'static;

    /// Serves one session of datagrams to its end. Dropped where the worker stops.
    fn serve_datagrams(
        self: Rc<Self>,
        _client: Datagrams,
        _listener: usize,
    ) -> impl Future<Output = ()> + 'static {
        async {}
    }

    /// Takes a new configuration. What is accepted from now on has its listener's index.
    fn configure(&self, config: Arc<Self::Config>);

    /// Is called each second.
    fn each_second(&self) {}

    /// Is called at the end of the worker, when its connections are gone: what waits to be written is written here.
    fn end(&self) {}

    /// Hears of what went wrong outside any connection.
    fn trouble(&self, _trouble: Trouble<'_>) {}
}

/// Which worker it is.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// Its number, from 0.
    pub(crate) worker: usize,
    /// Its connections that are being served; also read by other threads.
    pub(crate) live: Arc<AtomicUsize>,
}

/// A connection that has just been accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The connection.
    pub(crate) transport: Transport,
    /// The index of the listener's address in the current configuration.
    pub(crate) listener: usize,
    /// Its hold on that configuration.
    pub(crate) lease: Rc<Lease>,
}

/// What went wrong in a worker, outside any connection.
#[derive(Debug)]
pub(crate) enum Trouble<'a> {
    /// The system has no room for another connection; nothing is accepted for a moment.
    Accept(&'a Endpoint, &'a io::Error),
    /// A task of a connection panicked. The connection is closed.
    Panic,
}
