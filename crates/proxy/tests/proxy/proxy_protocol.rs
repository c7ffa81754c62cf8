//! The PROXY protocol in front of requests.

use crate::stand::Stand;

#[test]
fn what_a_header_says() {
    let mut stand = Stand::new("proxy-protocol");
    stand.run(
        "worker_processes 1;
        http {
            log_format seen '$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port $proxy_protocol_tlv_alpn $remote_addr $status';
            access_log seen.log seen;
            server { listen 127.0.0.1:0 proxy_protocol; }
        }",
    );
    let v2 = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x11"[..],
        &[192, 0, 2, 5, 192, 0, 2, 6, 0, 7, 0, 80],
        b"\x01\0\x02h2",
    ]
    .concat();
    let check = |header: &[u8], expected: &str| {
        let got = stand.ask(0, &[header, b"GET / HTTP/1.0\r\n\r\n"].concat());
        assert_eq!(got.lines().next().unwrap_or_default(), expected);
    };
    let answer = "HTTP/1.1 404 Not Found";
    check(b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", answer);
    check(b"PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n", answer);
    check(b"PROXY UNKNOWN\r\n", answer);
    check(&v2, answer);
    check(b"", "");
    check(b"PROXY TCP4 192.0.2.1\r\n", "");
    let expected = [
        "192.0.2.1 1234 192.0.2.2 80 - 127.0.0.1 404",
        "2001:db8::1 1234 2001:db8::2 80 - 127.0.0.1 404",
        "- - - - - 127.0.0.1 404",
        "192.0.2.5 7 192.0.2.6 80 h2 127.0.0.1 404",
    ];
    assert_eq!(stand.lines("seen.log", expected.len()), expected);
}
