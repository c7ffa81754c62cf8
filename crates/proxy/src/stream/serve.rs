//! A session from its connection's acceptance to its line in the log, through nginx's phases in their order.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::config::Handler;
use super::listen::Port;
use super::pass::Passed;
use super::record::Record;
use super::{
    Config, Server, Session, Worker, access_log, limit_conn, pass, preread, proxy, script, status,
};
use crate::access::admits;
use crate::conf::Severity;
use crate::limit_conn::Held;
use crate::net::tls::accept_tls;
use crate::net::{Alarm, Datagrams, Endpoint, HeaderError, Transport, clock, read_proxy_header};
use crate::script::{Captures, Slots};
use crate::ssl::{self, Info, Objection};

/// Serves one connection. `port` is the address that it came in by. What is to go on elsewhere is given back.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    config: Arc<Config>,
    transport: Transport,
    port: usize,
) -> Option<Passed> {
    let port = config.ports.get(port).cloned()?;
    let counters = &worker.shared.counters;
    counters.accepted.fetch_add(1, Ordering::Relaxed);
    let ends = (transport.peer().clone(), transport.local().ok());
    let mut session = begin(&worker, config, &port, ends);
    session.error(
        Severity::Info,
        format_args!("client connected to {}", session.local),
    );
    let mut run = Run {
        session: &mut session,
        port: &port,
        alarm: Alarm::new(),
        held: Vec::new(),
        goes_on: None,
    };
    let (client, status) = run.phases(transport).await;
    if let Some(to) = run.goes_on.take() {
        return client.map(|transport| Passed { transport, to });
    }
    clock::refresh();
    session.status.set(status);
    access_log::run(&session);
    if let Some(mut client) = client {
        farewell(&mut client);
    }
    None
}

/// Serves the datagrams of one client. `port` is the address that they came to.
pub(crate) async fn serve_datagrams(
    worker: Rc<Worker>,
    config: Arc<Config>,
    client: Datagrams,
    port: usize,
) {
    let Some(port) = config.ports.get(port).cloned() else {
        return;
    };
    let mut session = begin(&worker, config, &port, (client.peer(), client.local().ok()));
    session.error(
        Severity::Info,
        format_args!("udp client connected to {}", session.local),
    );
    let mut run = Run {
        session: &mut session,
        port: &port,
        alarm: Alarm::new(),
        held: Vec::new(),
        goes_on: None,
    };
    let status = run.datagrams(&client).await;
    clock::refresh();
    session.status.set(status);
    access_log::run(&session);
}

/// Tells the other side that nothing more comes, as far as the socket takes it at once: TLS has words for it.
pub(super) fn farewell(transport: &mut Transport) {
    if transport.tls().is_some() {
        let cx = &mut Context::from_waker(Waker::noop());
        // Where the socket takes nothing now, it is closed without them.
        let _ = Pin::new(transport).poll_shutdown(cx);
    }
}

fn begin(
    worker: &Rc<Worker>,
    config: Arc<Config>,
    port: &Port,
    (peer, local): (Endpoint, Option<Endpoint>),
) -> Session {
    let listened = &port.spec.address;
    let has_wildcard = match listened {
        Endpoint::Ip(address) => address.ip().is_unspecified() || address.port() == 0,
        Endpoint::Unix(_) => false,
    };
    let local = local.filter(|_| has_wildcard);
    let local = local.unwrap_or_else(|| listened.clone());
    let mut slots = Slots::default();
    slots.reset(config.definitions.len());
    Session {
        config,
        server: port.default.clone(),
        worker: worker.clone(),
        number: worker.shared.number(),
        client: peer.clone(),
        peer,
        is_udp: port.spec.udp,
        local,
        tls: None,
        said: None,
        hello: None,
        upstream: Record::default(),
        started: clock::now(),
        status: Cell::new(0),
        limit_status: Cell::new(None),
        received: Cell::new(0),
        sent: Cell::new(0),
        slots,
        captures: RefCell::new(Captures::default()),
    }
}

