//! What must hold for every input: the fuzzers under `fuzz/` and `cargo test`, which replays their corpus, share these functions.
//!
//! Each panics where a promise is broken. What comes in pieces must be taken for what it is at once, spans must lie within the
//! buffer, and what is written anew from what was read must read as the same again: a message has one reading only.

use crate::date::{parse_date, write_date};
use crate::escape::{EscapeSet, escape};
use crate::field::Field;
use crate::proxy_protocol;
use crate::target::normalise;
use crate::{
    BadChunk, BadRequest, BadResponse, CHUNK_END, ChunkedDecoder, LAST_CHUNK, Limits, Method,
    Parsed, RequestHead, ResponseHead, ResponseLimits, Step, request_framing, response_framing,
    write_chunk_head,
};

/// Small enough that inputs meet them.
const LIMITS: Limits = Limits {
    line_len_max: 64,
    field_len_max: 64,
    head_len_max: 512,
    fields_max: 8,
    ignore_invalid_headers: false,
    underscores_in_headers: true,
    bare_lf: true,
};

/// The same for responses.
const RESPONSE_LIMITS: ResponseLimits = ResponseLimits {
    head_len_max: 512,
    fields_max: 8,
};

/// Any bytes as the head of a request.
///
/// # Panics
/// Where a promise is broken.
pub fn request(input: &[u8]) {
    let outcome = request_at_once(input, &LIMITS);
    assert_eq!(outcome, request_in_pieces(input, &LIMITS));
    let strict = Limits {
        bare_lf: false,
        ..LIMITS
    };
    let in_pieces = request_in_pieces(input, &strict);
    let strict = request_at_once(input, &strict);
    assert_eq!(strict, in_pieces);
    assert!(strict.is_err() || strict.ok() == outcome.ok());
    let mut head = RequestHead::default();
    let Ok(Parsed::Complete { len }) = head.parse(input, &LIMITS) else {
        return;
    };
    assert!(len <= input.len());
    let method = head.method_name().of(input);
    let (target, protocol) = (head.target().of(input), head.protocol().of(input));
    let mut written = [method, b" ", target, b" ", protocol, b"\r\n"].concat();
    if protocol.is_empty() {
        assert!(head.fields().as_slice().is_empty());
    } else {
        write_fields(head.fields().as_slice(), input, &mut written);
    }
    let mut again = RequestHead::default();
    // Lines that end with a line feed alone grow by a byte.
    let roomy = Limits {
        line_len_max: 128,
        field_len_max: 128,
        head_len_max: 1024,
        bare_lf: false,
        ..LIMITS
    };
    let parsed = again.parse(&written, &roomy);
    let len = written.len();
    assert_eq!(
        parsed,
        Ok(Parsed::Complete { len }),
        "{}",
        written.escape_ascii()
    );
    assert_eq!(
        again.path_and_query().of(&written),
        head.path_and_query().of(input)
    );
    assert_eq!(again.host(&written), head.host(input));
    assert_eq!(
        request_framing(&again, &written),
        request_framing(&head, input)
    );
    let (before, after) = (head.fields().as_slice(), again.fields().as_slice());
    assert_eq!(texts(before, input), texts(after, &written));
}

/// Any bytes as the head of a response.
///
/// # Panics
/// Where a promise is broken.
pub fn response(input: &[u8]) {
    let mut head = ResponseHead::default();
    let outcome = head.parse(input, &RESPONSE_LIMITS);
    assert_eq!(outcome, response_in_pieces(input));
    let Ok(Parsed::Complete { len }) = outcome else {
        return;
    };
    assert!(len <= input.len() && (100..=999).contains(&head.status()));
    let status = head.status_line().of(input);
    let version: &[u8] = match head.version() {
        crate::Version::Http11 => b"HTTP/1.1 ",
        _ => b"HTTP/1.0 ",
    };
    let mut written = [version, status, b"\r\n"].concat();
    write_fields(head.fields().as_slice(), input, &mut written);
    let mut again = ResponseHead::default();
    let roomy = ResponseLimits {
        head_len_max: 1024,
        ..RESPONSE_LIMITS
    };
    let len = written.len();
    assert_eq!(again.parse(&written, &roomy), Ok(Parsed::Complete { len }));
    assert_eq!(
        (again.version(), again.status()),
        (head.version(), head.status())
    );
    for method in [Method::Get, Method::Head] {
        let framing = response_framing(&again, &written, method);
        assert_eq!(framing, response_framing(&head, input, method));
    }
    let (before, after) = (head.fields().as_slice(), again.fields().as_slice());
    assert_eq!(texts(before, input), texts(after, &written));
}

/// Any bytes as a chunked body.
///
/// # Panics
/// Where a promise is broken.
pub fn chunked(input: &[u8]) {
    let at_once = decode(input, input.len());
    for piece in [1, 5] {
        assert_eq!(at_once, decode(input, piece));
    }
    let Ok((data, Some(end))) = at_once else {
        return;
    };
    assert!(end <= input.len() && data.len() < end);
    let mut written = Vec::new();
    for chunk in data.chunks(7) {
        write_chunk_head(chunk.len(), &mut written);
        written.extend_from_slice(chunk);
        written.extend_from_slice(CHUNK_END);
    }
    written.extend_from_slice(LAST_CHUNK);
    assert_eq!(decode(&written, 3), Ok((data, Some(written.len()))));
}

