//! `stub_status`: a page of counters, and the same as variables.

use std::sync::atomic::{AtomicU64, Ordering};

use http_wire::Method;
use nginx_conf::{Kind, Param, Presence, Spec};

use super::phases::whole;
use super::var::Builtin;
use super::{Abort, Client, Flow, Handler, Request, conditions};
use crate::conf::contexts::{LOCATION, SERVER};
use crate::conf::{Apply, Row};

/// The table.
pub(crate) static ROWS: &[Row] = &[Row::new(
    Spec::new(
        "stub_status",
        &[SERVER, LOCATION],
        &[Param {
            name: "on",
            kind: Kind::Text,
            presence: Presence::Optional,
        }],
        "Answers with counters: connections, requests, and what they are doing.",
    ),
    Apply::Location(|location, _, _| {
        location.handler = Some(Handler::StubStatus);
        Ok(())
    }),
)];

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn put(out: &mut Vec<u8>, number: u64) -> bool {
    out.extend_from_slice(number.to_string().as_bytes());
    true
}

/// The table of variables.
pub(crate) static VARS: &[Builtin] = &[
    Builtin {
        name: "connections_active",
        get: |request, out| put(out, count(&request.worker.shared.counters.active)),
    },
    Builtin {
        name: "connections_reading",
        get: |request, out| put(out, count(&request.worker.shared.counters.reading)),
    },
    Builtin {
        name: "connections_writing",
        get: |request, out| put(out, count(&request.worker.shared.counters.writing)),
    },
    Builtin {
        name: "connections_waiting",
        get: |request, out| put(out, request.worker.shared.counters.waiting()),
    },
];

/// Answers with the page.
pub(crate) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Ok(Flow::Respond(405));
    }
    let counters = &request.worker.shared.counters;
    let accepted = count(&counters.accepted);
    let page = format!(
        "Active connections: {} \nserver accepts handled requests\n {accepted} {accepted} {} \nReading: {} Writing: {} Waiting: {} \n",
        count(&counters.active),
        count(&counters.requests),
        count(&counters.reading),
        count(&counters.writing),
        counters.waiting(),
    );
    request.response.status = 200;
    request.response.content_length = Some(page.len() as u64);
    request.response.set_content_type(b"text/plain");
    if let Some(status) = conditions::decide(request) {
        return Ok(Flow::Respond(status));
    }
    whole(request, client, page.as_bytes()).await?;
    Ok(Flow::Done)
}
