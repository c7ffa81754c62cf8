//! The twenty pitfalls of a load balancer, each by its number; the one about HTTP/2 (17) waits for HTTP/2.
//!
//! Here: what may be in a message. `servers`: what goes wrong with servers. `clients`: slow, large and impatient clients.
//! `state`: what is counted and remembered; names that change under a request are in the tests of `balancer`.

mod clients;
mod servers;
mod state;

use crate::proxy_pass::{HELLO, stand};
use crate::upstreams::Server;

pub(crate) const PASS: &str = "location / { proxy_pass http://group; }";

/// Sends a request whose answer must begin with a status line of that code. What refuses it must not have asked the server,
/// and must have closed the connection: the request that follows in the same bytes is never answered, nor passed on.
fn refused(name: &str, requests: &[(&str, u16)]) {
    let server = Server::saying(HELLO);
    let stand = stand(name, PASS, &[&server]);
    for (request, status) in requests {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n";
        let got = stand.ask(0, format!("{request}{smuggled}").as_bytes());
        let expected = format!("HTTP/1.1 {status} ");
        assert!(got.starts_with(&expected), "{request:?}: {got}");
        assert_eq!(got.matches("HTTP/1.1 ").count(), 1, "{request:?}: {got}");
        assert_eq!(server.unheard(), 0, "{request:?}");
    }
}

/// Sends a request that must be served, and gives back what the server was asked.
fn passed(name: &str, inside: &str, request: &str) -> String {
    let server = Server::saying(HELLO);
    let stand = stand(name, inside, &[&server]);
    let got = stand.ask(0, request.as_bytes());
    assert!(got.contains("\r\n\r\nhello"), "{request:?}: {got}");
    server.heard()
}

#[test]
fn pitfall_01_hop_by_hop_fields_end_here_both_ways() {
    let heard = passed(
        "hop",
        PASS,
        "POST / HTTP/1.1\r\nHost: me\r\nConnection: close, X-Hop, Host, Content-Length, Authorization\r\nX-Hop: 1\r\n\
         Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: h2c\r\nAuthorization: a\r\nContent-Length: 2\r\n\r\nok",
    );
    for gone in [
        "X-Hop",
        "Keep-Alive",
        "Proxy-Connection",
        "TE:",
        "Upgrade",
        "Connection",
    ] {
        assert!(!heard.contains(gone), "{gone}: {heard}");
    }
    // A client cannot have the framing or the host taken away.
    assert!(
        heard.contains("Host: group\r\n") && heard.contains("Content-Length: 2\r\n"),
        "{heard}"
    );
    let server = Server::saying(
        "HTTP/1.1 200 OK\r\nConnection: X-Hop, Content-Length\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nContent-Length: 5\r\n\r\nhello",
    );
    let stand = stand("hop-back", PASS, &[&server]);
    let got = stand.ask(
        0,
        b"GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n",
    );
    assert!(
        got.contains("Content-Length: 5\r\n") && got.ends_with("hello"),
        "{got}"
    );
    assert!(
        !got.contains("X-Hop") && !got.contains("Keep-Alive: 5"),
        "{got}"
    );
}

#[test]
fn pitfall_02_a_length_that_is_said_twice_is_refused() {
    let post = "POST / HTTP/1.1\r\nHost: me\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    refused(
        "length",
        &[
            (
                &format!("{post}Content-Length: 5\r\n{chunked}\r\n0\r\n\r\n"),
                400,
            ),
            (
                &format!("{post}{chunked}Content-Length: 5\r\n\r\n0\r\n\r\n"),
                400,
            ),
            (
                &format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
                400,
            ),
            (&format!("{post}Content-Length: 5, 6\r\n\r\nhello"), 400),
            (&format!("{post}Content-Length: +5\r\n\r\nhello"), 400),
            (&format!("{post}Content-Length: 0x5\r\n\r\nhello"), 400),
            (
                &format!("{post}Content-Length: 99999999999999999999\r\n\r\nhello"),
                400,
            ),
        ],
    );
}

