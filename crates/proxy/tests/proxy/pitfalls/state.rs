//! Pitfall 20: what is counted and remembered, over reloads and whatever way a request ends.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::proxy_pass::{HELLO, stand};
use crate::stand::Stand;
use crate::upstreams::Server;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n";

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn conns(stand: &Stand) -> u32 {
    let groups = stand.upstreams();
    groups
        .iter()
        .flat_map(|group| &group.peers)
        .map(|peer| peer.conns)
        .sum()
}

#[test]
fn pitfall_20_every_way_out_gives_a_server_back() {
    let answers = [
        HELLO,
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 500 Ill\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX-Accel-Redirect: /in/\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ];
    for answer in answers {
        let server = Server::saying_once(answer);
        let silent = Server::new(|peer| {
            peer.request();
            let _ = peer.stream.read(&mut [0; 1]);
        });
        let inside = "location / { proxy_pass http://group; proxy_read_timeout 100ms; proxy_next_upstream off; } location /in/ { internal; return 204; }";
        let stand = stand("out", inside, &[&server, &silent]);
        let get = "GET / HTTP/1.1\r\nHost: me\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\n";
        // One by the server, one by the silent one, who is timed out; and both once more for clients that go away.
        for _ in 0..2 {
            stand.ask(0, get.as_bytes());
        }
        let mut clients: Vec<_> = (0..2).map(|_| stand.connect(0)).collect();
        for client in &mut clients {
            client.write_all(get.as_bytes()).unwrap();
        }
        until("all were read", || stand.requests() >= 4);
        std::thread::sleep(Duration::from_millis(20));
        drop(clients);
        until(answer, || conns(&stand) == 0);
    }
}

#[test]
fn pitfall_20_a_reload_keeps_what_is_known_and_lets_requests_end() {
    let held = Arc::new(AtomicBool::new(true));
    let connections = Arc::new(AtomicUsize::new(0));
    let (hold, count) = (held.clone(), connections.clone());
    let live = Server::new(move |peer| {
        count.fetch_add(1, Ordering::Relaxed);
        while let Some(request) = peer.request() {
            if request.starts_with("GET /held ") {
                until("let go", || !hold.load(Ordering::Relaxed));
            }
            peer.say(HELLO);
        }
    });
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead_port = dead.local_addr().unwrap().port();
    drop(dead);
    let mut stand = Stand::new("kept");
    // A port that stays the same over the reload.
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let config = |tag: &str| {
        format!(
            "worker_processes 1; http {{ access_log off; upstream group {{ least_conn; server 127.0.0.1:{dead_port} fail_timeout=60s; server 127.0.0.1:{}; keepalive 8; }}
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://group; add_header X-Tag {tag}; }} }} }}",
            live.port
        )
    };
    stand.run(&config("old"));
    assert!(stand.ask(0, GET).contains("X-Tag: old\r\n"));
    let mut slow = stand.connect(0);
    slow.write_all(b"GET /held HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n")
        .unwrap();
    until("the slow request is there", || conns(&stand) == 1);
    let before = connections.load(Ordering::Relaxed);
    stand.run(&config("new"));
    assert!(stand.ask(0, GET).contains("X-Tag: new\r\n"));
    assert!(stand.ask(0, GET).contains("X-Tag: new\r\n"));
    let group = &stand.upstreams()[0];
    let (failed, kept) = (&group.peers[0], &group.peers[1]);
    assert_eq!(failed.state, proxy::State::Unavailable, "{failed:?}");
    assert_eq!(failed.counts.requests, 1, "{failed:?}");
    // least_conn counts the request that the old configuration began.
    assert_eq!(kept.conns, 1, "{kept:?}");
    // While that request has its connection, the others share one, at most.
    assert!(connections.load(Ordering::Relaxed) <= before + 1);
    held.store(false, Ordering::Relaxed);
    let mut got = String::new();
    slow.read_to_string(&mut got).unwrap();
    assert!(
        got.contains("X-Tag: old\r\n") && got.ends_with("hello"),
        "{got}"
    );
    until("it is given back", || conns(&stand) == 0);
}

#[test]
fn pitfall_20_one_request_tries_whether_a_server_is_back() {
    let hung = Arc::new(AtomicBool::new(true));
    let asked = Arc::new(AtomicUsize::new(0));
    let (hangs, count) = (hung.clone(), asked.clone());
    let ill = Server::new(move |peer| {
        if peer.request().is_some() {
            count.fetch_add(1, Ordering::Relaxed);
            until("it is well", || !hangs.load(Ordering::Relaxed));
        }
    });
    let well = Server::saying(HELLO);
    let mut stand = Stand::new("probe");
    stand.run(&format!(
        "worker_processes 2; http {{ access_log off; upstream group {{ server 127.0.0.1:{} fail_timeout=1s; server 127.0.0.1:{}; }}
         server {{ listen 127.0.0.1:0; location / {{ proxy_pass http://group; proxy_read_timeout 300ms; }} }} }}",
        ill.port, well.port
    ));
    let herd = || {
        std::thread::scope(|scope| {
            let asking = (0..20).map(|_| scope.spawn(|| stand.ask(0, GET)));
            let asking: Vec<_> = asking.collect();
            for got in asking {
                assert!(got.join().unwrap().ends_with("hello"));
            }
        });
    };
    herd();
    assert_eq!(
        stand.upstreams()[0].peers[0].state,
        proxy::State::Unavailable
    );
    let before = asked.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(1100));
    herd();
    assert_eq!(asked.load(Ordering::Relaxed), before + 1);
    hung.store(false, Ordering::Relaxed);
}
