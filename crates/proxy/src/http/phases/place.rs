//! Where a request belongs: the server's rewrites, the location of its URI, that location's rewrites, and again.

use std::sync::Arc;

use http_wire::Method;
use http_wire::escape::{EscapeSet, escape};

use super::super::body::Framing;
use super::super::keep_alive;
use super::super::rewrite::{self, Ran};
use super::super::route::Found;
use super::super::{Abort, Client, Flow, Location, Request};
use super::{Entry, take_turn, text};
use crate::conf::Severity;

/// Finds the location, rewrites included.
pub(super) async fn run(
    request: &mut Request,
    client: &mut Client,
    entry: Entry,
) -> Result<Flow, Abort> {
    if entry == Entry::Named {
        except(request);
        keep_alive::decide(request);
        match rewritten(request, client).await? {
            Some(Flow::Next) => {}
            Some(flow) => return Ok(flow),
            None => return Ok(Flow::Next),
        }
    } else {
        // The server's own level holds until a location is found.
        match rewritten(request, client).await? {
            None | Some(Flow::Next) => {}
            Some(flow) => return Ok(flow),
        }
    }
    loop {
        match find(request) {
            Flow::Next => {}
            flow => return Ok(flow),
        }
        // What no location takes stays with the server, whose rewrites were run already.
        if Arc::ptr_eq(&request.location, &request.server.root) {
            return Ok(Flow::Next);
        }
        match rewritten(request, client).await? {
            None => return Ok(Flow::Next),
            Some(Flow::Next) => {}
            Some(flow) => return Ok(flow),
        }
    }
}

/// Runs the rewrites of the request's level: `None` where the URI stays with it, `Next` where it is to be found again.
async fn rewritten(request: &mut Request, client: &mut Client) -> Result<Option<Flow>, Abort> {
    // Counted pointers are cloned only where that is needed: all workers share the counts.
    if request.location.program.is_empty() {
        return Ok(None);
    }
    let at = request.location.clone();
    match rewrite::run(request, &at) {
        Ran::End => Ok(None),
        // A change by the server's rewrites costs no turn: the location is found for the first time.
        Ran::Changed if Arc::ptr_eq(&at, &request.server.root) => Ok(Some(Flow::Next)),
        Ran::Changed if take_turn(request) => {
            let root = request.server.root.clone();
            request.location = root;
            Ok(Some(Flow::Next))
        }
        Ran::Changed => Ok(Some(Flow::Respond(500))),
        Ran::Flow(flow) => Ok(Some(flow)),
        Ran::Text(status, body) => text(request, client, status, &body).await.map(Some),
    }
}

/// The location of the URI, and what it says of requests at sight.
fn find(request: &mut Request) -> Flow {
    let slots = &request.slots;
    let mut assign = |id, value: &[u8]| slots.set(id, value);
    let captures = request.captures.get_mut();
    let locations = &request.server.root.locations;
    let location = match locations.find(&request.uri, captures, &mut assign) {
        None => request.server.root.clone(),
        Some(Found::Location(location)) => location,
        Some(Found::Slash(location)) => {
            request.location = location;
            return slash(request);
        }
    };
    request.location = location;
    request.is_prefix_valid = true;
    request.lost_handler = false;
    if request.location.core.internal && !request.internal {
        return Flow::Respond(404);
    }
    except(request);
    keep_alive::decide(request);
    limit_body(request)
}

/// Tells the client to ask for the URI with a slash behind it.
fn slash(request: &mut Request) -> Flow {
    let mut location = Vec::with_capacity(request.uri.len() + request.args.len() + 2);
    escape(&request.uri, EscapeSet::Uri, &mut location);
    location.push(b'/');
    if !request.args.is_empty() {
        location.push(b'?');
        location.extend_from_slice(&request.args);
    }
    request.response.location = location;
    Flow::Respond(301)
}

fn limit_body(request: &mut Request) -> Flow {
    let max = request.location.core.body_len_max;
    match request.body.framing {
        Framing::Length(len) if max > 0 && len > max => {
            request.error(
                Severity::Error,
                format_args!("client intended to send too large body: {len} bytes"),
            );
            Flow::Respond(413)
        }
        _ => Flow::Next,
    }
}

/// `limit_except`: other methods are at another place.
fn except(request: &mut Request) {
    let Some((methods, other)) = &request.location.limit_except else {
        return;
    };
    let name = request.method_name();
    let listed = methods.iter().any(|method| {
        method.as_bytes().eq_ignore_ascii_case(name)
            || (request.method() == Method::Head && method.eq_ignore_ascii_case("GET"))
    });
    if !listed {
        let other: Arc<Location> = other.clone();
        request.location = other;
    }
}
