//! Reading a request's head, and what is decided from it alone: server, path, framing.

use std::future::poll_fn;
use std::task::Poll;

use http_wire::{BadRequest, BodyFraming, FieldName, Limits, Method, Parsed};

use super::body::Framing;
use super::core::ServerConf;
use super::listen::Port;
use super::serve::Count;
use super::{Client, Flow, Request, ssl};
use crate::conf::Severity;
use crate::net::clock;

/// The connection ends without an answer: nothing was asked.
pub(crate) struct Nothing;

/// Reads a head into `request`. The flow is `Next`, or the answer to a request that is refused.
pub(crate) async fn run(
    client: &mut Client,
    request: &mut Request,
    port: &Port,
) -> Result<Flow, Nothing> {
    let parsed = read(client, request, &port.default.core).await?;
    let refused = match parsed {
        Ok(len) => {
            if request.buf.len() > len {
                client.ahead.grow(request.buf.len() - len);
                client.ahead.extend_from_slice(&request.buf[len..]);
            }
            request.buf.truncate(len);
            request.received = len as u64;
            accept(request, port)
        }
        Err(Refused::Bad(bad)) => Err(bad),
        Err(Refused::Late) => {
            request.error(Severity::Info, format_args!("client timed out"));
            return Ok(Flow::Respond(408));
        }
    };
    Ok(match refused {
        Ok(()) => match ssl::refused(request, port) {
            Some(status) => Flow::Respond(status),
            None => {
                let flow = target(request);
                if flow != Flow::Next {
                    request.keeps_alive = false;
                }
                flow
            }
        },
        Err(bad) => {
            request.error(
                Severity::Info,
                format_args!("{bad} while reading client request headers"),
            );
            Flow::Respond(bad.status())
        }
    })
}

enum Refused {
    Bad(BadRequest),
    Late,
}

/// Fills `request.buf` until the head in it is whole; gives its length.
async fn read(
    client: &mut Client,
    request: &mut Request,
    conf: &ServerConf,
) -> Result<Result<usize, Refused>, Nothing> {
    let (count, size) = conf.large_buffers;
    let limits = Limits {
        line_len_max: size,
        field_len_max: size,
        head_len_max: conf.header_buffer_size + count * size,
        fields_max: conf.headers_max,
        ignore_invalid_headers: conf.ignore_invalid_headers,
        underscores_in_headers: conf.underscores_in_headers,
        // nginx takes a line feed for the end of a line, and its users' scripts rely on that. No server behind us sees it: what
        // goes there is written anew.
        bare_lf: true,
    };
    request.head.clear();
    request.buf.clear();
    request.buf.extend_from_slice(&client.ahead);
    client.ahead.clear();
    request.started = clock::refresh();
    request.started_at = clock::wall();
    let mut is_timed = false;
    let mut reading = None;
    let outcome = loop {
        if !request.buf.is_empty() {
            // A connection that has sent nothing yet is one that waits.
            reading.get_or_insert_with(|| {
                Count::one(&request.worker, |worker| &worker.shared.counters.reading)
            });
            match request.head.parse(&request.buf, &limits) {
                Ok(Parsed::Complete { len }) => break Ok(Ok(len)),
                Ok(Parsed::Partial) => {}
                Err(bad) => break Ok(Err(Refused::Bad(bad))),
            }
        }
        reserve(
            &mut request.buf,
            conf.header_buffer_size,
            limits.head_len_max,
        );
        let buf = &mut request.buf;
        let read = poll_fn(|cx| match client.transport.poll_read_spare(cx, buf) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => {
                // The alarm is set only where something must be waited for, which a head seldom needs.
                if !is_timed {
                    is_timed = true;
                    client.alarm.set(conf.header_timeout);
                }
                client.alarm.poll_elapsed(cx).map(|()| None)
            }
        });
        let has_begun = |request: &Request| request.head.has_begun(&request.buf);
        match read.await {
            Some(Ok(0) | Err(_)) => break Err(Nothing),
            Some(Ok(_)) => {}
            None if has_begun(request) => break Ok(Err(Refused::Late)),
            None => break Err(Nothing),
        }
    };
    if is_timed {
        client.alarm.clear();
    }
    outcome
}

/// Makes room for more of a head: what most need at first, then twice as much.
fn reserve(buf: &mut Vec<u8>, first: usize, max: usize) {
    if buf.len() == buf.capacity() {
        let wanted = (buf.len() * 2).clamp(first.min(max), max);
        // One byte more than allowed lets the parser see that there is too much.
        buf.reserve_exact(wanted.saturating_sub(buf.len()).max(1));
    }
}

/// What a whole head says about the connection and the body.
fn accept(request: &mut Request, port: &Port) -> Result<(), BadRequest> {
    choose_server(request, port);
    let framing = http_wire::request_framing(&request.head, &request.buf)?;
    request.body.begin(match framing {
        BodyFraming::None | BodyFraming::UntilClose => Framing::None,
        BodyFraming::Length(len) => Framing::Length(len),
        BodyFraming::Chunked => Framing::Chunked,
    });
    request.keeps_alive = http_wire::request_keeps_alive(&request.head, &request.buf);
    let expects = request.value(FieldName::Expect);
    let expects = expects.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
    let is_new = request.version() == http_wire::Version::Http11;
    request.expects_continue.set(expects && is_new);
    Ok(())
}

fn choose_server(request: &mut Request, port: &Port) {
    let has_host = match request.head.host(&request.buf) {
        Some(host) => {
            request.host_port = host.port;
            host.write_lower(&mut request.host);
            true
        }
        None => false,
    };
    // Without a host it is a server with an empty name, if one has it.
    if port.has_choice {
        let slots = &request.slots;
        let mut assign = |id, value: &[u8]| slots.set(id, value);
        let captures = request.captures.get_mut();
        if let Some(server) = port.names.find(&request.host, captures, &mut assign) {
            let server = server.clone();
            return request.set_server(&server);
        }
    }
    if !has_host {
        let asked = request.connection.tls.as_ref();
        let asked = asked.and_then(|info| info.server_name.as_deref());
        if let Some(server) = ssl::named(port, asked) {
            request.set_server(&server.clone());
        }
    }
}

/// Brings the path to its normal form, and refuses the methods that are for others.
fn target(request: &mut Request) -> Flow {
    match request.method() {
        Method::Trace => {
            request.error(Severity::Info, format_args!("client sent TRACE method"));
            return Flow::Respond(405);
        }
        Method::Connect => {
            request.error(Severity::Info, format_args!("client sent CONNECT method"));
            return Flow::Respond(405);
        }
        _ => {}
    }
    let span = request.head.path_and_query();
    let raw = span.of(&request.buf);
    let merge = request.server.core.merge_slashes;
    match http_wire::target::normalise(raw, merge, &mut request.uri) {
        Ok(normal) => {
            request.args.extend_from_slice(&raw[normal.args]);
            request.is_uri_normalised = normal.changed;
            Flow::Next
        }
        Err(bad) => {
            request.error(
                Severity::Info,
                format_args!("client sent invalid request: {bad}"),
            );
            Flow::Respond(400)
        }
    }
}
