//! Who may ask: every kind of access control, joined by `satisfy`.

use super::super::core::Satisfy;
use super::super::{Abort, Client, Flow, Request, access, auth_basic, auth_request};
use crate::conf::Severity;

/// What one kind of access control says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has no rule for the request.
    Silent,
    /// It lets the request in.
    Allows,
    /// It refuses with 401 or 403, which another kind may overrule.
    Denies(u16),
    /// The request ends so, whatever others say.
    Ends(u16),
}

/// Asks all kinds in nginx's order. A subrequest's own request was let in already.
pub(super) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    if request.is_subrequest {
        return Ok(Flow::Next);
    }
    let flow = ask(request, client).await?;
    let delay = request.location.core.auth_delay;
    if flow == Flow::Respond(401) && !delay.is_zero() {
        request.error(
            Severity::Info,
            format_args!("delaying unauthorized request"),
        );
        client.pause(request, delay).await?;
    }
    Ok(flow)
}

async fn ask(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    let mut gate = Gate {
        any: request.location.core.satisfy == Satisfy::Any,
        denied: 0,
    };
    if let Some(flow) = gate.hears(request, access::run(request)) {
        return Ok(flow);
    }
    let verdict = auth_basic::run(request).await;
    if let Some(flow) = gate.hears(request, verdict) {
        return Ok(flow);
    }
    let verdict = auth_request::run(request, client).await?;
    if let Some(flow) = gate.hears(request, verdict) {
        return Ok(flow);
    }
    Ok(gate.end(request))
}

struct Gate {
    any: bool,
    /// What the request ends with unless somebody lets it in.
    denied: u16,
}

impl Gate {
    /// `Some` once it is decided.
    fn hears(&mut self, request: &mut Request, verdict: Verdict) -> Option<Flow> {
        match verdict {
            Verdict::Silent => None,
            Verdict::Allows if self.any => {
                request.response.fields.remove(b"www-authenticate");
                Some(Flow::Next)
            }
            Verdict::Allows => None,
            Verdict::Denies(status) if self.any => {
                // A client that may still prove who it is is told how.
                if self.denied != 401 {
                    self.denied = status;
                }
                None
            }
            Verdict::Denies(status) => Some(refused(request, status)),
            Verdict::Ends(status) => Some(Flow::Respond(status)),
        }
    }

    fn end(self, request: &Request) -> Flow {
        match self.denied {
            0 => Flow::Next,
            status => refused(request, status),
        }
    }
}

fn refused(request: &Request, status: u16) -> Flow {
    if status == 403 {
        request.error(Severity::Error, format_args!("access forbidden by rule"));
    }
    Flow::Respond(status)
}
