//! Accepting connections, and counting them so that files and operators keep their descriptors.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long to wait when the system has no descriptor for another connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The connections of all faces.
#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    tasks: TaskTracker,
    stop: CancellationToken,
    cut: CancellationToken,
}

/// Who counts against the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Clients.
    Limited,
    /// Operators, who must get through when clients have taken everything else.
    Always,
}

struct Guard(Arc<Connections>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    /// How many are open, were accepted, and were refused since the start.
    pub(crate) fn counts(&self) -> (usize, u64, u64) {
        (
            self.open.load(Ordering::Relaxed),
            self.accepted.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        )
    }

    /// Says that connections should end when they have answered what they were asked.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Accepts on `listener` and runs `serve` for each connection, until [`Self::drain`].
    pub(crate) fn accept<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        listener: TcpListener,
        admission: Admission,
        serve: impl Fn(TcpStream, SocketAddr) -> F + Send + 'static,
    ) {
        let connections = self.clone();
        self.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = connections.stop.cancelled() => return,
                };
                match accepted {
                    Ok((socket, peer)) => {
                        if let Some(guard) = connections.admit(peer, admission) {
                            // Small answers must not wait for more to be sent with them.
                            let _ = socket.set_nodelay(true);
                            let served = serve(socket, peer);
                            let cut = connections.cut.clone();
                            connections.tasks.spawn(async move {
                                tokio::select! {
                                    () = served => {}
                                    () = cut.cancelled() => {}
                                }
                                drop(guard);
                            });
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                }
            }
        });
    }

    fn admit(self: &Arc<Self>, peer: SocketAddr, admission: Admission) -> Option<Guard> {
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        if admission == Admission::Limited && open >= self.max {
            self.open.fetch_sub(1, Ordering::Relaxed);
            self.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%peer, max = self.max, "a connection was refused: there are too many; raise the limit of open files");
            return None;
        }
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Some(Guard(self.clone()))
    }

    /// Accepts no more, waits up to `limit` for connections to end, and cuts off those that have not;
    /// true where none had to be.
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(limit, self.tasks.wait()).await.is_ok();
        self.cut.cancel();
        self.tasks.wait().await;
        ended
    }
}
