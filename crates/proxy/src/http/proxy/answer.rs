//! The head of a server's answer becomes the head of ours, or sends the request elsewhere.

use http_wire::{BodyFraming, Field, FieldName, ResponseHead, hop};

use super::super::{Flow, Request, Response, error_page};
use super::conf::{Conf, Redirect};
use super::cookie;
use super::ready::Ready;
use crate::conf::Severity;

/// Fields that an internal redirect of the server (`X-Accel-Redirect`) takes along.
const TAKEN_ALONG: [FieldName; 6] = [
    FieldName::ContentType,
    FieldName::SetCookie,
    FieldName::ContentDisposition,
    FieldName::CacheControl,
    FieldName::Expires,
    FieldName::AcceptRanges,
];

/// Fills the response. A flow where the answer is not what the client gets.
pub(super) fn take(
    request: &mut Request,
    conf: &Conf,
    ready: &Ready,
    framing: BodyFraming,
) -> Option<Flow> {
    let status = request.upstream.head.status();
    if let Some(flow) = redirect(request, conf) {
        return Some(flow);
    }
    if conf.intercepts_errors && status >= 300 && error_page::has(request, status) {
        return Some(intercept(request, status));
    }
    head(request);
    let upgraded = status == 101;
    let record = &request.upstream;
    let listed = !upgraded && hop::lists_fields(record.head.fields(), &record.buf);
    let wants_time = conf.forces_ranges || request.location.headers.wants_time();
    for index in 0..record.head.fields().as_slice().len() {
        let record = &request.upstream;
        let field = record.head.fields().as_slice()[index];
        if !passes(&record.head, &record.buf, &field, (conf, ready), listed) {
            continue;
        }
        let Request {
            response,
            upstream: record,
            ..
        } = &mut *request;
        let (name, value) = (field.name.of(&record.buf), field.value.of(&record.buf));
        match field.id {
            FieldName::ContentLength => response.content_length = content_length(framing, value),
            FieldName::ContentType => response.set_content_type(value),
            FieldName::LastModified if wants_time => last_modified(response, name, value),
            FieldName::Location | FieldName::Refresh => {
                rewritten_redirect(request, conf, ready, field);
            }
            FieldName::SetCookie if cookie::has_rules(conf) => {
                let rewritten =
                    cookie::rewrite(request, conf, field.value.of(&request.upstream.buf));
                request.response.push(b"Set-Cookie", &rewritten);
            }
            _ => response.push(name, value),
        }
    }
    accelerate(&mut request.response, conf, &request.upstream);
    None
}

/// Status and reason.
fn head(request: &mut Request) {
    let Request {
        response,
        upstream: record,
        ..
    } = request;
    response.clear_head();
    response.status = record.head.status();
    let reason = record.head.reason().of(&record.buf);
    if reason != b"OK" || response.status != 200 {
        response.reason.extend_from_slice(reason);
    }
}

/// Whether the client gets a field. `listed` says that Connection may list it.
pub(super) fn passes(
    head: &ResponseHead,
    buf: &[u8],
    field: &Field,
    (conf, ready): (&Conf, &Ready),
    listed: bool,
) -> bool {
    match field.id {
        FieldName::ContentLength => return true,
        FieldName::Upgrade => {}
        FieldName::Trailer if conf.passes_trailers => {}
        id if hop::is_hop_by_hop(id) => return false,
        _ => {}
    }
    let is_listed = listed && hop::is_listed(head.fields(), buf, field);
    !is_listed && !ready.hidden.has_field(field, buf)
}

/// `Location` and `Refresh`, after `proxy_redirect`. What was replaced may become absolute; what was not is passed as it is.
fn rewritten_redirect(request: &mut Request, conf: &Conf, ready: &Ready, field: Field) {
    let record = &request.upstream;
    let (name, value) = (field.name.of(&record.buf), field.value.of(&record.buf));
    let mut rewritten = value.to_vec();
    if field.id == FieldName::Refresh {
        if let Some(at) = after_url(value) {
            rewrite_redirect(request, conf, ready, &mut rewritten, at);
        }
        return request.response.push(b"Refresh", &rewritten);
    }
    if rewrite_redirect(request, conf, ready, &mut rewritten, 0) {
        request.response.location = rewritten;
    } else {
        let (response, name) = (&mut request.response, name.to_vec());
        response.push(&name, &rewritten);
    }
}

