//! Requests of ours beside a client's: for `auth_request`, whose answer decides, and for `mirror`, whose answer nobody wants.
//!
//! A subrequest has the head of the client's request, a path of its own and no answer of its own on the wire. It goes through
//! the same phases, access control left out.

use super::{Abort, Client, Flow, Request, access_log, phases};
use crate::net::clock;

/// Makes one for `uri`, which may have a query. It has no body.
pub(crate) fn make(request: &Request, uri: &[u8]) -> Box<Request> {
    let mut made = request.worker.take_request().unwrap_or_else(|| {
        Box::new(Request::new(
            request.worker.clone(),
            request.connection.clone(),
            request.config.clone(),
            request.server.clone(),
        ))
    });
    let sub = &mut *made;
    sub.reset(&request.connection, &request.config, &request.server);
    sub.is_subrequest = true;
    sub.internal = true;
    sub.client = request.client.clone();
    sub.is_client_known = true;
    sub.head = request.head.clone();
    sub.buf.clone_from(&request.buf);
    let at = uri.iter().position(|byte| *byte == b'?');
    let (path, args) = at.map_or((uri, &b""[..]), |at| (&uri[..at], &uri[at + 1..]));
    sub.set_uri(path);
    sub.set_args(if at.is_some() { args } else { &request.args });
    sub.host.clone_from(&request.host);
    sub.host_port = request.host_port;
    sub.started = clock::now();
    sub.started_at = clock::wall();
    sub.id.set(request.id());
    sub.limit_req_status = request.limit_req_status;
    made
}

/// Answers it; what would be sent is not.
pub(crate) async fn run(sub: &mut Request, client: &mut Client) -> Result<(), Abort> {
    // Phases go into subrequests and not further, but the compiler cannot know.
    let outcome = Box::pin(phases::run(sub, client, Flow::Next)).await;
    if sub.location.core.log_subrequest {
        access_log::run(sub);
    }
    sub.limit_conn.release();
    outcome
}

/// Gives its memory back.
pub(crate) fn done(sub: Box<Request>) {
    let worker = sub.worker.clone();
    worker.give_request(sub);
}
