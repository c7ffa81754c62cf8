//! `pass`: a connection is handed to another address that is listened on, as if it had come in there.

use nginx_conf::{Kind, Param, Spec};

use super::config::Handler;
use super::{Session, Template, proxy};
use crate::conf::contexts::STREAM_SERVER;
use crate::conf::{Apply, Row, Severity, word};
use crate::net::{Endpoint, Transport};
use crate::upstream::parse_url;

/// A connection that goes on elsewhere.
pub(crate) struct Passed {
    pub(crate) transport: Transport,
    /// The address that it goes on at.
    pub(crate) to: Endpoint,
}

/// The table.
pub(crate) static ROWS: &[Row] = &[Row::new(
    Spec::new(
        "pass",
        &[STREAM_SERVER],
        &[Param::required("address", Kind::Text)],
        "Hands the connection to another address that is listened on, of HTTP or TCP, without a connection in between; TLS that was ended stays ended. May hold variables.",
    ),
    Apply::StreamServer(|server, directive, cx| {
        word(directive, 0)?;
        let to = cx.template(&directive.args[0])?;
        if let Some(text) = to.as_literal() {
            target(text)?;
        }
        proxy::handle(server, Handler::Pass(to))
    }),
)];

/// The address that the session goes on at; nothing where it cannot, which has been told in the log.
pub(super) fn run(session: &Session, to: &Template, is_tls_read: bool) -> Option<Endpoint> {
    let fail = |text: &str| {
        session.error(
            Severity::Error,
            format_args!("{text} while passing connection to port"),
        );
    };
    if is_tls_read {
        fail("cannot pass connection with preread data");
        return None;
    }
    target(&to.to_bytes(session))
        .map_err(|text| fail(&text))
        .ok()
}

fn target(text: &[u8]) -> Result<Endpoint, String> {
    let text = String::from_utf8_lossy(text);
    let wrong = |reason: &str| format!("{reason} in pass \"{text}\"");
    let url = parse_url(&text, false).map_err(wrong)?;
    if url.is_unix {
        return Ok(Endpoint::Unix(url.host.as_str().into()));
    }
    let port = url.port.ok_or_else(|| wrong("no port"))?;
    let found = url.look_up(port).map_err(wrong)?;
    let first = found.first().ok_or_else(|| wrong("no addresses"))?;
    Ok(crate::upstream::endpoint(first))
}

/// Whether what is passed on to `to` goes on at the address `listened`.
pub(crate) fn matches(listened: &Endpoint, to: &Endpoint) -> bool {
    match (listened, to) {
        (Endpoint::Ip(listened), Endpoint::Ip(to)) if listened.ip().is_unspecified() => {
            listened.is_ipv4() == to.is_ipv4() && listened.port() == to.port()
        }
        _ => listened == to,
    }
}
