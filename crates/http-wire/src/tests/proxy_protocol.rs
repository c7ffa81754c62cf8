//! Headers of the PROXY protocol: read, refused, written.

use std::net::SocketAddr;

use crate::proxy_protocol::{
    DoesNotFit, Endpoints, SslTlv, TlvName, encode_ssl_tlv, encode_v1, encode_v2, parse, tlvs,
    types,
};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn endpoints(source: &str, destination: &str) -> Endpoints {
    let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
    Endpoints {
        source: parse(source),
        destination: parse(destination),
    }
}

fn v2(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[version_command, family], &len, rest].concat()
}

fn describe(input: &[u8]) -> String {
    for len in 0..input.len() {
        // Less of it is less known, never something else.
        match (parse(&input[..len]), parse(input)) {
            (Ok(None), _) => {}
            (early, whole) => assert_eq!(early, whole, "{}", input.escape_ascii()),
        }
    }
    match parse(input) {
        Ok(None) => "partial".to_owned(),
        Err(bad) => bad.to_string(),
        Ok(Some(header)) => {
            let addresses = header.endpoints.map_or("none".to_owned(), |endpoints| {
                format!("{} {}", endpoints.source, endpoints.destination)
            });
            let types: Vec<_> = tlvs(header.tlvs.of(input)).map(|(kind, _)| kind).collect();
            let rest = input[header.len..].escape_ascii();
            format!("{addresses} {types:?} {rest}").trim().to_owned()
        }
    }
}

fn check(cases: &[(&[u8], &str)]) {
    for (input, expected) in cases {
        assert_eq!(describe(input), *expected, "{}", input.escape_ascii());
    }
}

#[test]
fn the_first_version() {
    let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 107]].concat();
    check(&[
        (b"", "partial"),
        (b"PRO", "partial"),
        (b"PROXY TCP4 1.2.3.4", "partial"),
        (
            b"PROXY TCP4 1.2.3.4 5.6.7.8 9 65535\r\nGET",
            "1.2.3.4:9 5.6.7.8:65535 [] GET",
        ),
        (b"PROXY TCP6 ::1 fe80::2 1 2\r\n", "[::1]:1 [fe80::2]:2 []"),
        (b"PROXY UNKNOWN\r\n", "none []"),
        (b"PROXY UNKNOWN whatever it is\r\nrest", "none [] rest"),
        (b"GET / HTTP/1.1\r\n", "broken header"),
        (b"PROXYTCP4", "broken header"),
        (b"PROXY INVALID", "broken header"),
        (b"PROXY UNKNOWN", "partial"),
        (b"PROXY TC", "partial"),
        (b"PROXY UNKNOWNX\r\n", "broken header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\n", "broken header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n", "broken header"),
        (b"PROXY TCP4 1.2.3.4  5.6.7.8 9 10\r\n", "broken header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10 \r\n", "broken header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 +9 10\r\n", "broken header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 9 65536\r\n", "broken header"),
        (b"PROXY TCP4 ::1 ::2 9 10\r\n", "broken header"),
        (b"PROXY TCP6 1.2.3.4 5.6.7.8 9 10\r\n", "broken header"),
        (b"PROXY UDP4 1.2.3.4 5.6.7.8 9 10\r\n", "broken header"),
        (&long, "header is too large"),
    ]);
}

