//! What is asked for: `/bytes/LENGTH/OFFSET?delay=MILLISECONDS&pace=BYTES`.
//!
//! The answer's body is LENGTH bytes of an endless row of bytes, from OFFSET on, so two answers are not taken for each
//! other. `delay` is the time before the first byte, `pace` how many bytes follow every twenty milliseconds. Every other
//! path is answered with two bytes, for health checks.

use std::sync::OnceLock;
use std::time::Duration;

/// The longest body.
const LENGTH_MAX: usize = 1024 * 1024;

/// The largest offset.
const OFFSET_MAX: usize = 64 * 1024;

/// How long a request's head may be: those of the harness have some hundred bytes.
const HEAD_MAX: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The bytes of the head and of the body.
    pub(super) length: usize,
    pub(super) body: &'static [u8],
    pub(super) delay: Duration,
    pub(super) pace: Option<usize>,
    pub(super) keep_alive: bool,
}

pub(super) enum Parsed {
    Partial,
    Complete(Request),
    /// Nothing that this server knows.
    Bad,
}

/// The path of so many bytes from this offset on.
pub(crate) fn path(length: usize, offset: usize) -> String {
    format!("/bytes/{length}/{offset}")
}

/// The body that the path of the same arguments is answered with.
pub(crate) fn body(length: usize, offset: usize) -> Option<&'static [u8]> {
    if length > LENGTH_MAX || offset > OFFSET_MAX {
        return None;
    }
    static ROW: OnceLock<Vec<u8>> = OnceLock::new();
    let row = ROW.get_or_init(|| {
        let mut state: u32 = 1;
        let next = || {
            // A linear congruential generator; its high bits are the good ones.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next)
            .take(LENGTH_MAX + OFFSET_MAX)
            .collect()
    });
    row.get(offset..offset + length)
}

/// The first request of what has been read.
pub(super) fn parse(input: &[u8]) -> Parsed {
    let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if input.len() > HEAD_MAX {
            Parsed::Bad
        } else {
            Parsed::Partial
        };
    };
    let Ok(head) = std::str::from_utf8(&input[..end]) else {
        return Parsed::Bad;
    };
    let Some(request) = parse_head(head, end + 4) else {
        return Parsed::Bad;
    };
    if input.len() < request.length {
        return Parsed::Partial;
    }
    Parsed::Complete(request)
}

fn parse_head(head: &str, head_length: usize) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (_, target, version) = (words.next()?, words.next()?, words.next()?);
    let mut content_length = 0;
    let mut keep_alive = version == "HTTP/1.1";
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            content_length = value.parse().ok()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        } else if name.eq_ignore_ascii_case("connection") {
            keep_alive = match value.to_ascii_lowercase().as_str() {
                "close" => false,
                "keep-alive" => true,
                _ => keep_alive,
            };
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let number = |name: &str| {
        let fields = query.split('&').filter_map(|field| field.split_once('='));
        let mut named = fields.filter(|(known, _)| *known == name);
        named.next()?.1.parse::<usize>().ok()
    };
    Some(Request {
        length: head_length.checked_add(content_length)?,
        body: bytes_of(path)?,
        delay: Duration::from_millis(u64::try_from(number("delay").unwrap_or(0)).ok()?),
        pace: number("pace").filter(|pace| *pace > 0),
        keep_alive,
    })
}

fn bytes_of(path: &str) -> Option<&'static [u8]> {
    let Some(wanted) = path.strip_prefix("/bytes/") else {
        return Some(b"ok");
    };
    let (length, offset) = wanted.split_once('/')?;
    body(length.parse().ok()?, offset.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Request {
        match parse(text.as_bytes()) {
            Parsed::Complete(request) => request,
            Parsed::Partial => panic!("{text:?} is a part"),
            Parsed::Bad => panic!("{text:?} is bad"),
        }
    }

    #[test]
    fn requests() {
        let plain = parsed("GET /bytes/3/5 HTTP/1.1\r\nHost: a\r\n\r\nGET");
        assert_eq!(plain.length, 36);
        assert_eq!(plain.body, &body(8, 0).unwrap()[5..]);
        assert!(plain.keep_alive);
        let slow = parsed("GET /bytes/3/5?delay=7&pace=2 HTTP/1.0\r\n\r\n");
        assert_eq!((slow.delay.as_millis(), slow.pace), (7, Some(2)));
        assert!(!slow.keep_alive);
        let upload = parsed("PUT /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
        assert_eq!((upload.length, upload.body), (40, b"ok".as_slice()));
    }

    #[test]
    fn parts_and_nonsense() {
        for part in ["GET / HT", "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\na"] {
            assert!(matches!(parse(part.as_bytes()), Parsed::Partial), "{part}");
        }
        for bad in [
            "GET\r\n\r\n",
            "GET /bytes/9999999/0 HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nx\r\n\r\n",
        ] {
            assert!(matches!(parse(bad.as_bytes()), Parsed::Bad), "{bad}");
        }
    }
}
