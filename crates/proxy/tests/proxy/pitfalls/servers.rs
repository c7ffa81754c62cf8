//! Pitfalls 7 to 11 and 13: servers that close, break off, say too much, or answer early.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::PASS;
use crate::proxy_pass::{HELLO, stand};
use crate::stand::Stand;
use crate::upstreams::Server;

fn get(stand: &Stand) -> String {
    stand.ask(
        0,
        b"GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n",
    )
}

#[test]
fn pitfall_07_a_kept_connection_that_was_closed_costs_nothing() {
    // It answers once on each connection, and closes it when the next request is there.
    let fickle = Server::new(|peer| {
        if peer.request().is_some() && peer.say(HELLO) {
            peer.request();
        }
    });
    let mut stand = Stand::new("race");
    // Each worker keeps connections of its own.
    stand.run(&format!(
        "worker_processes 1; http {{ access_log off; upstream group {{ server 127.0.0.1:{}; }} server {{ listen 127.0.0.1:0; {PASS} }} }}",
        fickle.port
    ));
    for _ in 0..4 {
        assert!(get(&stand).contains("\r\n\r\nhello"));
    }
    let peer = &stand.upstreams()[0].peers[0];
    assert!(peer.counts.failures.stale > 0, "{peer:?}");
    assert_eq!((peer.fails, peer.counts.unavailable), (0, 0), "{peer:?}");
    // Nobody knows what the server did with it.
    let post = b"POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    assert!(stand.ask(0, post).starts_with("HTTP/1.1 502 "));
}

#[test]
fn pitfall_08_nothing_is_sent_again_that_may_have_been_done_or_seen() {
    let check = |answer: &str, method: &str, expected: &str, asked: usize| {
        let first = Server::saying_once(answer);
        let second = Server::saying(HELLO);
        let stand = stand("again", PASS, &[&first, &second]);
        let request = format!(
            "{method} / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"
        );
        let got = stand.ask(0, request.as_bytes());
        assert!(got.starts_with(expected), "{method} {answer:?}: {got}");
        assert_eq!(second.unheard(), asked, "{method} {answer:?}");
    };
    for method in ["POST", "LOCK", "PATCH"] {
        check("", method, "HTTP/1.1 502 ", 0);
    }
    for method in ["GET", "PUT", "DELETE"] {
        check("", method, "HTTP/1.1 200 ", 1);
    }
    let part = "HTTP/1.1 206 Part\r\nContent-Length: 9\r\n\r\nabc";
    check(part, "GET", "HTTP/1.1 206 Part", 0);
}

#[test]
fn pitfall_09_what_a_server_says_unasked_reaches_nobody() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let check = |pause: Option<Duration>| {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let server = Server::new(move |peer| {
            count.fetch_add(1, Ordering::Relaxed);
            while peer.request().is_some() {
                match pause {
                    None => peer.say(&format!("{HELLO}{evil}")),
                    Some(pause) => {
                        peer.say(HELLO);
                        std::thread::sleep(pause);
                        peer.say(evil)
                    }
                };
            }
        });
        let stand = stand("unasked", PASS, &[&server]);
        for _ in 0..3 {
            let got = get(&stand);
            assert!(got.ends_with("\r\n\r\nhello"), "{pause:?}: {got}");
            std::thread::sleep(pause.unwrap_or_default() * 5);
        }
        assert_eq!(connections.load(Ordering::Relaxed), 3, "{pause:?}");
    };
    check(None);
    check(Some(Duration::from_millis(20)));
}

#[test]
fn pitfall_10_a_body_that_breaks_off_has_no_clean_end() {
    let check = |answer: &str, whole: &str| {
        let server = Server::saying_once(answer);
        let stand = stand("cut", PASS, &[&server]);
        // The connection would be kept.
        let got = stand.ask(0, b"GET / HTTP/1.1\r\nHost: me\r\n\r\n");
        assert!(got.contains("abc"), "{answer}: {got}");
        assert!(!got.ends_with(whole), "{answer}: {got}");
    };
    let ok = "HTTP/1.1 200 OK\r\n";
    check(
        &format!("{ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        "0\r\n\r\n",
    );
    check(
        &format!("{ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
        "0\r\n\r\n",
    );
    check(
        &format!("{ok}Transfer-Encoding: chunked\r\n\r\n9\r\nabc"),
        "0\r\n\r\n",
    );
    check(&format!("{ok}Content-Length: 6\r\n\r\nabc"), "abcdef");
}

#[test]
fn pitfall_11_what_has_no_body_has_none() {
    let check = |method: &str, answer: &str, expected: &str| {
        let server = Server::saying(answer);
        let stand = stand("bodiless", PASS, &[&server]);
        // The second answer begins where the first one ends.
        let request = format!("{method} / HTTP/1.1\r\nHost: me\r\n");
        let both = format!("{request}\r\n{request}Connection: close\r\n\r\n");
        let got = stand.ask(0, both.as_bytes());
        assert_eq!(got.matches(expected).count(), 2, "{answer}: {got}");
        assert_eq!(got.matches("HTTP/1.1 ").count(), 2, "{answer}: {got}");
        let (head, rest) = got.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(expected), "{answer}: {got}");
        assert!(rest.starts_with(expected), "{answer}: {got}");
        assert!(rest.ends_with("\r\n\r\n"), "{answer}: {got}");
    };
    check(
        "HEAD",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 ",
    );
    check(
        "HEAD",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 ",
    );
    check(
        "GET",
        "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 204 ",
    );
    check(
        "GET",
        "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 ",
    );
    // Hints are dropped unless they are asked for.
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n";
    check(
        "GET",
        &format!("{early}HTTP/1.1 204 None\r\n\r\n"),
        "HTTP/1.1 204 ",
    );
}

#[test]
fn pitfall_13_an_early_answer_ends_the_upload() {
    for buffering in ["on", "off"] {
        let server = Server::new(|peer| {
            let _ = peer.stream.read(&mut [0; 100]);
            peer.say("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
            std::thread::sleep(Duration::from_millis(300));
        });
        let inside = format!(
            "client_max_body_size 0; location / {{ proxy_pass http://group; proxy_request_buffering {buffering}; }}"
        );
        let stand = stand("upload", &inside, &[&server]);
        let mut client = stand.connect(0);
        client
            .write_all(b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 8000000\r\n\r\n")
            .unwrap();
        if buffering == "on" {
            client.write_all(&[b'x'; 8_000_000]).unwrap();
        } else {
            // The rest never comes, and is not waited for.
            client.write_all(&[b'x'; 1000]).unwrap();
        }
        let mut got = [0; 12];
        client.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"HTTP/1.1 403", "{buffering}");
    }
}
