//! A connection to the server whose turn it is: a kept one, or a new one.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use balancer::retry::Failure;

use super::super::{Abort, Client, Request, Var};
use super::conf::{Bind, Conf};
use super::exchange::Fault;
use super::target::Target;
use crate::conf::Severity;
use crate::net::tls::{ClientTls, connect_tls};
use crate::net::{Alarm, ConnectOptions, Keepalive, Transport, connect};
use crate::upstream::{Lane, Link, Turn};

/// How servers of one request are connected with.
pub(super) struct Dial {
    tls: Option<Secure>,
    options: ConnectOptions,
    pass: u64,
}

/// TLS of one request.
struct Secure {
    client: Arc<ClientTls>,
    /// Whom the server's certificate is to be for.
    name: String,
    /// Connections that were made with another one serve other requests.
    id: u64,
    /// The name, and the certificate of ours that variables say: what a kept connection must have been made with.
    key: Arc<[u8]>,
}

impl Dial {
    /// For a request.
    pub(super) fn new(request: &Request, conf: &Conf, target: &Target) -> Result<Self, u16> {
        let place = target.place();
        let tls = if place.is_tls {
            let tls = conf.ready.as_ref().and_then(|ready| ready.tls.clone());
            let name = match &conf.ssl.name {
                Some(template) => template.to_bytes(request),
                None => place.host.clone(),
            };
            let name = String::from_utf8_lossy(&name).into_owned();
            let tls = tls.ok_or(500_u16)?;
            let client = conf.ssl.client(&tls, request).map_err(|text| {
                request.error(
                    Severity::Error,
                    format_args!("cannot load certificate: {text} while connecting to upstream"),
                );
                500_u16
            });
            let (client, certificate) = client?;
            let key = [name.as_bytes(), &certificate].join(&0).into();
            Some(Secure {
                client,
                name,
                id: tls.id,
                key,
            })
        } else {
            None
        };
        let bind = conf.bind.as_ref().and_then(|bind| {
            let address = Bind::parse(&bind.address.to_bytes(request));
            address.map(|address| (address, bind.is_transparent))
        });
        let keepalive = if conf.socket_keepalive {
            Keepalive::ON
        } else {
            Keepalive::Unset
        };
        Ok(Self {
            tls,
            options: ConnectOptions {
                bind: bind.map(|(address, _)| address),
                transparent: bind.is_some_and(|(_, is_transparent)| is_transparent),
                keepalive,
                nodelay: true,
                rcvbuf: conf.rcvbuf,
            },
            pass: if target.group.keepalive.local {
                target.pass.id
            } else {
                0
            },
        })
    }

    /// What a connection with that server is good for.
    pub(super) fn lane(&self, turn: &Turn<Var>) -> Lane {
        let tls = self.tls.as_ref();
        Lane {
            peer: turn.peer(),
            tls: tls.map_or(0, |secure| secure.id),
            name: tls.map(|secure| secure.key.clone()),
            bind: self.options.bind,
            pass: self.pass,
        }
    }

    /// Makes a new connection, within `proxy_connect_timeout`; the handshake of TLS has as long once more.
    pub(super) async fn connect(
        &self,
        request: &Request,
        client: &mut Client,
        conf: &Conf,
        turn: &Turn<Var>,
    ) -> Result<Link, Fault> {
        let alarm = Alarm::new();
        let endpoint = turn.endpoint();
        let connecting = connect(&endpoint, &self.options);
        let connected = wait(request, client, conf, &alarm, connecting, "connect()").await?;
        let transport = match &self.tls {
            None => connected,
            Some(secure) => {
                let handshake = connect_tls(connected, &secure.client, &secure.name);
                wait(
                    request,
                    client,
                    conf,
                    &alarm,
                    handshake,
                    "SSL_do_handshake()",
                )
                .await?
            }
        };
        Ok(Link::new(transport, alarm, self.lane(turn)))
    }
}

/// Why a connection is not there.
enum Missed {
    Elapsed,
    ClientGone,
    Failed(io::Error),
}

/// Waits for a connection, or for the client to go.
async fn wait(
    request: &Request,
    client: &mut Client,
    conf: &Conf,
    alarm: &Alarm,
    work: impl Future<Output = io::Result<Transport>>,
    what: &str,
) -> Result<Transport, Fault> {
    let mut work = pin!(work);
    alarm.set(conf.connect_timeout);
    let outcome = poll_fn(|cx| {
        if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
            return Poll::Ready(outcome.map_err(Missed::Failed));
        }
        if alarm.poll_elapsed(cx).is_ready() {
            return Poll::Ready(Err(Missed::Elapsed));
        }
        let has_body = request.body.is_complete;
        if !conf.ignores_client_abort && client.poll_closed(cx, has_body).is_ready() {
            return Poll::Ready(Err(Missed::ClientGone));
        }
        Poll::Pending
    })
    .await;
    alarm.clear();
    outcome.map_err(|missed| match missed {
        Missed::Elapsed => {
            request.error(
                Severity::Error,
                format_args!(
                    "upstream timed out (110: Connection timed out) while connecting to upstream"
                ),
            );
            Fault::Server(Failure::Timeout)
        }
        Missed::ClientGone => Fault::Client(Abort::Gone),
        Missed::Failed(error) => {
            let code = error.raw_os_error();
            let code = code.map(|code| format!("{code}: ")).unwrap_or_default();
            request.error(
                Severity::Error,
                format_args!("{what} failed ({code}{error}) while connecting to upstream"),
            );
            Fault::Server(Failure::Connect)
        }
    })
}
