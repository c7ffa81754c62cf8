//! Ranges of a response: which bytes a request wants, and how they are announced.

use std::io::Write;
use std::ops::Range;

use http_wire::FieldName;

use super::time_of;
use crate::http::{Request, Response};

/// The pieces that are sent in place of the whole body.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// In the order of the request; none for the whole.
    pub(crate) list: Vec<Part>,
    /// What follows the last one.
    pub(crate) tail: Vec<u8>,
}

/// A piece of the body.
#[derive(Debug)]
pub(crate) struct Part {
    /// What goes before it.
    pub(crate) head: Vec<u8>,
    pub(crate) bytes: Range<u64>,
}

impl Parts {
    /// Whether the whole body is sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.tail.clear();
    }
}

/// What a `Range` comes to.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Ranges(Vec<Range<u64>>),
    /// 416
    Nothing,
}

/// Makes the response 206 where the request asks for ranges; `Some` with 416 where none of them is there.
pub(super) fn decide(request: &mut Request, max: Option<u64>) -> Option<u16> {
    let len = request.response.content_length?;
    if !request.response.allow_ranges || max == Some(0) {
        return None;
    }
    let wanted = match request.value(FieldName::Range) {
        Some(value) if is_valid(request) => parse(value, len, max),
        _ => Wanted::Whole,
    };
    let response = &mut request.response;
    match wanted {
        Wanted::Whole => {
            response.fields.set(b"Accept-Ranges", b"bytes");
            None
        }
        Wanted::Nothing => {
            response
                .fields
                .set(b"Content-Range", format!("bytes */{len}").as_bytes());
            response.content_length = None;
            Some(416)
        }
        Wanted::Ranges(ranges) => {
            response.status = 206;
            response.reason.clear();
            match ranges.as_slice() {
                [one] => single(response, one.clone(), len),
                _ => {
                    let boundary = request.worker.random();
                    multiple(&mut request.response, ranges, len, boundary);
                }
            }
            None
        }
    }
}

/// Whether the client's part, by `If-Range`, is of the same response.
fn is_valid(request: &Request) -> bool {
    let Some(condition) = request.value(FieldName::IfRange) else {
        return true;
    };
    if condition.len() >= 2 && condition.ends_with(b"\"") {
        return request.response.fields.find(b"etag") == Some(condition);
    }
    let changed = request.response.last_modified;
    changed.is_some() && time_of(condition) == changed
}

fn single(response: &mut Response, range: Range<u64>, len: u64) {
    let value = format!("bytes {}-{}/{len}", range.start, range.end - 1);
    response.fields.set(b"Content-Range", value.as_bytes());
    response.content_length = Some(range.end - range.start);
    response.parts.list.push(Part {
        head: Vec::new(),
        bytes: range,
    });
}

fn multiple(response: &mut Response, ranges: Vec<Range<u64>>, len: u64, boundary: u64) {
    let boundary = format!("{boundary:020}");
    let mut total = 0;
    for range in ranges {
        let mut head = Vec::with_capacity(128);
        // Writing to a vector does not fail.
        let _ = write!(head, "\r\n--{boundary}\r\n");
        if !response.content_type.is_empty() {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(&response.content_type);
            head.extend_from_slice(b"\r\n");
        }
        let last = range.end - 1;
        let _ = write!(
            head,
            "Content-Range: bytes {}-{last}/{len}\r\n\r\n",
            range.start
        );
        total += head.len() as u64 + (range.end - range.start);
        response.parts.list.push(Part { head, bytes: range });
    }
    let _ = write!(response.parts.tail, "\r\n--{boundary}--\r\n");
    response.content_length = Some(total + response.parts.tail.len() as u64);
    response.fields.remove(b"content-range");
    response.set_content_type(format!("multipart/byteranges; boundary={boundary}").as_bytes());
}

/// Reads `bytes=…` as nginx does: ranges that begin behind the end are left out, and where all together are longer than the
/// whole, the whole is sent.
fn parse(value: &[u8], len: u64, max: Option<u64>) -> Wanted {
    let prefix = value.get(..6).filter(|_| value.len() >= 7);
    if !prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"bytes=")) {
        return Wanted::Whole;
    }
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut total: u64 = 0;
    for text in value[6..].split(|byte| *byte == b',') {
        let Some(range) = one(text, len) else {
            return Wanted::Nothing;
        };
        if range.start < range.end {
            if ranges.len() as u64 >= max.unwrap_or(u64::MAX) {
                return Wanted::Whole;
            }
            // Each is within the whole, and once they exceed it together the whole is sent.
            total = total.saturating_add(range.end - range.start);
            if !ranges.is_empty() && total > len {
                return Wanted::Whole;
            }
            ranges.push(range);
        } else if range.start == 0 {
            return Wanted::Whole;
        }
    }
    let count = ranges.len() as u64;
    match count {
        0 => Wanted::Nothing,
        1 => Wanted::Ranges(ranges),
        // Each costs a head of its own, so many small ones may be more than the whole.
        _ if max.is_none() && total + count * 256 > len + 4096 => Wanted::Whole,
        _ => Wanted::Ranges(ranges),
    }
}

/// One range; `None` where it is none.
fn one(text: &[u8], len: u64) -> Option<Range<u64>> {
    let at = text.iter().position(|byte| *byte == b'-')?;
    let number = |text: &[u8]| -> Option<u64> {
        let digits = text.iter().all(u8::is_ascii_digit) && !text.is_empty();
        let text = std::str::from_utf8(text).ok().filter(|_| digits)?;
        text.parse()
            .ok()
            .filter(|number| *number <= i64::MAX as u64)
    };
    let (start, end) = (text[..at].trim_ascii(), text[at + 1..].trim_ascii());
    if start.is_empty() {
        let suffix = number(end)?;
        return Some(len.saturating_sub(suffix)..len);
    }
    let start = number(start)?;
    if end.is_empty() {
        return Some(start..len);
    }
    let end = number(end)?;
    Some(start..end.saturating_add(1).min(len))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, parse};

    #[test]
    fn ranges_are_read() {
        let check = |value: &str, wanted: &str| {
            let got = match parse(value.as_bytes(), 100, None) {
                Wanted::Whole => "whole".to_owned(),
                Wanted::Nothing => "nothing".to_owned(),
                Wanted::Ranges(ranges) => format!("{ranges:?}"),
            };
            assert_eq!(got, wanted, "{value}");
        };
        check("bytes=0-9", "[0..10]");
        check("BYTES=90-", "[90..100]");
        check("bytes=-5", "[95..100]");
        check("bytes=-500", "[0..100]");
        check("bytes=50-500", "[50..100]");
        check("bytes=0-0,-1", "[0..1, 99..100]");
        check("bytes= 1 - 2 , 4-5", "[1..3, 4..6]");
        check("bytes=100-,3-4", "[3..5]");
        check("bytes=100-", "nothing");
        check("bytes=x", "nothing");
        check("bytes=5-x", "nothing");
        check("bytes=18446744073709551616-", "nothing");
        check("bytes=0-99,0-1", "whole");
        check("items=0-1", "whole");
        check("bytes=", "whole");
    }

    #[test]
    fn more_than_allowed_is_the_whole() {
        assert_eq!(parse(b"bytes=0-1,3-4", 100, Some(1)), Wanted::Whole);
        assert_ne!(parse(b"bytes=0-1,3-4", 100, Some(2)), Wanted::Whole);
        let many = format!("bytes={}", "1-1,".repeat(40).trim_end_matches(','));
        assert_eq!(parse(many.as_bytes(), 100, None), Wanted::Whole);
    }
}