#[test]
fn pitfall_03_any_coding_but_chunked_is_refused() {
    let post = "POST / HTTP/1.1\r\nHost: me\r\nTransfer-Encoding:";
    refused(
        "coding",
        &[
            (&format!("{post} gzip, chunked\r\n\r\n0\r\n\r\n"), 501),
            (&format!("{post} xchunked\r\n\r\n0\r\n\r\n"), 501),
            (
                &format!("{post} chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
                400,
            ),
            (&format!("{post}\x0bchunked\r\n\r\n0\r\n\r\n"), 501),
            (
                "POST / HTTP/1.0\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400,
            ),
        ],
    );
}

#[test]
fn pitfall_04_no_byte_ends_a_line_that_should_not() {
    let get = "GET / HTTP/1.1\r\nHost: me\r\n";
    refused(
        "lines",
        &[
            (&format!("{get}A: b\rC: d\r\n\r\n"), 400),
            (&format!("{get}A: b\0c\r\n\r\n"), 400),
            (&format!("{get}A: b\r\n c\r\n\r\n"), 400),
            (&format!("{get}A : b\r\n\r\n"), 400),
            ("GET / HTTP/1.1\r\n Host: me\r\n\r\n", 400),
            ("GET /a\0b HTTP/1.1\r\nHost: me\r\n\r\n", 400),
            ("GET /%00 HTTP/1.1\r\nHost: me\r\n\r\n", 400),
        ],
    );
    let request =
        "GET /a%0d%0aEvil:%201?b=%0d%0aEvil:%201 HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n";
    for inside in [
        "location / { proxy_pass http://group/x/; }",
        "location / { proxy_set_header X-Uri $uri; proxy_pass http://group; }",
        "location / { proxy_set_header X-Arg $arg_b; proxy_pass http://group; }",
        "location / { rewrite ^/(.*)$ /y/$1 break; proxy_pass http://group; }",
        "location / { proxy_pass http://group$uri; }",
    ] {
        let server = Server::saying(HELLO);
        let stand = stand("injection", inside, &[&server]);
        let got = stand.ask(0, request.as_bytes());
        // It is passed on with the bytes escaped, or not at all.
        assert!(got.starts_with("HTTP/1.1 "), "{inside}: {got}");
        if got.starts_with("HTTP/1.1 200 ") {
            let heard = server.heard();
            assert!(!heard.contains("\r\nEvil:"), "{inside}: {heard}");
        }
        assert_eq!(server.unheard(), 0, "{inside}");
    }
    for inside in [
        "location / { return 302 http://other$uri; }",
        "location / { add_header X-Uri $uri; return 200 ok; }",
    ] {
        let server = Server::saying(HELLO);
        let stand = stand("injection-back", inside, &[&server]);
        let got = stand.ask(0, request.as_bytes());
        assert!(got.starts_with("HTTP/1.1 "), "{inside}: {got}");
        assert!(!got.contains("\nEvil:"), "{inside}: {got}");
    }
}

#[test]
fn pitfall_05_chunks_are_exact() {
    let post = "POST / HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = format!("{post}1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20));
    refused(
        "chunks",
        &[
            (&format!("{post}fffffffffffffffff\r\na"), 400),
            (&format!("{post}-1\r\na\r\n0\r\n\r\n"), 400),
            (&format!("{post}0x1\r\na\r\n0\r\n\r\n"), 400),
            (&format!("{post} 1\r\na\r\n0\r\n\r\n"), 400),
            (&format!("{post}1\na\n0\n\n"), 400),
            (&format!("{post}1\r\nab\r\n0\r\n\r\n"), 400),
            (&format!("{post}1\r\na\r\n0\r\nA: b\rc\r\n\r\n"), 400),
            (&long, 400),
        ],
    );
    // What follows a chunk's size is not passed on.
    let request = format!(
        "{}1;a=b\r\nx\r\n0\r\nHost: evil\r\n\r\n",
        post.replace("Host: me\r\n", "Host: me\r\nConnection: close\r\n")
    );
    let heard = passed("chunks-good", PASS, &request);
    assert!(heard.ends_with("Content-Length: 1\r\n\r\nx"), "{heard}");
}

#[test]
fn pitfall_06_only_a_servers_101_opens_a_tunnel() {
    let inside = "location / { proxy_pass http://group; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }";
    let server = Server::saying(HELLO);
    let stand = stand("tunnel", inside, &[&server]);
    let got = stand.ask(
        0,
        b"GET / HTTP/1.1\r\nHost: me\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nGET /second HTTP/1.1\r\nHost: me\r\nConnection: close\r\nX-Forwarded-For: evil\r\n\r\n",
    );
    assert_eq!(got.matches("HTTP/1.1 200 ").count(), 2, "{got}");
    // Each is a request of its own that the proxy made.
    assert!(server.heard().starts_with("GET / "));
    assert!(
        server
            .heard()
            .starts_with("GET /second HTTP/1.1\r\nHost: group\r\n")
    );
}

#[test]
fn pitfall_18_trailers_go_only_where_they_are_wanted() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n";
    for (directive, wants, passes) in [
        ("", "trailers", false),
        ("proxy_pass_trailers on;", "trailers", true),
    ] {
        let server = Server::saying(answer);
        let inside = format!("location / {{ proxy_pass http://group; {directive} }}");
        let stand = stand("trailers", &inside, &[&server]);
        let request =
            format!("GET / HTTP/1.1\r\nHost: me\r\nConnection: close, TE\r\nTE: {wants}\r\n\r\n");
        let got = stand.ask(0, request.as_bytes());
        let tail = got.split_once("1\r\na\r\n0\r\n").map(|(_, tail)| tail);
        let has = tail.is_some_and(|tail| tail.contains("X-Sum: 1\r\n"));
        assert_eq!(has, passes, "{directive} {wants}: {got}");
        assert!(!got.contains("Content-Length"), "{directive}: {got}");
        assert!(got.ends_with("\r\n\r\n"), "{directive}: {got}");
    }
}

#[test]
fn pitfall_19_a_clients_address_is_believed_from_trusted_peers_only() {
    let show = "location / { proxy_set_header X-Client $remote_addr; proxy_pass http://group; }";
    let told = "GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.7\r\n\r\n";
    for (trusted, expected) in [
        ("", "127.0.0.1"),
        ("real_ip_header X-Forwarded-For;", "127.0.0.1"),
        (
            "set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;",
            "127.0.0.1",
        ),
        (
            "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;",
            "192.0.2.7",
        ),
        (
            "set_real_ip_from 127.0.0.1; set_real_ip_from 192.0.2.7; real_ip_recursive on; real_ip_header X-Forwarded-For;",
            "192.0.2.1",
        ),
    ] {
        let heard = passed("realip", &format!("{trusted} {show}"), told);
        let field = format!("X-Client: {expected}\r\n");
        assert!(heard.contains(&field), "{trusted}: {heard}");
    }
}
