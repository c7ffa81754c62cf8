//! The head of a server's answer becomes the head of ours, or sends the request elsewhere.

use http_wire::{BodyFraming, FieldName, hop};

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
    let mut response = std::mem::take(&mut request.response);
    fill(&mut response, request, conf, ready, framing);
    request.response = response;
    None
}

/// The same, with the response beside the request.
fn fill(
    response: &mut Response,
    request: &Request,
    conf: &Conf,
    ready: &Ready,
    framing: BodyFraming,
) {
    let record = &request.upstream;
    let status = record.head.status();
    response.clear_head();
    response.status = status;
    let reason = record.head.reason().of(&record.buf);
    if reason != b"OK" || status != 200 {
        response.reason.extend_from_slice(reason);
    }
    let upgraded = status == 101;
    let listed = !upgraded && hop::lists_fields(record.head.fields(), &record.buf);
    for field in record.head.fields().as_slice() {
        let value = field.value.of(&record.buf);
        match field.id {
            FieldName::ContentLength => {
                response.content_length = content_length(framing, value);
                continue;
            }
            FieldName::Upgrade => {}
            FieldName::Trailer if conf.passes_trailers => {}
            id if hop::is_hop_by_hop(id) => continue,
            _ => {}
        }
        let is_listed = listed && hop::is_listed(record.head.fields(), &record.buf, field);
        if is_listed || ready.hidden.has_field(field, &record.buf) {
            continue;
        }
        match field.id {
            FieldName::ContentType => response.set_content_type(value),
            FieldName::LastModified => last_modified(response, field.name.of(&record.buf), value),
            FieldName::Location => {
                let mut rewritten = value.to_vec();
                if rewrite_redirect(request, conf, ready, &mut rewritten, 0) {
                    response.location = rewritten;
                } else {
                    response.push(field.name.of(&record.buf), value);
                }
            }
            FieldName::Refresh => {
                let mut rewritten = value.to_vec();
                if let Some(at) = after_url(value) {
                    rewrite_redirect(request, conf, ready, &mut rewritten, at);
                }
                response.push(field.name.of(&record.buf), &rewritten);
            }
            FieldName::SetCookie if cookie::has_rules(conf) => {
                let rewritten = cookie::rewrite(request, conf, value);
                response.push(field.name.of(&record.buf), &rewritten);
            }
            _ => response.push(field.name.of(&record.buf), value),
        }
    }
    accelerate(response, conf, record);
}

/// A time that would be written as it is, is taken as one, for conditions; any other text is passed on.
fn last_modified(response: &mut Response, name: &[u8], value: &[u8]) {
    let Some(time) = http_wire::date::parse_date(value) else {
        return response.push(name, value);
    };
    let mut written = Vec::with_capacity(http_wire::date::DATE_LEN);
    http_wire::date::write_date(time, &mut written);
    match i64::try_from(time) {
        Ok(time) if written == value => response.last_modified = Some(time),
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