/// A time that would be written as it is, is taken as one, for `expires` and ranges; any other text is passed on.
fn last_modified(response: &mut Response, name: &[u8], value: &[u8]) {
    let time = http_wire::date::parse_date(value);
    let mut written = Vec::with_capacity(http_wire::date::DATE_LEN);
    http_wire::date::write_date(time.unwrap_or_default(), &mut written);
    match time.map(i64::try_from) {
        Some(Ok(time)) if written == value => response.last_modified = Some(time),
        _ => response.push(name, value),
    }
}

/// The length that the client is told: also where no body follows.
fn content_length(framing: BodyFraming, value: &[u8]) -> Option<u64> {
    match framing {
        BodyFraming::Length(len) => Some(len),
        BodyFraming::None => std::str::from_utf8(value).ok()?.parse().ok(),
        BodyFraming::Chunked | BodyFraming::UntilClose => None,
    }
}

/// What the server may say about how its answer is sent.
fn accelerate(response: &mut Response, conf: &Conf, record: &super::Record) {
    let rate = record.head.value(&record.buf, FieldName::XAccelLimitRate);
    if let Some(value) = rate.filter(|_| !conf.ignore.limit_rate) {
        let rate = std::str::from_utf8(value).ok();
        if let Some(rate) = rate.and_then(|rate| rate.parse().ok()) {
            response.rate = Some((rate, 0));
        }
    }
}

/// Whether the server lets the answer be buffered.
pub(super) fn buffers(request: &Request, conf: &Conf) -> bool {
    let record = &request.upstream;
    let said = record.head.value(&record.buf, FieldName::XAccelBuffering);
    match said.filter(|_| !conf.ignore.buffering) {
        Some(value) if value.eq_ignore_ascii_case(b"no") => false,
        Some(value) if value.eq_ignore_ascii_case(b"yes") => true,
        _ => conf.buffers_response,
    }
}

/// `X-Accel-Redirect`: another location answers.
fn redirect(request: &mut Request, conf: &Conf) -> Option<Flow> {
    if conf.ignore.redirect || request.is_subrequest {
        return None;
    }
    let record = &request.upstream;
    let target = record.head.value(&record.buf, FieldName::XAccelRedirect)?;
    let target = target.to_vec();
    request.response.clear_head();
    // The rate is for what is sent in the end.
    accelerate(&mut request.response, conf, record);
    for field in record.head.fields().as_slice() {
        if !TAKEN_ALONG.contains(&field.id) {
            continue;
        }
        let value = field.value.of(&record.buf);
        match field.id {
            FieldName::ContentType => request.response.set_content_type(value),
            _ => request.response.push(field.name.of(&record.buf), value),
        }
    }
    if target.first() == Some(&b'@') {
        let name = String::from_utf8_lossy(&target[1..]);
        return Some(Flow::Named(format!("@{name}").into()));
    }
    let mut uri = Vec::new();
    let Some(args) = http_wire::target::internal(&target, &mut uri) else {
        request.error(
            Severity::Error,
            format_args!("upstream sent an unsafe X-Accel-Redirect"),
        );
        return Some(Flow::Respond(404));
    };
    let args = args.to_vec();
    request.asks_anew();
    Some(Flow::Redirect { uri, args })
}

/// `proxy_intercept_errors`: our page takes the answer's place.
fn intercept(request: &mut Request, status: u16) -> Flow {
    request.response.clear_head();
    let record = &request.upstream;
    if status == 401 {
        for field in record.head.fields().find_all(FieldName::WwwAuthenticate) {
            let value = field.value.of(&record.buf);
            request.response.push(field.name.of(&record.buf), value);
        }
    }
    Flow::Respond(status)
}

/// Where the URL of a `Refresh` begins.
fn after_url(value: &[u8]) -> Option<usize> {
    let mut windows = value.windows(4);
    let at = windows.position(|window| window.eq_ignore_ascii_case(b"url="))?;
    Some(at + 4)
}

/// Applies `proxy_redirect` to what stands from `from` on; whether anything was replaced.
fn rewrite_redirect(
    request: &Request,
    conf: &Conf,
    ready: &Ready,
    value: &mut Vec<u8>,
    from: usize,
) -> bool {
    let usual = |value: &mut Vec<u8>| {
        let Some(usual) = &ready.redirect else {
            return false;
        };
        if !value[from..].starts_with(&usual.from) {
            return false;
        }
        value.splice(from..from + usual.from.len(), usual.to.iter().copied());
        true
    };
    if conf.redirects.is_empty() {
        return usual(value);
    }
    conf.redirects.iter().any(|rule| match rule {
        Redirect::Off => false,
        Redirect::Default => usual(value),
        Redirect::Rewrite(rewrite) => rewrite.apply(request, value, from),
    })
}