#[test]
fn the_second_version() {
    let four = [1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 0];
    let six = [[0u8; 15].as_slice(), &[1], &[0; 15], &[2], &[0, 80, 1, 0]].concat();
    let with_tlv = [four.as_slice(), &[types::ALPN, 0, 2, b'h', b'2', 4, 0, 0]].concat();
    let cut_tlv = [four.as_slice(), &[types::ALPN, 0, 3, b'h', b'2']].concat();
    let unix = [[b'a'; 216].as_slice(), &[types::NETNS, 0, 0]].concat();
    let rest = [v2(0x21, 0x11, &four), b"rest".to_vec()].concat();
    let zeros = vec![0; 5000];
    check(&[
        (&rest, "1.2.3.4:80 5.6.7.8:256 [] rest"),
        (&v2(0x21, 0x21, &six), "[::1]:80 [::2]:256 []"),
        (&v2(0x21, 0x11, &with_tlv), "1.2.3.4:80 5.6.7.8:256 [1, 4]"),
        (&v2(0x21, 0x12, &with_tlv), "none [1, 4]"),
        (&v2(0x21, 0x31, &unix), "none [48]"),
        (&v2(0x21, 0x00, &[types::UNIQUE_ID, 0, 1, 7]), "none [5]"),
        (&v2(0x20, 0x11, b"?"), "none []"),
        (&v2(0x20, 0x00, &[]), "none []"),
        (&v2(0x21, 0x91, b"anything"), "none []"),
        (&v2(0x21, 0x11, &cut_tlv), "broken TLV"),
        (&v2(0x21, 0x11, &four[..11]), "broken header"),
        (&v2(0x21, 0x21, &four), "broken header"),
        (&v2(0x21, 0x31, &four), "broken header"),
        (&v2(0x31, 0x11, &four), "unknown PROXY protocol version"),
        (&v2(0x22, 0x11, &four), "unknown PROXY protocol command"),
        (&v2(0x21, 0x00, &zeros), "header is too large"),
        (b"\r\n\r\n\0\r\nQUIX", "broken header"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01", "partial"),
    ]);
}

#[test]
fn what_is_written_is_read() {
    let cases = [
        endpoints("1.2.3.4:5", "6.7.8.9:10"),
        endpoints("[2001:db8::1]:65535", "[::]:0"),
    ];
    for written in cases {
        for checksum in [false, true] {
            let mut out = Vec::new();
            let tlv: (u8, &[u8]) = (types::AUTHORITY, b"example.com");
            encode_v2(Some(written), &[tlv], checksum, &mut out).unwrap();
            let header = parse(&out).unwrap().unwrap();
            assert_eq!((header.len, header.endpoints), (out.len(), Some(written)));
            let mut found = tlvs(header.tlvs.of(&out));
            assert_eq!(found.next(), Some(tlv));
            assert_eq!(found.count(), usize::from(checksum));
        }
        let mut out = Vec::new();
        encode_v1(Some(written), &mut out);
        assert_eq!(parse(&out).unwrap().unwrap().endpoints, Some(written));
    }
    let mut out = Vec::new();
    encode_v1(None, &mut out);
    assert_eq!(out, b"PROXY UNKNOWN\r\n");
    out.clear();
    encode_v2(None, &[], true, &mut out).unwrap();
    assert_eq!(describe(&out), "none [3]");
    out.clear();
    encode_v1(Some(endpoints("1.2.3.4:5", "[::6]:7")), &mut out);
    assert_eq!(out, b"PROXY TCP6 ::ffff:1.2.3.4 ::6 5 7\r\n");
    out.clear();
    let long = vec![0; 5000];
    let tlv: (u8, &[u8]) = (types::NOOP, &long);
    assert_eq!(encode_v2(None, &[tlv], false, &mut out), Err(DoesNotFit));
    assert_eq!(out, b"");
}

#[test]
fn a_changed_byte_is_found() {
    let mut out = Vec::new();
    let written = endpoints("1.2.3.4:5", "6.7.8.9:10");
    encode_v2(Some(written), &[(types::ALPN, b"h2")], true, &mut out).unwrap();
    for at in 16..out.len() {
        let mut changed = out.clone();
        changed[at] ^= 0x40;
        // A type or length that changes may hide the checksum; nothing else may go unseen.
        let hides = (28..31).contains(&at) || (33..36).contains(&at);
        let parsed = parse(&changed);
        let passes = parsed.is_ok_and(|header| header.is_some_and(|header| header.is_intact));
        assert!(hides || !passes, "byte {at}");
    }
}

#[test]
fn what_variables_name() {
    let mut ssl = Vec::new();
    encode_ssl_tlv(5, 10, &[(types::SSL_CN, b"me"), (0x27, b"own")], &mut ssl).unwrap();
    let parsed = SslTlv::parse(&ssl).unwrap();
    assert_eq!((parsed.client, parsed.verify), (5, 10));
    let mut out = Vec::new();
    let list: &[(u8, &[u8])] = &[(types::ALPN, b"h2"), (types::SSL, &ssl), (0xea, b"vpc")];
    encode_v2(None, list, false, &mut out).unwrap();
    let section = &out[16..];
    let cases = [
        ("alpn", Some("h2")),
        ("0x01", Some("h2")),
        ("0xEA", Some("vpc")),
        ("0x000ea", Some("vpc")),
        ("ssl_cn", Some("me")),
        ("ssl_0x27", Some("own")),
        ("ssl_verify", Some("10")),
        ("ssl_version", None),
        ("netns", None),
    ];
    for (name, expected) in cases {
        let mut value = Vec::new();
        let found = TlvName::parse(name).unwrap().write(section, &mut value);
        let found = found.then(|| String::from_utf8(value).unwrap());
        assert_eq!(found.as_deref(), expected, "{name}");
    }
    for name in ["", "cn", "ssl_", "ssl_alpn", "0x", "0x123", "0xg", "1"] {
        assert_eq!(TlvName::parse(name), None, "{name}");
    }
}
