//! What answers a request once it may be answered.

use super::super::{Abort, Client, Flow, Handler, Request, autoindex, files, proxy, stub_status};

/// Hands the request to what the location answers with; files answer where nothing else does.
pub(super) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    match request.location.handler.clone() {
        Some(Handler::Proxy(pass)) => proxy::run(request, client, &pass).await,
        Some(Handler::StubStatus) => stub_status::run(request, client).await,
        None if request.lost_handler => Ok(Flow::Respond(500)),
        None => {
            let flow = files::index(request);
            if flow != Flow::Next {
                return Ok(flow);
            }
            let flow = autoindex::run(request, client).await?;
            if flow != Flow::Next {
                return Ok(flow);
            }
            files::send(request, client).await
        }
    }
}
