//! The console's HTTP server.

use bytes::Bytes;
use console::{Answer, Api, BODY_BYTES_MAX, Head, Source, respond};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, ORIGIN, WWW_AUTHENTICATE,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// What is served: health and metrics from the start on, the API when the data has been recovered.
pub(crate) struct Console {
    source: Arc<dyn Source>,
    // The console must not keep the catalog when everybody else has let it go.
    api: OnceLock<Weak<Api>>,
}

impl Console {
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            api: OnceLock::new(),
        }
    }

    /// Serves the API for as long as somebody else keeps it.
    pub(crate) fn open(&self, api: &Arc<Api>) {
        // A node becomes ready once.
        let _ = self.api.set(Arc::downgrade(api));
    }
}

/// Serves one connection until the client closes it; after `stop` until its request is answered.
pub(crate) async fn serve(socket: TcpStream, console: Arc<Console>, stop: CancellationToken) {
    let peer = socket.peer_addr().ok();
    let service = service_fn(move |request| {
        let console = console.clone();
        async move { Ok::<_, Infallible>(response(answer(request, &console, peer).await)) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(?peer, %error, "a console connection ended");
    }
}

async fn answer(request: Request<Incoming>, console: &Console, peer: Option<SocketAddr>) -> Answer {
    if Api::serves(request.uri().path()) {
        return manage(request, console, peer).await;
    }
    if request.method() == Method::GET || request.method() == Method::HEAD {
        respond(request.uri().path(), &*console.source)
    } else {
        Answer::refusal(
            405,
            "method_not_allowed",
            "only GET and HEAD are answered here",
        )
    }
}

async fn manage(request: Request<Incoming>, console: &Console, peer: Option<SocketAddr>) -> Answer {
    let Some(api) = console.api.get().and_then(Weak::upgrade) else {
        return Answer::refusal(
            503,
            "service_unavailable",
            "the node is starting or stopping",
        );
    };
    let Some(head) = head(&request, peer) else {
        return Answer::refusal(405, "method_not_allowed", "this method means nothing here");
    };
    if is_foreign(&request) {
        // A page of another site may make a browser send what its user has the password for.
        return Answer::refusal(
            403,
            "forbidden",
            "the request comes from another site's page",
        );
    }
    let caller = match api.login(&head).await {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => api.answer(&caller, &head, &body.to_bytes()).await,
        Ok(Err(error)) => Answer::refusal(413, "body_not_read", &error.to_string()),
        Err(_) => Answer::refusal(408, "timeout", "the request's body did not come in time"),
    }
}

fn head(request: &Request<Incoming>, peer: Option<SocketAddr>) -> Option<Head> {
    let method = match *request.method() {
        Method::GET | Method::HEAD => console::Method::Get,
        Method::PUT => console::Method::Put,
        Method::POST => console::Method::Post,
        Method::DELETE => console::Method::Delete,
        _ => return None,
    };
    Some(Head {
        method,
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        authorization: header(request, &AUTHORIZATION).map(str::to_owned),
        loopback: peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()),
    })
}

fn header<'a>(request: &'a Request<Incoming>, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// Whether a browser says that another site's page made it ask.
fn is_foreign(request: &Request<Incoming>) -> bool {
    let Some(origin) = header(request, &ORIGIN) else {
        return false;
    };
    let site = origin.split_once("://").map(|(_, site)| site);
    site.is_none() || site != header(request, &HOST)
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(location) = answer
        .location
        .and_then(|to| HeaderValue::from_str(&to).ok())
    {
        headers.insert(LOCATION, location);
    }
    if answer.challenge {
        let challenge = HeaderValue::from_static("Basic realm=\"Mainstay\"");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
