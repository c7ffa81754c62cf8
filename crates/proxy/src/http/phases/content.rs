//! What answers a request once it may be answered.

use super::super::{Abort, Client, Flow, Request};

/// Hands the request to what the location answers with.
pub(super) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    let location = request.location.clone();
    let _ = client;
    match &location.handler {
        // A line per handler.
        Some(_) | None => Ok(Flow::Respond(404)),
    }
}
