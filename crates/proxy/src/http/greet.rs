//! What comes before a connection's first request: the PROXY header, the handshake of TLS.
//!
//! Each may take `client_header_timeout`. A client that speaks plain HTTP where TLS is expected is let through, so that it can
//! be told.

use std::fmt;
use std::time::Duration;

use super::listen::Port;
use super::ssl::{choose, named};
use crate::conf::Severity;
use crate::net::tls::{AcceptError, accept_tls};
use crate::net::{Alarm, Endpoint, Said, Transport, read_proxy_header};
use crate::ssl::{Info, failure};

/// A connection that is ready for requests.
pub(super) struct Greeted {
    pub(super) transport: Transport,
    /// Its TLS, where it is encrypted.
    pub(super) tls: Option<Box<Info>>,
    /// What its PROXY header said, where one is expected.
    pub(super) said: Option<Box<Said>>,
}

impl Greeted {
    /// One that needs no greeting; TLS may have been ended before it was passed on.
    pub(super) fn plain(transport: Transport) -> Self {
        Self {
            tls: transport.tls().map(|session| Box::new(Info::of(session))),
            transport,
            said: None,
        }
    }
}

/// Greets a client; `None` where the connection is to be closed. `number` is the connection's, for the log.
pub(super) async fn run(mut transport: Transport, port: &Port, number: u64) -> Option<Greeted> {
    let greeting = Greeting {
        port,
        number,
        peer: transport.peer().clone(),
        allowed: port.default.core.header_timeout,
        alarm: Alarm::new(),
    };
    greeting.alarm.set(greeting.allowed);
    // It is new, so not idle, also where the worker is to end: its first bytes may be on their way.
    let readable = greeting.alarm.guard(transport.readable()).await;
    greeting.alarm.clear();
    if !matches!(readable, Ok(Ok(()))) {
        return None;
    }
    let said = match port.proxy_protocol {
        true => Some(Box::new(greeting.header(&mut transport).await?)),
        false => None,
    };
    let (transport, tls) = match port.ssl {
        true => greeting.shake(transport).await?,
        false => (transport, None),
    };
    Some(Greeted {
        transport,
        tls,
        said,
    })
}

struct Greeting<'p> {
    port: &'p Port,
    number: u64,
    peer: Endpoint,
    allowed: Duration,
    alarm: Alarm,
}

impl Greeting<'_> {
    async fn header(&self, transport: &mut Transport) -> Option<Said> {
        let read = read_proxy_header(transport);
        let (level, text) = match self.alarm.within(self.allowed, read).await {
            Ok(Ok(said)) => {
                if !said.is_intact {
                    self.log(
                        Severity::Warn,
                        format_args!("wrong checksum of a header while reading PROXY protocol"),
                    );
                }
                return Some(said);
            }
            Ok(Err(error)) => (Severity::Error, error.to_string()),
            Err(_) => (Severity::Info, "client timed out".to_owned()),
        };
        self.log(level, format_args!("{text} while reading PROXY protocol"));
        None
    }

    async fn shake(&self, transport: Transport) -> Option<(Transport, Option<Box<Info>>)> {
        let handshake = accept_tls(transport, |name| choose(self.port, name));
        let error = match self.alarm.within(self.allowed, handshake).await {
            Ok(Ok(transport)) => {
                let info = transport.tls().map(|session| {
                    let mut info = Info::of(session);
                    info.is_name_served = named(self.port, info.server_name.as_deref()).is_some();
                    Box::new(info)
                });
                return Some((transport, info));
            }
            Ok(Err(AcceptError::NotTls(transport))) => return Some((*transport, None)),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let text = failure(error.as_ref());
        self.log(Severity::Info, format_args!("{text} while SSL handshaking"));
        None
    }

    fn log(&self, level: Severity, text: fmt::Arguments<'_>) {
        let errors = &self.port.default.root.errors;
        errors.line(
            level,
            self.number,
            format_args!(
                "{text}, client: {}, server: {}",
                crate::net::Host(&self.peer),
                self.port.spec.address
            ),
        );
    }
}
