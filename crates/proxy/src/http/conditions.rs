//! What a request says of the copy that its client has: `If-Match` and its kin, and ranges.
//!
//! [`decide`] belongs between a response that is described and [`Client::send_head`](super::Client). As in nginx, what
//! `add_header` changes counts for ranges and not for conditions.

mod range;

use http_wire::FieldName;
use http_wire::date::parse_date;

use super::Request;
use super::files::Since;

pub(crate) use range::Parts;

/// Makes the response 304 or 206 where the request wants that; `Some` with the status where it fails instead (412, 416).
pub(crate) fn decide(request: &mut Request) -> Option<u16> {
    if request.response.status != 200 || request.is_subrequest {
        return None;
    }
    if request.error_status == 0 {
        if fails(request) {
            return Some(412);
        }
        if is_known(request) {
            let response = &mut request.response;
            response.status = 304;
            response.reason.clear();
            response.content_type.clear();
            response.content_length = None;
            response.allow_ranges = false;
            response.fields.remove(b"accept-ranges");
            response.fields.remove(b"content-encoding");
            return None;
        }
    }
    super::headers::run_once(request);
    let max = request.location.files.ranges_max;
    range::decide(request, max)
}

/// The same for a body that cannot be read again: one range, whose start is given back (0 for the whole); no conditions, which
/// are the server's to ask. `Err` with the status where there is no such range.
pub(crate) fn one_range(request: &mut Request) -> Result<u64, u16> {
    super::headers::run_once(request);
    if request.response.status != 200 || request.is_subrequest {
        return Ok(0);
    }
    request.response.allow_ranges |= request.response.gzip_level == 0;
    let max = request.location.files.ranges_max.unwrap_or(1).min(1);
    if let Some(status) = range::decide(request, Some(max)) {
        return Err(status);
    }
    let parts = &request.response.parts.list;
    Ok(parts.first().map_or(0, |part| part.bytes.start))
}

/// Whether a condition that must hold does not.
fn fails(request: &Request) -> bool {
    let changed = request.response.last_modified;
    if let Some(time) = request.value(FieldName::IfUnmodifiedSince) {
        match (time_of(time), changed) {
            (Some(time), Some(changed)) if time >= changed => {}
            _ => return true,
        }
    }
    let tags = request.value(FieldName::IfMatch);
    tags.is_some_and(|tags| !matches(tags, request.response.fields.find(b"etag"), false))
}

/// Whether the client has the response already.
fn is_known(request: &Request) -> bool {
    let since = request.value(FieldName::IfModifiedSince);
    let tags = request.value(FieldName::IfNoneMatch);
    if since.is_none() && tags.is_none() {
        return false;
    }
    if since.is_some_and(|since| is_modified(request, since)) {
        return false;
    }
    tags.is_none_or(|tags| matches(tags, request.response.fields.find(b"etag"), true))
}

fn is_modified(request: &Request, since: &[u8]) -> bool {
    let Some(changed) = request.response.last_modified else {
        return true;
    };
    let Some(since) = time_of(since) else {
        return true;
    };
    match request.location.files.since {
        Since::Off => true,
        Since::Exact => since != changed,
        Since::Before => since < changed,
    }
}

pub(super) fn time_of(text: &[u8]) -> Option<i64> {
    parse_date(text).and_then(|seconds| i64::try_from(seconds).ok())
}

/// Whether a list of entity tags has `tag`. Weak tags are as good as strong ones where `weak`.
fn matches(list: &[u8], tag: Option<&[u8]>, weak: bool) -> bool {
    if list == b"*" {
        return true;
    }
    let Some(tag) = tag else {
        return false;
    };
    let bare = |tag: &'_ [u8]| -> usize {
        if weak && tag.len() > 2 && tag.starts_with(b"W/") {
            2
        } else {
            0
        }
    };
    let tag = &tag[bare(tag)..];
    // A tag may have a comma in it, so the list is read from where a tag can begin.
    let mut rest = list;
    loop {
        rest = rest.trim_ascii_start();
        let from = &rest[bare(rest)..];
        if let Some(after) = from.strip_prefix(tag) {
            let after = after.trim_ascii_start();
            if after.is_empty() || after.first() == Some(&b',') {
                return true;
            }
        }
        match rest.iter().position(|byte| *byte == b',') {
            Some(at) => rest = &rest[at + 1..],
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn lists_of_tags() {
        let check = |list: &str, tag: Option<&str>, weak, wanted| {
            let got = matches(list.as_bytes(), tag.map(str::as_bytes), weak);
            assert_eq!(got, wanted, "{list} {tag:?} {weak}");
        };
        check("*", None, false, true);
        check("\"a\"", None, false, false);
        check("\"a\"", Some("\"a\""), false, true);
        check("\"b\", \"a\"", Some("\"a\""), false, true);
        check("\"b\",, ,\"a\" ,\"c\"", Some("\"a\""), false, true);
        check("\"ab\"", Some("\"a\""), false, false);
        check("W/\"a\"", Some("\"a\""), false, false);
        check("W/\"a\"", Some("\"a\""), true, true);
        check("\"x\", W/\"a\"", Some("W/\"a\""), true, true);
        check("\"a\"x", Some("\"a\""), true, false);
        check("", Some("\"a\""), true, false);
    }
}
