//! What happens to a request between its head and its line in the log, in nginx's fixed order.
//!
//! Real address, the server's rewrites, the location, its rewrites, limits, access control, `try_files`, content. A rewrite
//! and an internal redirect go back to the location; an error goes to its page. All of that is bounded
//! ([`REDIRECTS_MAX`](super::request::REDIRECTS_MAX)).

use std::sync::Arc;

use http_wire::Method;

use super::body::Framing;
use super::route::Found;
use super::{Abort, Client, Flow, Handler, Location, Request, error_page, proxy};
use crate::conf::Severity;

/// Answers a request. `first` is how reading its head ended.
pub(crate) async fn run(
    request: &mut Request,
    client: &mut Client,
    first: Flow,
) -> Result<(), Abort> {
    let mut flow = first;
    let mut entry = Entry::Beginning;
    loop {
        flow = match flow {
            Flow::Done => return Ok(()),
            Flow::Next => match pass(request, client, entry).await {
                Ok(flow) => flow,
                Err(Abort::Respond(_)) if request.response.is_head_sent => return Err(Abort::Cut),
                Err(Abort::Respond(status)) => Flow::Respond(status),
                Err(abort) => return Err(abort),
            },
            Flow::Respond(status) => respond(request, client, status).await?,
            Flow::Redirect { uri, args } => {
                entry = Entry::Redirect;
                redirect(request, &uri, &args)
            }
            Flow::Named(name) => {
                entry = Entry::Named;
                named(request, &name)
            }
        };
    }
}

/// Where a pass through the phases begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Beginning,
    /// At the server's rewrites, after an internal redirect.
    Redirect,
    /// At the rewrites of the location, which is known.
    Named,
}

/// One pass; `Next` never comes out of it.
async fn pass(request: &mut Request, client: &mut Client, entry: Entry) -> Result<Flow, Abort> {
    let flow = place(request, entry);
    if flow != Flow::Next {
        return Ok(flow);
    }
    content(request, client).await
}

/// Finds the location, rewrites included.
fn place(request: &mut Request, entry: Entry) -> Flow {
    if entry != Entry::Named {
        let flow = find(request);
        if flow != Flow::Next {
            return flow;
        }
    }
    Flow::Next
}

/// The location of the URI, and what it says of requests at sight.
fn find(request: &mut Request) -> Flow {
    let root = request.server.root.clone();
    let slots = &request.slots;
    let mut assign = |id, value: &[u8]| slots.set(id, value);
    let captures = request.captures.get_mut();
    let found = root.locations.find(&request.uri, captures, &mut assign);
    let location = match found {
        None => root,
        Some(Found::Location(location)) => location,
        Some(Found::Slash(location)) => {
            request.location = location;
            return slash(request);
        }
    };
    request.location = location;
    request.is_prefix_valid = true;
    if request.location.core.internal && !request.internal {
        return Flow::Respond(404);
    }
    limit_body(request)
}

/// Tells the client to ask for the URI with a slash behind it.
fn slash(request: &mut Request) -> Flow {
    let mut location = request.uri.clone();
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

/// What the location answers with.
async fn content(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    except(request);
    match request.location.handler.clone() {
        Some(Handler::Proxy(pass)) => proxy::run(request, client, &pass).await,
        None => Ok(Flow::Respond(404)),
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

/// Sends the request elsewhere, as if the client had asked for it.
fn redirect(request: &mut Request, uri: &[u8], args: &[u8]) -> Flow {
    if !take_turn(request) {
        return Flow::Respond(500);
    }
    request.set_uri(uri);
    request.set_args(args);
    request.internal = true;
    let server = request.server.clone();
    request.set_server(&server);
    Flow::Next
}

fn named(request: &mut Request, name: &str) -> Flow {
    if !take_turn(request) {
        return Flow::Respond(500);
    }
    let Some(location) = request.server.root.locations.named(name).cloned() else {
        request.error(
            Severity::Error,
            format_args!("could not find named location \"{name}\""),
        );
        return Flow::Respond(500);
    };
    request.internal = true;
    request.location = location;
    Flow::Next
}

fn take_turn(request: &mut Request) -> bool {
    match request.redirects_left.checked_sub(1) {
        Some(left) => {
            request.redirects_left = left;
            true
        }
        None => {
            request.error(
                Severity::Error,
                format_args!("rewrite or internal redirection cycle"),
            );
            false
        }
    }
}

/// Statuses after which the connection is closed: the client's next bytes may be anything.
fn ends_connection(status: u16) -> bool {
    matches!(status, 400 | 408 | 413 | 414 | 494..=497 | 500 | 501 | 505)
}

/// Answers with a status: by the page that the configuration has for it, or by ours.
async fn respond(request: &mut Request, client: &mut Client, status: u16) -> Result<Flow, Abort> {
    if status == 444 {
        request.response.status = 444;
        return Err(Abort::Cut);
    }
    if request.response.is_head_sent {
        return Err(Abort::Cut);
    }
    if ends_connection(status) {
        request.keeps_alive = false;
    }
    if let Some(flow) = error_page::find(request, status) {
        return Ok(flow);
    }
    let response = &mut request.response;
    response.status = match request.error_status {
        0 => error_page::outward(status),
        wanted if request.in_error_page => wanted,
        _ => error_page::outward(status),
    };
    response.reason.clear();
    response.content_type.clear();
    response.last_modified = None;
    let mut page = std::mem::take(&mut request.scratch);
    page.clear();
    error_page::page(request, status, &mut page);
    request.response.content_length = Some(page.len() as u64);
    if !page.is_empty() {
        request.response.set_content_type(b"text/html");
    }
    let sent = whole(request, client, &page).await;
    request.scratch = page;
    sent.map(|()| Flow::Done)
}

/// Sends a response whose body is there.
pub(crate) async fn whole(
    request: &mut Request,
    client: &mut Client,
    body: &[u8],
) -> Result<(), Abort> {
    client.send_head(request);
    client.send_body(request, body, true).await?;
    client.finish(request).await
}