/// A session that ends before its content, with this status.
type Ended = u16;

struct Run<'s> {
    session: &'s mut Session,
    port: &'s Port,
    alarm: Alarm,
    /// The session's places in zones.
    held: Vec<Held>,
    /// Where the connection goes on, instead of a session here.
    goes_on: Option<Endpoint>,
}

impl Run<'_> {
    /// Everything up to the log: the connection, where it is still there, and the status.
    async fn phases(&mut self, mut client: Transport) -> (Option<Transport>, u16) {
        if self.session.server.nodelay {
            // Where it fails, the connection is gone already, which reading tells.
            let _ = client.set_nodelay(true);
        }
        if let Err(status) = self.admit(&mut client).await {
            return (Some(client), status);
        }
        if self.port.ssl {
            client = match self.shake(client).await {
                Ok(client) => client,
                Err(status) => return (None, status),
            };
        }
        if let Err(status) = self.look(&mut client).await {
            return (Some(client), status);
        }
        script::run(self.session);
        let status = self.content(&mut client).await;
        (Some(client), status)
    }

    /// The same for datagrams, which have neither a header in front nor TLS.
    async fn datagrams(&mut self, client: &Datagrams) -> u16 {
        if let Err(status) = self.allow() {
            return status;
        }
        script::run(self.session);
        let server = self.session.server.clone();
        match &server.handler {
            Some(Handler::Proxy(pass)) => {
                proxy::run_datagrams(self.session, client, pass, &self.alarm).await
            }
            Some(Handler::Return(template)) => {
                let text = template.to_bytes(self.session);
                client.send(&text);
                self.session.sent.set(text.len() as u64);
                status::OK
            }
            Some(Handler::Pass(_)) => {
                self.session.error(
                    Severity::Error,
                    format_args!("cannot pass udp connection while passing connection to port"),
                );
                status::INTERNAL
            }
            // Such a server is refused when the configuration is read.
            None => status::INTERNAL,
        }
    }

    /// The PROXY header, the real address, limits, access.
    async fn admit(&mut self, client: &mut Transport) -> Result<(), Ended> {
        if self.port.proxy_protocol {
            self.header(client).await?;
        }
        self.believe();
        self.allow()
    }

    /// Limits and access.
    fn allow(&mut self) -> Result<(), Ended> {
        limit_conn::run(self.session, &mut self.held)?;
        if !admits(&self.session.server.access, &self.session.client) {
            self.session
                .error(Severity::Error, format_args!("access forbidden by rule"));
            return Err(status::FORBIDDEN);
        }
        Ok(())
    }

    async fn header(&mut self, client: &mut Transport) -> Result<(), Ended> {
        let allowed = self.session.server.header_timeout;
        let read = self.alarm.within(allowed, read_proxy_header(client)).await;
        let (ended, level, text) = match read {
            Ok(Ok(said)) => {
                if !said.is_intact {
                    self.session.error(
                        Severity::Warn,
                        format_args!("wrong checksum of a header while reading PROXY protocol"),
                    );
                }
                self.session.said = Some(Box::new(said));
                return Ok(());
            }
            Ok(Err(HeaderError::Io(error))) => (status::OK, Severity::Info, error.to_string()),
            Ok(Err(error)) => (status::BAD_REQUEST, Severity::Error, error.to_string()),
            Err(_) => (status::OK, Severity::Info, "client timed out".to_owned()),
        };
        self.session
            .error(level, format_args!("{text} while reading PROXY protocol"));
        Err(ended)
    }

    /// Takes the PROXY header's word for the client's address where its sender is trusted.
    fn believe(&mut self) {
        let said = self.session.said.as_ref().and_then(|said| said.endpoints);
        let Some(endpoints) = said else {
            return;
        };
        let trusted = self.session.server.real_ip_from.iter();
        if trusted
            .into_iter()
            .any(|source| source.covers(&self.session.peer))
        {
            self.session.client = Endpoint::Ip(endpoints.source);
        }
    }

    /// The handshake; the name asked for chooses the server.
    async fn shake(&mut self, client: Transport) -> Result<Transport, Ended> {
        let port = self.port;
        let choose = |name: Option<&str>| {
            let name = name.map(str::to_ascii_lowercase);
            let server = name.and_then(|name| port.named(&name));
            let server = server.unwrap_or(&port.default);
            if server.tls.rejects {
                return None;
            }
            let own = server.tls.tls.as_ref();
            own.or(port.default.tls.tls.as_ref()).cloned()
        };
        let handshake = accept_tls(client, choose);
        let allowed = self.session.server.handshake_timeout;
        let error = match self.alarm.within(allowed, handshake).await {
            Ok(Ok(client)) => {
                let info = client.tls().map(Info::of);
                self.session.tls = info.map(Box::new);
                return match self.judge() {
                    Some(status) => Err(status),
                    None => Ok(client),
                };
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let text = ssl::failure(error.as_ref());
        self.session
            .error(Severity::Info, format_args!("{text} while SSL handshaking"));
        Err(status::INTERNAL)
    }

    /// What is to be done once the handshake is: the server of the name, the client's certificate.
    fn judge(&mut self) -> Option<Ended> {
        let info = self.session.tls.as_ref()?;
        let name = info.server_name.as_deref().map(str::to_ascii_lowercase);
        self.enter(&name.unwrap_or_default());
        let info = self.session.tls.as_ref()?;
        let text = match info.objection(self.session.server.tls.verify)? {
            Objection::None => "client sent no required SSL certificate".to_owned(),
            Objection::Bad(reason) => format!("client SSL certificate verify error: ({reason})"),
        };
        self.session.error(Severity::Info, format_args!("{text}"));
        Some(status::INTERNAL)
    }

    /// Gives the session to the server of that name, where there is one.
    fn enter(&mut self, name: &str) {
        if !self.port.has_choice || name.is_empty() {
            return;
        }
        let session = &mut *self.session;
        let slots = &session.slots;
        let mut assign = |id, value: &[u8]| slots.set(id, value);
        let captures = session.captures.get_mut();
        let names = &self.port.names;
        let found: Option<&Arc<Server>> = names.find(name.as_bytes(), captures, &mut assign);
        if let Some(server) = found {
            session.server = server.clone();
        }
    }

    /// The look at the first bytes, where one is wanted.
    async fn look(&mut self, client: &mut Transport) -> Result<(), Ended> {
        // What we decrypt ourselves has told its name already.
        if !self.session.server.preread || self.port.ssl {
            return Ok(());
        }
        let hello = preread::run(self.session, client, &self.alarm).await?;
        let Some(hello) = hello else {
            return Ok(());
        };
        let name = hello.server_name.clone();
        self.session.hello = Some(Box::new(hello));
        self.enter(&name);
        Ok(())
    }

    async fn content(&mut self, client: &mut Transport) -> u16 {
        let server = self.session.server.clone();
        match &server.handler {
            Some(Handler::Proxy(pass)) => proxy::run(self.session, client, pass).await,
            Some(Handler::Return(template)) => {
                let text = template.to_bytes(self.session);
                let send = async {
                    client.write_all(&text).await?;
                    client.flush().await
                };
                let sent = self.alarm.within(server.proxy.timeout, send).await;
                if matches!(sent, Ok(Ok(()))) {
                    self.session.sent.set(text.len() as u64);
                }
                status::OK
            }
            Some(Handler::Pass(to)) => {
                // What is looked at of a decrypted stream has been taken from it, in nginx.
                let is_read = self.port.ssl && server.preread;
                self.goes_on = pass::run(self.session, to, is_read);
                status::INTERNAL
            }
            // Such a server is refused when the configuration is read.
            None => status::INTERNAL,
        }
    }
}
