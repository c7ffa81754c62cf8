//! `gzip`: responses are compressed for clients that can read them so.

mod encode;
mod rows;

use std::sync::Arc;

use http_wire::{FieldName, Version};

use super::{Request, Worker, keep_alive};
use crate::conf::List;
use crate::net::clock;
use crate::script::{Captures, Regex};

pub(crate) use encode::Encoder;
pub(crate) use rows::{ROWS, VARS};

/// Encoders that a worker keeps for the next response; 16 take 5 MiB.
const SPARE_MAX: usize = 16;

/// Values of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    enabled: bool,
    level: u32,
    len_min: u64,
    types: List<Box<[u8]>>,
    any_type: bool,
    vary: bool,
    since_http10: bool,
    proxied: Proxied,
    disable: List<Arc<Regex>>,
    disable_msie6: bool,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            enabled: false,
            level: 1,
            len_min: 20,
            types: List::default(),
            any_type: false,
            vary: false,
            since_http10: false,
            proxied: Proxied::default(),
            disable: List::default(),
            disable_msie6: false,
        }
    }
}

/// `gzip_proxied`: what is compressed for clients that come through a proxy (`Via`).
#[derive(Debug, Clone, Copy, Default)]
struct Proxied {
    any: bool,
    expired: bool,
    no_cache: bool,
    no_store: bool,
    private: bool,
    no_last_modified: bool,
    no_etag: bool,
    auth: bool,
}

/// Decides whether the response is compressed, and says so in its head.
pub(crate) fn decide(request: &mut Request) {
    if !request.location.gzip.enabled {
        return;
    }
    let location = request.location.clone();
    let conf = &location.gzip;
    if !fits(request, conf) {
        return;
    }
    if conf.vary {
        request.response.fields.push(b"Vary", b"Accept-Encoding");
    }
    if !may(request, conf) {
        return;
    }
    let response = &mut request.response;
    response.gzip_level = conf.level;
    response.fields.push(b"Content-Encoding", b"gzip");
    response.content_length = None;
    response.allow_ranges = false;
    response.fields.remove(b"accept-ranges");
    weaken_etag(request);
}

/// Whether it is a response that is compressed for anybody.
fn fits(request: &Request, conf: &Conf) -> bool {
    let response = &request.response;
    matches!(response.status, 200 | 403 | 404)
        && !request.is_subrequest
        && response
            .content_length
            .is_none_or(|len| len >= conf.len_min)
        && response
            .fields
            .find(b"content-encoding")
            .is_none_or(<[u8]>::is_empty)
        && has_type(&response.content_type, conf)
}

fn has_type(kind: &[u8], conf: &Conf) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    let kind = kind.trim_ascii();
    !kind.is_empty()
        && (conf.any_type
            || kind.eq_ignore_ascii_case(b"text/html")
            || conf
                .types
                .iter()
                .any(|known| kind.eq_ignore_ascii_case(known)))
}

/// Whether the client wants it and may have it.
fn may(request: &Request, conf: &Conf) -> bool {
    let accepts = request
        .value(FieldName::AcceptEncoding)
        .is_some_and(accepts);
    let version = request.version();
    if !accepts || version < Version::Http10 || (version < Version::Http11 && !conf.since_http10) {
        return false;
    }
    let agent = request.value(FieldName::UserAgent).unwrap_or_default();
    if conf.disable_msie6 && keep_alive::is_msie6(agent) {
        return false;
    }
    if request.value(FieldName::Via).is_some() && !may_by_proxy(request, conf.proxied) {
        return false;
    }
    let mut captures = Captures::default();
    !conf
        .disable
        .iter()
        .any(|regex| regex.captures(agent, &mut captures, |_, _| ()))
}

fn may_by_proxy(request: &Request, proxied: Proxied) -> bool {
    if proxied.any || (proxied.auth && request.value(FieldName::Authorization).is_some()) {
        return true;
    }
    let response = &request.response;
    if let Some(expires) = response.fields.find(b"expires") {
        let now = u64::try_from(clock::wall().0 / 1000).unwrap_or_default();
        let expires = http_wire::date::parse_date(expires);
        return proxied.expired && expires.is_some_and(|expires| expires < now);
    }
    if response.fields.has(b"cache-control") {
        let says = |wanted: &[u8]| {
            let mut values = response.fields.all(b"cache-control");
            values.any(|value| {
                let mut words = value.split(|byte| matches!(byte, b',' | b' ' | b'='));
                words.any(|word| word.eq_ignore_ascii_case(wanted))
            })
        };
        return (proxied.no_cache && says(b"no-cache"))
            || (proxied.no_store && says(b"no-store"))
            || (proxied.private && says(b"private"));
    }
    let known = (proxied.no_last_modified && response.last_modified.is_some())
        || (proxied.no_etag && response.fields.has(b"etag"));
    !known && (proxied.no_last_modified || proxied.no_etag)
}

/// Whether `Accept-Encoding` has gzip, with a weight that is not zero.
fn accepts(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|coding| {
        let mut parts = coding.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"gzip"));
        let is_zero = |part: &[u8]| {
            let weight = part
                .strip_prefix(b"q=")
                .or_else(|| part.strip_prefix(b"Q="));
            weight.is_some_and(|weight| {
                weight.first() == Some(&b'0')
                    && weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
            })
        };
        is_gzip && !parts.any(is_zero)
    })
}

/// The bytes are others than those of the tag's response, though they mean the same.
fn weaken_etag(request: &mut Request) {
    let fields = &mut request.response.fields;
    let Some(tag) = fields.find(b"etag").map(<[u8]>::to_vec) else {
        return;
    };
    if tag.starts_with(b"W/") {
        return;
    }
    fields.remove(b"etag");
    // What is no tag is not passed on beside a body that it does not belong to.
    if tag.starts_with(b"\"") {
        fields.push(b"ETag", &[b"W/", &tag[..]].concat());
    }
}

/// An encoder for one response.
pub(crate) fn encoder(worker: &Worker, level: u32) -> Box<Encoder> {
    let mut spare = worker.encoders.borrow_mut();
    match spare.iter().position(|encoder| encoder.level() == level) {
        Some(at) => {
            let mut encoder = spare.swap_remove(at);
            encoder.begin();
            encoder
        }
        None => Box::new(Encoder::new(level)),
    }
}

/// Takes it back.
pub(crate) fn give(worker: &Worker, encoder: Box<Encoder>) {
    let mut spare = worker.encoders.borrow_mut();
    if spare.len() < SPARE_MAX {
        spare.push(encoder);
    }
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn accept_encoding() {
        let check = |value: &str, wanted| assert_eq!(accepts(value.as_bytes()), wanted, "{value}");
        check("gzip", true);
        check("gzip, deflate", true);
        check("deflate,GZIP", true);
        check("gzip;q=0", false);
        check("gzip; q=0.000", false);
        check("gzip;q=0.001", true);
        check("gzip;q=1.0, identity;q=0", true);
        check("deflate", false);
        check("gzipx, x-gzip", false);
        check("*", false);
        check("", false);
    }
}
