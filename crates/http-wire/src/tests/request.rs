//! Request heads: what they are taken for, and with what they are refused.

use crate::{
    BadRequest, FieldName, Limits, Parsed, RequestHead, request_framing, request_keeps_alive,
};

/// Parses a head at once, and again byte by byte: the same must come out.
fn parse(input: &[u8], limits: &Limits) -> Result<(RequestHead, Parsed), BadRequest> {
    let mut whole = RequestHead::default();
    let at_once = whole.parse(input, limits);
    let mut head = RequestHead::default();
    let mut piecemeal = Ok(Parsed::Partial);
    for len in 0..=input.len() {
        piecemeal = head.parse(&input[..len], limits);
        if piecemeal != Ok(Parsed::Partial) {
            break;
        }
    }
    assert_eq!(at_once, piecemeal, "{}", input.escape_ascii());
    at_once.map(|parsed| (whole, parsed))
}

/// What a request is taken for, in a line; or its status and the text for the log.
fn describe(input: &[u8], limits: &Limits) -> String {
    let described = parse(input, limits).and_then(|(head, parsed)| {
        let Parsed::Complete { len } = parsed else {
            return Ok("partial".to_owned());
        };
        let text = |span: crate::Span| span.of(input).escape_ascii().to_string();
        let mut out = format!("{:?} {}", head.method(), text(head.path_and_query()));
        if let Some(host) = head.host(input) {
            let mut name = Vec::new();
            host.write_lower(&mut name);
            out += &format!(" {}:{}", name.escape_ascii(), host.port);
        }
        for field in head.fields().as_slice() {
            if field.id != FieldName::Host {
                out += &format!(" {}={}", text(field.name), text(field.value));
            }
        }
        let keep = request_keeps_alive(&head, input);
        let framing = request_framing(&head, input)?;
        out += &format!(" {:?} {framing:?}", head.version());
        out += if keep { " keep" } else { " close" };
        if len < input.len() {
            out += &format!(", then {}", input[len..].escape_ascii());
        }
        Ok(out)
    });
    described.unwrap_or_else(|bad| format!("{} {bad}", bad.status()))
}

fn check(limits: &Limits, cases: &[(&[u8], &str)]) {
    for (input, expected) in cases {
        let found = describe(input, limits);
        assert_eq!(found, *expected, "{}", input.escape_ascii());
    }
}

#[test]
fn ordinary_requests() {
    check(
        &Limits::default(),
        &[
            (b"", "partial"),
            (b"GET / HTTP/1.1\r\nHost: a", "partial"),
            (b"GET / HTTP/1.1\r\nHost: A.b\r\n\r\nrest", "Get / a.b:0 Http11 None keep, then rest"),
            (b"\r\n\r\nGET / HTTP/1.0\r\n\r\n", "Get / Http10 None close"),
            (
                b"GET  /x?y  HTTP/1.0 \r\nConnection: Keep-Alive\r\n\r\n",
                "Get /x?y Connection=Keep-Alive Http10 None keep",
            ),
            (b"GET /\r\n", "Get / Http09 None close"),
            (b"GET / \r\nHost: a\r\n\r\n", "Get / Http09 None close, then Host: a\\r\\n\\r\\n"),
            (b"GET / HTTP/1.7\r\nHost: a:80\r\n\r\n", "Get / a:80 Http11 None keep"),
            (
                b"GET http://B:81/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
                "Get /c?d b:81 Http11 None keep",
            ),
            (b"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", "Get / b:0 Http11 None keep"),
            (b"GET http://[::1]?q HTTP/1.0\r\n\r\n", "Get ?q [::1]:0 Http10 None close"),
            (
                b"CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\n\r\n",
                "Connect / a.b:443 Http11 None keep",
            ),
            (
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nX:\t y \r\nE:\r\n\r\n",
                "Post / a:0 Content-Length=12 X=y E= Http11 Length(12) keep",
            ),
            (
                b"FOO_BAR / HTTP/1.1\r\nhOST: a.\r\ntransfer-encoding: Chunked\r\nconnection: x, CLOSE\r\n\r\n",
                "Other / a:0 transfer-encoding=Chunked connection=x, CLOSE Http11 Chunked close",
            ),
        ],
    );
}
