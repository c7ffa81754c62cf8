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

#[test]
fn request_lines_that_are_refused() {
    check(
        &Limits::default(),
        &[
            (b"\x16\x03\x01", "400 client sent invalid method"),
            (b"get / HTTP/1.1\r\n", "400 client sent invalid method"),
            (b"G\0T / HTTP/1.1\r\n", "400 client sent invalid method"),
            (b"get / HTTP/1.1\n", "400 client sent invalid method"),
            (b" GET / HTTP/1.1\r\n", "400 client sent invalid method"),
            (b"GET\r\n", "400 client sent invalid method"),
            (b"GET\t/ HTTP/1.1\r\n", "400 client sent invalid method"),
            (b"GET / HTTP/1.1\n", "400 client sent invalid request"),
            (b"GET /\r HTTP/1.1\r\n", "400 client sent invalid request"),
            (b"GET /\0 HTTP/1.1\r\n", "400 client sent invalid request"),
            (b"GET /\t HTTP/1.1\r\n", "400 client sent invalid request"),
            (b"GET /a b HTTP/1.1\r\n", "400 client sent invalid request"),
            (b"GET * HTTP/1.1\r\n", "400 client sent invalid request"),
            (b"GET a/b HTTP/1.1\r\n", "400 client sent invalid request"),
            (b"GET / HTTP/1.1\t\r\n", "400 client sent invalid request"),
            (b"GET / HTTP/1\r\n", "400 client sent invalid request"),
            (b"GET / HTTP/1.\r\n", "400 client sent invalid request"),
            (b"GET / HTTP/1.1111\r\n", "400 client sent invalid request"),
            (b"GET / HTTP/0.9\r\n", "400 client sent invalid request"),
            (b"GET / http/1.1\r\n", "400 client sent invalid request"),
            (b"GET / HTTP/1.1 x\r\n", "400 client sent invalid request"),
            (
                b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "505 client sent invalid version",
            ),
            (b"GET / HTTP/10.1\r\n", "505 client sent invalid version"),
            (
                b"POST /\r\n",
                "400 client sent invalid method in HTTP/0.9 request",
            ),
        ],
    );
}

