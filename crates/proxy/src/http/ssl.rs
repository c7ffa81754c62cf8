//! TLS to clients of the HTTP face: its directives, the choice of a server by the name asked for, and what is asked of each
//! request that came by it.

use std::sync::Arc;

use super::listen::Port;
use super::{Request, Server};
use crate::conf::contexts::SERVERS;
use crate::conf::{Row, Severity};
use crate::net::tls::ServerTls;
use crate::script::Captures;
use crate::ssl::{Objection, Verify, rows};

/// The table.
pub(crate) static ROWS: [Row; rows::COUNT_OF] = rows::rows!(SERVERS, Server);

const PLAIN_REQUEST: u16 = 497;
const NO_CERTIFICATE: u16 = 496;
const BAD_CERTIFICATE: u16 = 495;
const MISDIRECTED: u16 = 421;

/// The server of a name that a client asks for in its handshake; `None` where no server has it.
pub(super) fn named<'p>(port: &'p Port, name: Option<&str>) -> Option<&'p Arc<Server>> {
    let name = name?.to_ascii_lowercase();
    let mut captures = Captures::default();
    port.names
        .find(name.as_bytes(), &mut captures, &mut |_, _| {})
}

/// The settings of a handshake; `None` where it is refused.
pub(super) fn choose(port: &Port, name: Option<&str>) -> Option<Arc<ServerTls>> {
    let server = named(port, name).unwrap_or(&port.default);
    if server.ssl.rejects {
        return None;
    }
    let own = server.ssl.tls.as_ref();
    own.or(port.default.ssl.tls.as_ref()).cloned()
}

/// The status of a request that is refused for how it came: in plain, without the certificate that its server wants, or to
/// another server than the one that the certificate was shown to.
pub(super) fn refused(request: &Request, port: &Port) -> Option<u16> {
    if !port.ssl {
        return None;
    }
    let error = |text: std::fmt::Arguments<'_>| {
        request.error(
            Severity::Info,
            format_args!("{text} while reading client request headers"),
        );
    };
    let Some(info) = &request.connection.tls else {
        error(format_args!("client sent plain HTTP request to HTTPS port"));
        return Some(PLAIN_REQUEST);
    };
    let verify = request.server.ssl.verify;
    if verify == Verify::Off {
        return None;
    }
    let asked = info.server_name.as_deref().filter(|_| info.is_name_served);
    let differs = |name: &str| {
        !request.host.is_empty() && !name.as_bytes().eq_ignore_ascii_case(&request.host)
    };
    if asked.is_some_and(differs) {
        error(format_args!(
            "client attempted to request the server name different from the one that was negotiated"
        ));
        return Some(MISDIRECTED);
    }
    match info.objection(verify)? {
        Objection::None => {
            error(format_args!("client sent no required SSL certificate"));
            Some(NO_CERTIFICATE)
        }
        Objection::Bad(reason) => {
            error(format_args!(
                "client SSL certificate verify error: ({reason})"
            ));
            Some(BAD_CERTIFICATE)
        }
    }
}
