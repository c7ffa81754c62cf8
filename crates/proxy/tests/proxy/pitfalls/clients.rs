//! Pitfalls 12 and 14 to 16: clients that wait, hang up half-way, read nothing, or are slow on purpose.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::PASS;
use crate::proxy_pass::{HELLO, stand};
use crate::upstreams::Server;

/// Reads to the end of a head; its first line.
fn status(client: &mut TcpStream) -> String {
    let mut got = Vec::new();
    let mut byte = [0];
    while !got.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() == 1 {
        got.push(byte[0]);
    }
    let got = String::from_utf8_lossy(&got).into_owned();
    got.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn pitfall_12_a_client_that_expects_100_is_told_to_go_on() {
    let server = Server::saying(HELLO);
    let stand = stand("expect", PASS, &[&server]);
    let mut client = stand.connect(0);
    client
        .write_all(
            b"POST / HTTP/1.1\r\nHost: me\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        )
        .unwrap();
    assert_eq!(status(&mut client), "HTTP/1.1 100 Continue");
    client.write_all(b"ok").unwrap();
    assert_eq!(status(&mut client), "HTTP/1.1 200 OK");
    let heard = server.heard();
    assert!(
        heard.ends_with("\r\n\r\nok") && !heard.contains("Expect"),
        "{heard}"
    );
    // Who is refused is not asked to send first.
    let mut client = stand.connect(0);
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: me\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        .unwrap();
    assert!(status(&mut client).starts_with("HTTP/1.1 413 "));
}

#[test]
fn pitfall_14_a_client_may_close_its_half_and_sees_the_answer_to_what_it_still_sends() {
    let slow = Server::new(|peer| {
        if peer.request().is_some() {
            std::thread::sleep(Duration::from_millis(100));
            peer.say(HELLO);
        }
    });
    let inside = "location / { proxy_pass http://group; proxy_ignore_client_abort on; } location /small { client_max_body_size 1; proxy_pass http://group; }";
    let stand = stand("half", inside, &[&slow]);
    let mut client = stand.connect(0);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: me\r\n\r\n")
        .unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    client.read_to_string(&mut got).unwrap();
    assert!(got.ends_with("\r\n\r\nhello"), "{got}");
    // A reset in place of a lingering close would take the answer away from a client that is still sending.
    let mut client = stand.connect(0);
    client
        .write_all(b"POST /small HTTP/1.1\r\nHost: me\r\nContent-Length: 5000000\r\n\r\n")
        .unwrap();
    for _ in 0..50 {
        client.write_all(&[b'x'; 100_000]).unwrap();
    }
    assert!(status(&mut client).starts_with("HTTP/1.1 413 "));
}

#[test]
fn pitfall_15_a_client_that_reads_nothing_holds_no_memory() {
    /// The server would send so much.
    const ALL: usize = 256 << 20;
    /// What two connections' buffers in the kernel and ours may swallow.
    const HELD: usize = 48 << 20;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let server = Server::new(move |peer| {
        if peer.request().is_none() {
            return;
        }
        peer.say(&format!("HTTP/1.1 200 OK\r\nContent-Length: {ALL}\r\n\r\n"));
        let piece = "x".repeat(64 << 10);
        while peer.say(&piece) {
            count.fetch_add(piece.len(), Ordering::Relaxed);
        }
    });
    let inside = "location / { proxy_pass http://group; proxy_max_temp_file_size 0; }";
    let stand = stand("slow-reader", inside, &[&server]);
    let mut client = stand.connect(0);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: me\r\n\r\n")
        .unwrap();
    // Until nothing more goes.
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = sent.load(Ordering::Relaxed);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    assert!(before < HELD, "{before} bytes were taken from the server");
    // It goes on once the client reads.
    let mut rest = vec![0; before];
    client.read_exact(&mut rest).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while sent.load(Ordering::Relaxed) <= before {
        assert!(Instant::now() < until, "it does not go on");
        std::thread::yield_now();
    }
}

#[test]
fn pitfall_16_slow_and_large_requests_have_their_limits() {
    let server = Server::saying(HELLO);
    let inside = "client_header_timeout 200ms; client_body_timeout 200ms; send_timeout 200ms; keepalive_timeout 300ms;
        client_max_body_size 10; large_client_header_buffers 2 1k; location / { proxy_pass http://group; }";
    let stand = stand("slow", inside, &[&server]);
    let host = "Host: me\r\n";
    let long = "x".repeat(2000);
    let check = |request: &str, expected: &str| {
        let began = Instant::now();
        let got = stand.ask(0, request.as_bytes());
        assert!(got.starts_with(expected), "{request:.60}: {got}");
        assert!(
            got.is_empty() == expected.is_empty(),
            "{request:.60}: {got}"
        );
        began.elapsed()
    };
    // Time: no byte, half a head, half a body.
    for (request, expected) in [
        ("", ""),
        ("GET / HTTP/1.1\r\nHo", "HTTP/1.1 408 "),
        (
            "POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n\r\nab",
            "HTTP/1.1 408 ",
        ),
    ] {
        let took = check(request, expected);
        assert!(took > Duration::from_millis(150), "{request}: {took:?}");
        assert!(took < Duration::from_secs(5), "{request}: {took:?}");
    }
    // Size: the line, a field, all fields, the body.
    check(
        &format!("GET /{long} HTTP/1.1\r\n{host}\r\n"),
        "HTTP/1.1 414 ",
    );
    check(
        &format!("GET / HTTP/1.1\r\n{host}A: {long}\r\n\r\n"),
        "HTTP/1.1 400 ",
    );
    let many = "A: b\r\n".repeat(900);
    check(
        &format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
        "HTTP/1.1 400 ",
    );
    check(
        &format!("POST / HTTP/1.1\r\n{host}Content-Length: 11\r\n\r\n"),
        "HTTP/1.1 413 ",
    );
    check(
        &format!(
            "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"
        ),
        "HTTP/1.1 413 ",
    );
    let chunked = format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n");
    check(&format!("{chunked}100000000\r\n"), "HTTP/1.1 413 ");
    assert_eq!(server.unheard(), 0);
    // A head that trickles in is over at its time, however often a byte comes.
    let mut client = stand.connect(0);
    let began = Instant::now();
    let mut refused = false;
    while !refused && began.elapsed() < Duration::from_secs(5) {
        refused = match client.write_all(b"G") {
            Ok(()) => false,
            Err(error) => matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
            ),
        };
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(refused, "it trickles for ever");
}
