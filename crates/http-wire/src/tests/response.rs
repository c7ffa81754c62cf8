//! Response heads: what they are taken for, and why they are refused.

use crate::{
    BadResponse, Method, Parsed, ResponseHead, ResponseLimits, response_framing,
    response_keeps_alive,
};

fn parse(input: &[u8], limits: &ResponseLimits) -> Result<(ResponseHead, Parsed), BadResponse> {
    let mut whole = ResponseHead::default();
    let at_once = whole.parse(input, limits);
    let mut head = ResponseHead::default();
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

fn describe(input: &[u8], request: Method, limits: &ResponseLimits) -> String {
    let described = parse(input, limits).and_then(|(head, parsed)| {
        let Parsed::Complete { len } = parsed else {
            return Ok("partial".to_owned());
        };
        let text = |span: crate::Span| span.of(input).escape_ascii().to_string();
        let mut out = format!(
            "{:?} {} ({})",
            head.version(),
            head.status(),
            text(head.reason())
        );
        for field in head.fields().as_slice() {
            out += &format!(" {}={}", text(field.name), text(field.value));
        }
        let framing = response_framing(&head, input, request)?;
        let keep = response_keeps_alive(&head, input, framing);
        out += &format!(" {framing:?}");
        out += if keep { " keep" } else { " close" };
        if len < input.len() {
            out += &format!(", then {}", input[len..].escape_ascii());
        }
        Ok(out)
    });
    described.unwrap_or_else(|bad| bad.to_string())
}

fn check(request: Method, cases: &[(&[u8], &str)]) {
    let limits = ResponseLimits::default();
    for (input, expected) in cases {
        let found = describe(input, request, &limits);
        assert_eq!(found, *expected, "{}", input.escape_ascii());
    }
}

#[test]
fn ordinary_responses() {
    check(
        Method::Get,
        &[
            (b"", "partial"),
            (b"HT", "partial"),
            (b"HTTP/1.1 200 OK\r\nA: b", "partial"),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                "Http11 200 (OK) Content-Length=3 Length(3) keep, then abc",
            ),
            (b"HTTP/1.1 404\r\nContent-Length:0\r\n\r\n", "Http11 404 () Content-Length=0 Length(0) keep"),
            (b"HTTP/1.1 404 \nA:b\n\n", "Http11 404 () A=b UntilClose close"),
            (b"HTTP/1.0 200  x y\r\n\r\n", "Http10 200 ( x y) UntilClose close"),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", "Http10 200 (OK) Content-Length=1 Connection=keep-alive Length(1) close"),
            (b"HTTP/2.0 200 OK\r\n\r\n", "Http11 200 (OK) UntilClose close"),
            (b"HTTP/1.1 403.1 No\r\n\r\n", "Http11 403 (1 No) UntilClose close"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", "Http11 100 (Continue) None keep, then HTTP/1.1 200"),
            (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", "Http11 103 (Early Hints) Link=a None keep"),
            (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "Http11 101 (Switching) Upgrade=x None close"),
            (b"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", "Http11 204 (No) Content-Length=9 None keep"),
            (b"HTTP/1.1 304 Not\r\n\r\n", "Http11 304 (Not) None keep"),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\nConnection: foo, Close\r\n\r\n",
                "Http11 200 (OK) Transfer-Encoding=CHUNKED Connection=foo, Close Chunked close",
            ),
            (b"HTTP/1.1 200 OK\r\nA_b: 1\r\nC.d: 2\r\nE\r\n\r\n", "Http11 200 (OK) A_b=1 C.d=2 E= UntilClose close"),
            (b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n", "Http11 200 (OK) A=b UntilClose close"),
            (
                b"HTTP/1.1 200 OK\r\nServer: a\r\nServer: b\r\nSet-Cookie: c\r\nSet-Cookie: d\r\n\r\n",
                "Http11 200 (OK) Server=a Set-Cookie=c Set-Cookie=d UntilClose close",
            ),
        ],
    );
    let length: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    check(
        Method::Head,
        &[(length, "Http11 200 (OK) Content-Length=3 None keep")],
    );
    check(
        Method::Connect,
        &[(length, "Http11 200 (OK) Content-Length=3 None keep")],
    );
}

#[test]
fn responses_that_are_refused() {
    let none = "upstream sent no valid HTTP/1.0 header";
    let invalid = "upstream sent invalid header";
    let length = "upstream sent invalid \"Content-Length\" header";
    let both =
        "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time";
    let unknown = "upstream sent unknown \"Transfer-Encoding\"";
    let twice = "upstream sent duplicate header line";
    check(
        Method::Get,
        &[
            (b"<", none),
            (b"HTTQ", none),
            (b"\r\nHTTP/1.1 200 OK\r\n", none),
            (b"HTTP/1.1200 OK\r\n", none),
            (b"HTTP/1.1 20 OK\r\n", none),
            (b"HTTP/1.1 2000 OK\r\n", none),
            (b"HTTP/1.1 099 OK\r\n", none),
            (b"HTTP/1.1 2x0 OK\r\n", none),
            (b"HTTP/1.1 -20 OK\r\n", none),
            (b"HTTP/1 200 OK\r\n", none),
            (b"HTTP/0.9 200 OK\r\n", none),
            (b"HTTP/x.1 200 OK\r\n", none),
            (b"HTTP/1.1 200 O\rK\r\n", none),
            (b"HTTP/1.1 200 OK\r\n folded\r\n", invalid),
            (b"HTTP/1.1 200 OK\r\nA : b\r\n", invalid),
            (b"HTTP/1.1 200 OK\r\nA: b\0\r\n", invalid),
            (b"HTTP/1.1 200 OK\r\nA: b\rc\r\n", invalid),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", length),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", length),
            (b"HTTP/1.1 304 OK\r\nContent-Length: x\r\n\r\n", length),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
                twice,
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                both,
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                unknown,
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                unknown,
            ),
        ],
    );
}

#[test]
fn limits_hold_to_the_byte() {
    let limits = ResponseLimits {
        head_len_max: 30,
        fields_max: 2,
    };
    let cases: &[(&[u8], &str)] = &[
        (
            b"HTTP/1.1 200 OK\r\nA: 456789\r\n\r\n",
            "Http11 200 (OK) A=456789 UntilClose close",
        ),
        (
            b"HTTP/1.1 200 OK\r\nA: 4567890\r\n\r\n",
            "upstream sent too big header",
        ),
        (b"HTTP/1.1 200 OK\r\nA: 012345678", "partial"),
        (
            b"HTTP/1.1 200 OK\r\nA: 0123456789",
            "upstream sent too big header",
        ),
        (
            b"HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\n",
            "upstream sent too many header lines",
        ),
    ];
    for (input, expected) in cases {
        let found = describe(input, Method::Get, &limits);
        assert_eq!(found, *expected, "{}", input.escape_ascii());
    }
}