/// Any bytes as a path, a host and a date.
///
/// # Panics
/// Where a promise is broken.
pub fn target(input: &[u8]) {
    for merge_slashes in [false, true] {
        let mut path = Vec::new();
        let Ok(normal) = normalise(input, merge_slashes, &mut path) else {
            continue;
        };
        assert!(path.starts_with(b"/") && !path.contains(&b'\0'));
        let mut parts = path.split(|byte| *byte == b'/');
        assert!(parts.all(|part| part != b"." && part != b".."));
        assert!(!merge_slashes || !path.windows(2).any(|pair| pair == b"//"));
        assert!(input.get(normal.args).is_some());
        let (mut escaped, mut again) = (Vec::new(), Vec::new());
        escape(&path, EscapeSet::Uri, &mut escaped);
        let unchanged = normalise(&escaped, merge_slashes, &mut again);
        assert!(unchanged.is_ok_and(|normal| !normal.has_query));
        assert_eq!(again, path);
    }
    if let Some(host) = crate::Host::parse(input) {
        let mut name = Vec::new();
        host.write_lower(&mut name);
        let again = crate::Host::parse(&name);
        assert!(again.is_none_or(|again| name.starts_with(again.name)));
    }
    if let Some(seconds) = parse_date(input) {
        let mut written = Vec::new();
        write_date(seconds, &mut written);
        assert_eq!(parse_date(&written), Some(seconds));
    }
}

/// Any bytes as a header of the PROXY protocol.
///
/// # Panics
/// Where a promise is broken.
pub fn proxy_header(input: &[u8]) {
    let whole = proxy_protocol::parse(input);
    for len in 0..input.len().min(64) {
        let early = proxy_protocol::parse(&input[..len]);
        assert!(early == Ok(None) || early == whole);
    }
    let Ok(Some(header)) = whole else {
        return;
    };
    assert!(header.len <= input.len());
    let mut out = Vec::new();
    proxy_protocol::encode_v1(header.endpoints, &mut out);
    let again = proxy_protocol::parse(&out).ok().flatten();
    assert_eq!(again.map(|again| again.endpoints), Some(header.endpoints));
    out.clear();
    let list = proxy_protocol::tlvs(header.tlvs.of(input));
    let list: Vec<_> = list
        .filter(|(kind, _)| *kind != proxy_protocol::types::CRC32C)
        .collect();
    if proxy_protocol::encode_v2(header.endpoints, &list, true, &mut out).is_ok() {
        let again = proxy_protocol::parse(&out).ok().flatten();
        assert_eq!(again.map(|again| again.endpoints), Some(header.endpoints));
    }
}

fn request_at_once(input: &[u8], limits: &Limits) -> Result<Parsed, BadRequest> {
    RequestHead::default().parse(input, limits)
}

fn request_in_pieces(input: &[u8], limits: &Limits) -> Result<Parsed, BadRequest> {
    let mut head = RequestHead::default();
    for len in 0..input.len() {
        let parsed = head.parse(&input[..len], limits)?;
        if parsed != Parsed::Partial {
            return Ok(parsed);
        }
    }
    head.parse(input, limits)
}

fn response_in_pieces(input: &[u8]) -> Result<Parsed, BadResponse> {
    let mut head = ResponseHead::default();
    for len in 0..input.len() {
        let parsed = head.parse(&input[..len], &RESPONSE_LIMITS)?;
        if parsed != Parsed::Partial {
            return Ok(parsed);
        }
    }
    head.parse(input, &RESPONSE_LIMITS)
}

fn decode(input: &[u8], piece: usize) -> Result<(Vec<u8>, Option<usize>), BadChunk> {
    let mut decoder = ChunkedDecoder::default();
    let mut data = Vec::new();
    for (index, buf) in input.chunks(piece.max(1)).enumerate() {
        let mut at = 0;
        loop {
            match decoder.decode(buf, at)? {
                Step::Data(range) => {
                    at = range.end;
                    data.extend_from_slice(&buf[range]);
                }
                Step::More => break,
                Step::End(end) => return Ok((data, Some(index * piece + end))),
            }
        }
    }
    Ok((data, None))
}

fn write_fields(fields: &[Field], buf: &[u8], out: &mut Vec<u8>) {
    for field in fields {
        let (name, value) = (field.name.of(buf), field.value.of(buf));
        assert!(
            !value
                .iter()
                .any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))
        );
        assert!(!name.is_empty() && !name.iter().any(|byte| *byte <= b' ' || *byte == b':'));
        out.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
}

fn texts<'a>(fields: &[Field], buf: &'a [u8]) -> Vec<(&'a [u8], &'a [u8])> {
    let text = |field: &Field| (field.name.of(buf), field.value.of(buf));
    fields.iter().map(text).collect()
}
