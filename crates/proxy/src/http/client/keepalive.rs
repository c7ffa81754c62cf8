//! Whether a client's connection goes on after a request.

use http_wire::{FieldName, Method};

use super::super::Request;
use crate::net::{clock, quitting};

/// Whether it may, as far as the location, its age, the number of its requests and the kind of client go.
pub(super) fn is_allowed(request: &Request) -> bool {
    let core = &request.location.core;
    let connection = &request.connection;
    !core.keepalive_timeout.is_zero()
        && connection.requests.get() < core.keepalive_requests
        && clock::now() - connection.started < core.keepalive_time
        && !quitting()
        && !is_bad_browser(request)
}

/// `keepalive_disable`: clients that mishandle kept connections.
fn is_bad_browser(request: &Request) -> bool {
    let core = &request.location.core;
    let msie = core.keepalive_disable_msie6 && request.method() == Method::Post;
    if !msie && !core.keepalive_disable_safari {
        return false;
    }
    let agent = request.value(FieldName::UserAgent).unwrap_or_default();
    let has = |text: &[u8]| memchr::memmem::find(agent, text);
    if let Some(at) = has(b"MSIE ") {
        let is_old = match agent.get(at + 5) {
            Some(b'4' | b'5') => true,
            Some(b'6') => has(b"SV1").is_none(),
            _ => false,
        };
        return msie && is_old;
    }
    core.keepalive_disable_safari && has(b"Safari/").is_some() && has(b"Mac OS X").is_some()
}
