//! A client's connection from its acceptance to its end.
//!
//! An idle connection holds nothing but its socket: what requests need is in a future of its own, which is made when bytes come
//! and gone when none have come for [`PATIENCE`]. Under load it stays, so that a request costs no memory.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::greet::{self, Greeted};
use super::listen::Port;
use super::{Client, Config, Connection, Request, Worker, finalize, phases, read_head};
use crate::net::{Alarm, Endpoint, Transport, clock};
use crate::worker::Lease;

/// How long memory waits for the next request before it is given back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves one connection. `port` is the address that it came in by, in `config`.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    config: Arc<Config>,
    transport: Transport,
    port: usize,
    lease: Rc<Lease>,
) {
    let Some(port) = config.ports.get(port).cloned() else {
        return;
    };
    let counters = &worker.shared.counters;
    counters.accepted.fetch_add(1, Ordering::Relaxed);
    let _active = Count::one(&worker, |worker| &worker.shared.counters.active);
    let number = worker.shared.number();
    let greeted = if port.ssl || port.proxy_protocol {
        // Boxed for the same reason as below.
        match Box::pin(greet::run(transport, &port, number)).await {
            Some(greeted) => greeted,
            None => return,
        }
    } else {
        Greeted::plain(transport)
    };
    let mut session = Session::new(&worker, config, port, number, greeted, lease);
    let mut allowed = session.port.default.core.header_timeout;
    while session.idle(allowed).await {
        // Boxed so that an idle connection does not carry the state of a busy one.
        match Box::pin(session.busy()).await {
            After::Idle(left) => allowed = left,
            After::Close => return,
        }
    }
    session.client.farewell();
}

/// What a spell of requests ends with.
enum After {
    /// Nothing has come for a while; something may within so much time.
    Idle(Duration),
    Close,
}

struct Session {
    worker: Rc<Worker>,
    config: Arc<Config>,
    port: Arc<Port>,
    connection: Rc<Connection>,
    client: Client,
    lease: Rc<Lease>,
}

impl Session {
    fn new(
        worker: &Rc<Worker>,
        config: Arc<Config>,
        port: Arc<Port>,
        number: u64,
        greeted: Greeted,
        lease: Rc<Lease>,
    ) -> Self {
        let transport = greeted.transport;
        if !port.default.root.core.nodelay {
            // Where it fails, the connection is gone, which its first read tells.
            let _ = transport.set_nodelay(false);
        }
        let local = OnceCell::new();
        let has_wildcard = match &port.spec.address {
            Endpoint::Ip(address) => address.ip().is_unspecified() || address.port() == 0,
            Endpoint::Unix(_) => false,
        };
        if has_wildcard && let Ok(actual) = transport.local() {
            // It is new, so nothing was set before.
            let _ = local.set(actual);
        }
        let connection = Rc::new(Connection {
            number,
            peer: transport.peer().clone(),
            local,
            started: clock::now(),
            requests: Cell::new(0),
            port: port.clone(),
            tls: greeted.tls,
            said: greeted.said,
        });
        Self {
            worker: worker.clone(),
            config,
            port,
            connection,
            client: Client::new(transport, Alarm::new()),
            lease,
        }
    }

    /// Waits for bytes without holding memory; `false` where the connection is to be closed.
    async fn idle(&mut self, allowed: Duration) -> bool {
        self.client.release();
        let client = &mut self.client;
        client.alarm.set(allowed);
        // One that has asked nothing yet is not idle: its request may be on its way, and closing would reset it.
        let is_new = self.connection.requests.get() == 0;
        let readable = client.transport.readable();
        let readable = if is_new {
            client.alarm.guard(readable).await.ok()
        } else {
            client.alarm.guard_idle(readable).await.ok()
        };
        client.alarm.clear();
        matches!(readable, Some(Ok(())))
    }

    /// Answers requests as long as they come.
    async fn busy(&mut self) -> After {
        let mut request = self.request();
        let after = loop {
            if !self.renew() {
                break After::Close;
            }
            request.reset(&self.connection, &self.config, &self.port.default);
            request.is_pipelined = !self.client.ahead.is_empty();
            if !self.one(&mut request).await {
                break After::Close;
            }
            let allowed = request.location.core.keepalive_timeout;
            if self.client.ahead.is_empty()
                && let Err(waited) = self.more(allowed).await
            {
                break match allowed.checked_sub(waited) {
                    Some(left) if !crate::net::quitting() => After::Idle(left),
                    _ => After::Close,
                };
            }
        };
        self.worker.give_request(request);
        after
    }

    /// Whether bytes come soon; where not, how long that was waited for.
    async fn more(&mut self, allowed: Duration) -> Result<(), Duration> {
        let waiting = Rc::clone(&self.worker);
        let Some(_waits) = waiting.wait() else {
            let came = self.client.has_more();
            return came.then_some(()).ok_or(Duration::ZERO);
        };
        let client = &mut self.client;
        client.alarm.set(allowed.min(PATIENCE));
        let readable = client.alarm.guard_idle(client.transport.readable()).await;
        client.alarm.clear();
        match readable {
            Ok(Ok(())) => Ok(()),
            _ => Err(PATIENCE),
        }
    }

    /// Reads and answers one request; `false` where the connection is to be closed.
    async fn one(&mut self, request: &mut Request) -> bool {
        let client = &mut self.client;
        if let Some(alarm) = &client.body_alarm {
            // The body that it was set for is gone.
            alarm.clear();
        }
        let outcome = read_head::run(client, request, &self.port).await;
        let Ok(flow) = outcome else {
            return false;
        };
        self.connection
            .requests
            .set(self.connection.requests.get() + 1);
        let counters = &self.worker.shared.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        let _writing = Count::one(&self.worker, |worker| &worker.shared.counters.writing);
        let outcome = phases::run(request, client, flow).await;
        finalize::run(request, client, outcome).await
    }

    /// Takes the configuration in force; `false` where it does not have this connection's address any more.
    fn renew(&mut self) -> bool {
        if self.worker.is_current(&self.config) {
            return true;
        }
        let config = self.worker.config();
        let address = &self.port.spec.address;
        let port = config.ports.iter().find(|p| p.spec.address == *address);
        let Some(port) = port.cloned() else {
            return false;
        };
        self.config = config;
        self.port = port;
        self.lease.renew();
        true
    }

    fn request(&self) -> Box<Request> {
        self.worker.take_request().unwrap_or_else(|| {
            Box::new(Request::new(
                self.worker.clone(),
                self.connection.clone(),
                self.config.clone(),
                self.port.default.clone(),
            ))
        })
    }
}

/// Counts one more as long as it lives.
pub(super) struct Count {
    worker: Rc<Worker>,
    counter: fn(&Worker) -> &AtomicU64,
}

impl Count {
    pub(super) fn one(worker: &Rc<Worker>, counter: fn(&Worker) -> &AtomicU64) -> Self {
        counter(worker).fetch_add(1, Ordering::Relaxed);
        Self {
            worker: worker.clone(),
            counter,
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        (self.counter)(&self.worker).fetch_sub(1, Ordering::Relaxed);
    }
}
