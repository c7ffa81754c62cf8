//! What happens to a request between its head and its line in the log, in nginx's fixed order.
//!
//! Real address, the server's rewrites, the location, its rewrites, limits, access control, `try_files`, content. A rewrite
//! and an internal redirect go back to the location; an error goes to its page. All of that is bounded
//! ([`REDIRECTS_MAX`](super::request::REDIRECTS_MAX)).

mod content;
mod guard;
mod place;

use super::error_page::Found;
use super::{
    Abort, Client, Flow, Request, conditions, error_page, files, limit_conn, limit_req, mirror,
    realip,
};
use crate::conf::Severity;

pub(crate) use guard::Verdict;

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
    if entry == Entry::Beginning {
        realip::run(request);
    }
    let flow = place::run(request, client, entry).await?;
    if flow != Flow::Next {
        return Ok(flow);
    }
    realip::run(request);
    let flow = limit_req::run(request, client).await?;
    if flow != Flow::Next {
        return Ok(flow);
    }
    let flow = limit_conn::run(request);
    if flow != Flow::Next {
        return Ok(flow);
    }
    let flow = guard::run(request, client).await?;
    if flow != Flow::Next {
        return Ok(flow);
    }
    let flow = files::try_files(request);
    if flow != Flow::Next {
        return Ok(flow);
    }
    mirror::run(request, client).await?;
    content::run(request, client).await
}

/// Sends the request elsewhere, as if the client had asked for it.
fn redirect(request: &mut Request, uri: &[u8], args: &[u8]) -> Flow {
    if !take_turn(request) {
        return Flow::Respond(500);
    }
    request.set_uri(uri);
    request.set_args(args);
    request.internal = true;
    request.adds_uri_to_alias = false;
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
    let status = match error_page::find(request, status) {
        Found::Elsewhere(flow) => return Ok(flow),
        Found::Here(status) => status,
    };
    // As nginx has it: the last status is the one that counts, whatever page failed.
    request.error_status = error_page::outward(status);
    let response = &mut request.response;
    response.status = request.error_status;
    response.reason.clear();
    response.content_type.clear();
    response.last_modified = None;
    response.parts.clear();
    response.fields.remove(b"etag");
    response.fields.remove(b"accept-ranges");
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

/// Answers with a text of the configuration; its type is that of the URI's ending.
async fn text(
    request: &mut Request,
    client: &mut Client,
    status: u16,
    body: &[u8],
) -> Result<Flow, Abort> {
    if !client.discard_ahead(request) {
        return Ok(Flow::Respond(400));
    }
    request.response.status = status;
    request.response.content_length = Some(body.len() as u64);
    request.set_type_of_uri();
    if let Some(status) = conditions::decide(request) {
        return Ok(Flow::Respond(status));
    }
    whole(request, client, body).await.map(|()| Flow::Done)
}
