//! A connection to the server whose turn it is.

use std::io;

use http_wire::proxy_protocol::Endpoints;

use super::super::{Session, Var};
use super::conf::{Bind, Conf};
use super::target::Target;
use crate::conf::Severity;
use crate::net::tls::connect_tls_offering;
use crate::net::{Alarm, ConnectOptions, Endpoint, Keepalive, Transport, connect, write_proxy_v1};
use crate::upstream::Turn;

/// The length of a name of an application protocol is one byte.
const ALPN_LEN_MAX: usize = 255;

/// Connects, says whom it is for, and shakes hands, each step within `proxy_connect_timeout`. Nothing where that fails, which
/// has been told in the log.
pub(super) async fn dial(
    session: &Session,
    conf: &Conf,
    target: &Target,
    turn: &Turn<Var>,
    alarm: &Alarm,
) -> Option<Transport> {
    let endpoint = turn.endpoint();
    let options = options(session, conf, &endpoint);
    let name = turn.name();
    let step = Step {
        session,
        name,
        what: "connect()",
    };
    let connecting = alarm.within(conf.connect_timeout, connect(&endpoint, &options));
    let mut transport = step.outcome(connecting.await)?;
    if conf.proxy_protocol {
        let header = write_proxy_v1(&mut transport, endpoints(session));
        let written = alarm.within(conf.connect_timeout, header).await;
        let step = Step {
            what: "send()",
            ..step
        };
        step.outcome(written)?;
    }
    let Some(tls) = conf.tls.as_ref().filter(|_| conf.is_tls) else {
        return Some(transport);
    };
    let asked = match &conf.ssl.name {
        Some(template) => String::from_utf8_lossy(&template.to_bytes(session)).into_owned(),
        None => target.host.clone(),
    };
    let client = conf.ssl.client(tls, session).map_err(|text| {
        session.error(
            Severity::Error,
            format_args!("cannot load certificate: {text} while connecting to upstream"),
        );
    });
    let (client, _) = client.ok()?;
    let offered = conf.alpn.iter().map(|name| name.to_bytes(session));
    let offered = offered.filter(|name| (1..=ALPN_LEN_MAX).contains(&name.len()));
    let handshake = connect_tls_offering(transport, &client, &asked, offered.collect());
    let shaken = alarm.within(conf.connect_timeout, handshake).await;
    let step = Step {
        what: "SSL_do_handshake()",
        ..step
    };
    step.outcome(shaken)
}

pub(super) fn options(session: &Session, conf: &Conf, target: &Endpoint) -> ConnectOptions {
    let bind = conf.bind.as_ref().and_then(|bind| {
        let address = Bind::parse(&bind.address.to_bytes(session));
        address.map(|address| (address, bind.is_transparent))
    });
    // An address of the other family cannot be bound.
    let is_same = |ours: &std::net::SocketAddr| {
        target
            .ip()
            .is_some_and(|theirs| theirs.is_ipv4() == ours.is_ipv4())
    };
    let bind = bind.filter(|(address, _)| is_same(address));
    ConnectOptions {
        bind: bind.map(|(address, _)| address),
        transparent: bind.is_some_and(|(_, is_transparent)| is_transparent),
        keepalive: match conf.keepalive {
            true => Keepalive::ON,
            false => Keepalive::Unset,
        },
        nodelay: session.server.nodelay,
        rcvbuf: conf.rcvbuf,
    }
}

/// Who speaks with whom; nothing where an end has no internet address.
fn endpoints(session: &Session) -> Option<Endpoints> {
    let (source, destination) = (session.client.ip()?, session.local.ip()?);
    Some(Endpoints {
        source,
        destination,
    })
}

#[derive(Clone, Copy)]
struct Step<'s> {
    session: &'s Session,
    name: &'s str,
    what: &'static str,
}

impl Step<'_> {
    fn outcome<T>(&self, outcome: Result<io::Result<T>, crate::net::Elapsed>) -> Option<T> {
        let Self {
            session,
            name,
            what,
        } = self;
        match outcome {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => {
                let code = error.raw_os_error();
                let code = code.map(|code| format!("{code}: ")).unwrap_or_default();
                session.error(
                    Severity::Error,
                    format_args!("{what} failed ({code}{error}) while connecting to upstream, upstream: \"{name}\""),
                );
            }
            Err(_) => session.error(
                Severity::Error,
                format_args!("upstream timed out (110: Connection timed out) while connecting to upstream, upstream: \"{name}\""),
            ),
        }
        None
    }
}
