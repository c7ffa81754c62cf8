//! What answers a request once it may be answered.

use super::super::{Abort, Client, Flow, Handler, Request, proxy};

/// Hands the request to what the location answers with.
pub(super) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    match request.location.handler.clone() {
        Some(Handler::Proxy(pass)) => proxy::run(request, client, &pass).await,
        None => Ok(Flow::Respond(404)),
    }
}
