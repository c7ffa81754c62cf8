//! Servers' answers on their way: what passes of them, and how fast.

use crate::proxy_pass::stand;
use crate::upstreams::Server;

#[test]
fn early_hints_pass_no_more_than_answers_do() {
    let server = Server::saying_once(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Accel-Redirect: /z\r\nServer: secret\r\nContent-Length: 5\r\n\
         Connection: X-Hop\r\nX-Hop: 1\r\nX-Hidden: 1\r\nKeep-Alive: 5\r\nX-Seen: 1\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let inside = "location / { proxy_pass http://group; proxy_hide_header X-Hidden; early_hints $arg_hints; }";
    let stand = stand("hints", inside, &[&server]);
    let ask = |target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n");
        stand.ask(0, request.as_bytes())
    };
    let got = ask("/?hints=1");
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Seen: 1\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(got.starts_with(hints), "{got}");
    assert!(got.ends_with("\r\n\r\nok"), "{got}");
    let got = ask("/");
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
}

#[test]
fn a_pause_of_ours_is_no_silence_of_the_server() {
    let body = "x".repeat(30_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n{body}");
    let server = Server::saying_once(&answer);
    let inside = "location / { proxy_pass http://group; proxy_buffering off; proxy_limit_rate 20k; proxy_read_timeout 200ms; }";
    let stand = stand("pace", inside, &[&server]);
    let began = std::time::Instant::now();
    let got = stand.ask(
        0,
        b"GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n",
    );
    assert!(
        got.ends_with(&format!("\r\n\r\n{body}")),
        "{} bytes",
        got.len()
    );
    // There was a pause, and it was longer than the server may be silent.
    assert!(began.elapsed().as_millis() > 400, "{:?}", began.elapsed());
}

#[test]
fn the_end_of_an_answer_waits_for_no_acknowledgement() {
    let body = "x".repeat(70_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n{body}");
    let server = Server::saying(&answer);
    let stand = stand(
        "nodelay",
        "location / { proxy_pass http://group; }",
        &[&server],
    );
    let mut client = stand.connect(0);
    let began = std::time::Instant::now();
    // Nagle's algorithm would cost most of these answers 40 ms each.
    for _ in 0..50 {
        let request = b"GET / HTTP/1.1\r\nHost: me\r\n\r\n";
        std::io::Write::write_all(&mut client, request).unwrap();
        let mut got = Vec::new();
        while got.len() < 70_000 || !got.ends_with(body.as_bytes()) {
            let mut piece = vec![0; 64 << 10];
            let count = std::io::Read::read(&mut client, &mut piece).unwrap();
            assert!(count > 0);
            got.extend_from_slice(&piece[..count]);
        }
    }
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_millis(1500), "{took:?}");
}
