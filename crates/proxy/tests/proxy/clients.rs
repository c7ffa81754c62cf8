//! Clients that are late, or go on talking where they are refused.

use std::io::{Read as _, Write as _};
use std::thread::sleep;
use std::time::Duration;

use crate::proxy_pass::{HELLO, stand};
use crate::stand::{Stand, converse};
use crate::upstreams::Server;

/// Longer than answers and resets take here.
const A_WHILE: Duration = Duration::from_millis(50);

#[test]
fn the_time_of_a_body_is_its_own() {
    let hasty = Server::new(|peer| {
        let mut bytes = [0; 1000];
        let _ = peer.stream.read(&mut bytes);
        peer.say("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
        sleep(A_WHILE * 4);
    });
    let patient = Server::saying(HELLO);
    let inside = format!(
        "client_body_timeout 600ms; location /hasty {{ proxy_pass http://group; proxy_request_buffering off; }}
         location / {{ proxy_pass http://127.0.0.1:{}; }}",
        patient.port
    );
    let stand = stand("body-time", &inside, &[&hasty]);
    let mut client = stand.connect(0);
    let mut ask = |head: &[u8], after: Duration, body: &[u8]| {
        client.write_all(head).unwrap();
        sleep(after);
        client.write_all(body).unwrap();
        let mut got = vec![0; 1000];
        let count = client.read(&mut got).unwrap();
        String::from_utf8_lossy(&got[..count]).into_owned()
    };
    let host = "Host: me\r\nContent-Length: 2\r\n\r\n";
    // Answered while its body is waited for.
    let early = format!("POST /hasty HTTP/1.1\r\n{host}x");
    let got = ask(early.as_bytes(), A_WHILE, b"x");
    assert!(got.starts_with("HTTP/1.1 401 "), "{got}");
    // The time of that body would be over while this one is waited for.
    sleep(A_WHILE * 6);
    let post = format!("POST / HTTP/1.1\r\n{host}");
    let got = ask(post.as_bytes(), A_WHILE * 7, b"ok");
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
}

#[test]
fn a_refusal_reaches_a_client_that_has_said_more() {
    let server = Server::saying(HELLO);
    let stand = stand(
        "refusals",
        "location / { proxy_pass http://group; } location /no { return 403; }",
        &[&server],
    );
    let fields = format!("A: {}\r\n", "x".repeat(90)).repeat(40);
    let next = "GET /next HTTP/1.1\r\nHost: me\r\n\r\n".repeat(100);
    let close = "Host: me\r\nConnection: close\r\n\r\n";
    for (request, expected) in [
        (format!("GET /x HTTP/9.9\r\n{fields}\r\n"), "505"),
        (format!("GET /x HTTP/1.1\r\nA : b\r\n{fields}\r\n"), "400"),
        (format!("TRACE / HTTP/1.1\r\nHost: me\r\n\r\n{next}"), "405"),
        (format!("GET /no HTTP/1.1\r\n{close}{next}"), "403"),
        (format!("GET / HTTP/1.1\r\n{close}{next}"), "200"),
    ] {
        let mut client = stand.connect(0);
        client.write_all(request.as_bytes()).unwrap();
        sleep(A_WHILE);
        let mut got = Vec::new();
        let end = client.read_to_end(&mut got);
        let got = String::from_utf8_lossy(&got);
        assert!(end.is_ok(), "{request:.60}: {end:?} after {got}");
        assert!(
            got.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{request:.60}: {got}"
        );
        assert_eq!(got.matches("HTTP/1.1 ").count(), 1, "{request:.60}: {got}");
    }
}

#[test]
fn who_has_just_connected_is_served_by_a_worker_that_is_to_end() {
    let mut stand = Stand::new("just-connected");
    let text = |workers: usize| {
        format!(
            "worker_processes {workers}; http {{ server {{
                listen 127.0.0.1:0; listen 127.0.0.2:0 proxy_protocol; location / {{ return 200 ok; }}
            }} }}"
        )
    };
    stand.run(&text(4));
    // Enough that not all are with the worker that stays.
    let clients: Vec<_> = (0..32)
        .map(|count| (stand.connect(count % 2), count % 2))
        .collect();
    sleep(A_WHILE);
    stand.run(&text(1));
    sleep(A_WHILE);
    let request = "GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n";
    let header = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n";
    for (client, index) in clients {
        let header = if index == 1 { header } else { "" };
        let got = converse(client, format!("{header}{request}").as_bytes());
        assert!(got.ends_with("\r\n\r\nok"), "{index}: {got}");
    }
}