#[test]
fn targets_that_are_refused() {
    check(
        &Limits::default(),
        &[
            (
                b"GET http:/a HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
            (
                b"GET 1http://a/ HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
            (
                b"GET http://a:b/ HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
            (
                b"GET http://a@b/ HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
            (
                b"GET http:///b HTTP/1.1\r\n",
                "400 client sent invalid host in request line",
            ),
            (
                b"GET http://a..b/ HTTP/1.1\r\n",
                "400 client sent invalid host in request line",
            ),
            (
                b"GET http://a:65536/ HTTP/1.1\r\n",
                "400 client sent invalid host in request line",
            ),
            (b"CONNECT a HTTP/1.1\r\n", "400 client sent invalid request"),
            (
                b"CONNECT a: HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
            (
                b"CONNECT /a HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
            (
                b"CONNECT a:1/ HTTP/1.1\r\n",
                "400 client sent invalid request",
            ),
        ],
    );
}

/// What follows a request line, within a request that is otherwise good.
fn check_fields(limits: &Limits, cases: &[(&[u8], &str)]) {
    for (fields, expected) in cases {
        let input = [b"GET / HTTP/1.1\r\n".as_slice(), fields, b"\r\n"].concat();
        check(limits, &[(&input, expected)]);
    }
}

#[test]
fn fields_that_are_refused() {
    let invalid = "400 client sent invalid header line";
    check_fields(
        &Limits::default(),
        &[
            (b"Host: a\r\n folded\r\n", invalid),
            (b"Host: a\r\n\tfolded\r\n", invalid),
            (b"Host : a\r\n", invalid),
            (b": a\r\n", invalid),
            (b"A B: a\r\n", invalid),
            (b"A\0: a\r\n", invalid),
            (b"A: a\0\r\n", invalid),
            (b"A: a\rb\r\n", invalid),
            (b"A: a\r\r\n", invalid),
            (b"A\r: a\r\n", invalid),
            (b"A: a\nB: b\r\n", invalid),
            (
                b"",
                "400 client sent HTTP/1.1 request without \"Host\" header",
            ),
            (b"Host:\r\n", "400 client sent invalid host header"),
            (
                b"Host: a\r\nhost: a\r\n",
                "400 client sent duplicate host header",
            ),
            (
                b"Host: a\r\nAuthorization: a\r\nauthorization: b\r\n",
                "400 client sent duplicate header line",
            ),
            (
                b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
                "400 client sent duplicate header line",
            ),
            (
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
                "400 client sent duplicate header line",
            ),
        ],
    );
}

#[test]
fn framing_that_is_refused() {
    let length = "400 client sent invalid \"Content-Length\" header";
    let both =
        "400 client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time";
    let unknown = "501 client sent unknown \"Transfer-Encoding\"";
    check_fields(
        &Limits::default(),
        &[
            (b"Host: a\r\nContent-Length:\r\n", length),
            (b"Host: a\r\nContent-Length: -1\r\n", length),
            (b"Host: a\r\nContent-Length: +1\r\n", length),
            (b"Host: a\r\nContent-Length: 1, 1\r\n", length),
            (b"Host: a\r\nContent-Length: 0x1\r\n", length),
            (
                b"Host: a\r\nContent-Length: 9223372036854775808\r\n",
                length,
            ),
            (
                b"Host: a\r\nContent-Length: 99999999999999999999\r\n",
                length,
            ),
            (
                b"Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                both,
            ),
            (b"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", unknown),
            (
                b"Host: a\r\nTransfer-Encoding: chunked, chunked\r\n",
                unknown,
            ),
            (b"Host: a\r\nTransfer-Encoding: xchunked\r\n", unknown),
            (b"Host: a\r\nTransfer-Encoding: chunked;a=b\r\n", unknown),
            (b"Host: a\r\nTransfer-Encoding:\r\n", unknown),
        ],
    );
    check(
        &Limits::default(),
        &[(
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400 client sent HTTP/1.0 request with \"Transfer-Encoding\" header",
        )],
    );
}

#[test]
fn odd_names_and_bare_line_feeds() {
    let odd: &[u8] = b"Host: a\r\nA_b: 1\r\nC.d: 2\r\n\xe9: 3\r\nNothing\r\n";
    let strict = Limits::default();
    let kept = Limits {
        ignore_invalid_headers: false,
        ..strict
    };
    let underscores = Limits {
        underscores_in_headers: true,
        ..strict
    };
    check_fields(&strict, &[(odd, "Get / a:0 Nothing= Http11 None keep")]);
    check_fields(
        &kept,
        &[(
            odd,
            "Get / a:0 A_b=1 C.d=2 \\xe9=3 Nothing= Http11 None keep",
        )],
    );
    check_fields(
        &underscores,
        &[(odd, "Get / a:0 A_b=1 Nothing= Http11 None keep")],
    );
    let lax = Limits {
        bare_lf: true,
        ..strict
    };
    check(
        &lax,
        &[
            (
                b"\nGET / HTTP/1.0\nA: b\n\nrest",
                "Get / A=b Http10 None close, then rest",
            ),
            (
                b"GET / HTTP/1.0\r\nA: b\n c\n\n",
                "400 client sent invalid header line",
            ),
        ],
    );
}

#[test]
fn hosts() {
    let cases: &[(&[u8], &str)] = &[
        (b"Example.COM", "example.com 0"),
        (b"a:8080", "a 8080"),
        (b"a:", "a 0"),
        (b"a.:1", "a 1"),
        (b"[::1]:80", "[::1] 80"),
        (b"[::1.]", "[::1.] 0"),
        (b"a_b~!$&'()*+,;=%41", "a_b~!$&'()*+,;=%41 0"),
        (b"", "invalid"),
        (b".", "invalid"),
        (b":80", "invalid"),
        (b"a..b", "invalid"),
        (b"a/b", "invalid"),
        (b"a b", "invalid"),
        (b"a\xff", "invalid"),
        (b"a@b", "invalid"),
        (b"a\\b", "invalid"),
        (b"a:b", "invalid"),
        (b"a:1:2", "invalid"),
        (b"a:65536", "invalid"),
        (b"[::1", "invalid"),
        (b"[::1]x", "invalid"),
        (b"[%]", "invalid"),
        (b"a[::1]", "invalid"),
    ];
    for (value, expected) in cases {
        let found = crate::Host::parse(value).map_or("invalid".to_owned(), |host| {
            let mut name = Vec::new();
            host.write_lower(&mut name);
            format!("{} {}", String::from_utf8(name).unwrap(), host.port)
        });
        assert_eq!(found, *expected, "{}", value.escape_ascii());
    }
}

#[test]
fn limits_hold_to_the_byte() {
    let limits = Limits {
        line_len_max: 16,
        field_len_max: 12,
        head_len_max: 48,
        fields_max: 3,
        ..Limits::default()
    };
    let line = "414 client sent too long URI";
    let field = "494 client sent too long header line";
    let large = "494 client sent too large request";
    check(
        &limits,
        &[
            (b"GET / HTTP/1.0\r\n\r\n", "Get / Http10 None close"),
            (b"GET /a HTTP/1.0\r\n\r\n", line),
            (b"GET /aaaaaaaaaaa", line),
            (b"GET /aaaaaaaaaa", "partial"),
            (
                b"GET / HTTP/1.0\r\nA: 3456789\r\n\r\n",
                "Get / A=3456789 Http10 None close",
            ),
            (b"GET / HTTP/1.0\r\nA: 34567890\r\n\r\n", field),
            (b"GET / HTTP/1.0\r\nA: 345678901", field),
            (b"GET / HTTP/1.0\r\nA: 34567890", "partial"),
            (
                b"GET / HTTP/1.0\r\nA:\r\nB:\r\nC:\r\n\r\n",
                "Get / A= B= C= Http10 None close",
            ),
            (
                b"GET / HTTP/1.0\r\nA:\r\nB:\r\nC:\r\nD:\r\n",
                "494 client sent too many header lines",
            ),
            (
                b"GET / HTTP/1.0\r\nA: 3456789\r\nB: 3456789\r\nC:67\r\n\r\n",
                "Get / A=3456789 B=3456789 C=67 Http10 None close",
            ),
            (
                b"GET / HTTP/1.0\r\nA: 3456789\r\nB: 3456789\r\nC:678\r\n\r\n",
                large,
            ),
            (
                b"GET / HTTP/1.0\r\nA_ 3456789\r\n",
                "400 client sent invalid header line",
            ),
            (
                &[b"GET / HTTP/1.0\r\n".as_slice(), &b"A_: 3\r\n".repeat(5)].concat(),
                large,
            ),
            (&b"\r\n".repeat(9), "400 client sent invalid request"),
        ],
    );
}
