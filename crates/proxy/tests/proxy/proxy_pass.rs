//! `proxy_pass`: what servers are asked, which answers clients get, and which server is tried next.

use crate::stand::Stand;
use crate::upstreams::Server;

pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Mine: 1\r\n\r\nhello";

/// A proxy whose only server has `inside`; `PORT` is the upstream's.
pub(crate) fn stand(name: &str, inside: &str, servers: &[&Server]) -> Stand {
    let mut stand = Stand::new(name);
    let lines: Vec<_> = servers
        .iter()
        .map(|server| format!("server 127.0.0.1:{};", server.port))
        .collect();
    let inside = inside.replace("PORT", &servers[0].port.to_string());
    stand.run(&format!(
        "http {{ log_format t '$status $upstream_status $upstream_addr'; access_log log t;
         upstream group {{ {} keepalive 1000; }}
         server {{ listen 127.0.0.1:0; {inside} }} }}",
        lines.concat()
    ));
    stand
}

fn get(stand: &Stand, target: &str, fields: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: me\r\nConnection: close\r\n{fields}\r\n");
    stand.ask(0, request.as_bytes())
}

#[test]
fn what_a_server_is_asked() {
    let check = |inside: &str, request: &str, expected: &str| {
        let server = Server::saying(HELLO);
        let stand = stand("asked", inside, &[&server]);
        let answer = stand.ask(0, request.as_bytes());
        assert!(
            answer.contains("\r\n\r\nhello"),
            "{inside} {request} {answer}"
        );
        let port = format!("127.0.0.1:{}", server.port);
        assert_eq!(
            server.heard().replace(&port, "SERVER"),
            expected,
            "{inside}"
        );
    };
    let plain = "location / { proxy_pass http://group; }";
    let close = "Host: me\r\nConnection: close, X-Hop\r\n";
    check(
        plain,
        &format!("GET /a%20b/../c?d HTTP/1.1\r\n{close}X-Hop: 1\r\nA: b\r\n\r\n"),
        "GET /a%20b/../c?d HTTP/1.1\r\nHost: group\r\nA: b\r\n\r\n",
    );
    check(
        "location /x/ { proxy_pass http://127.0.0.1:PORT/y/; }",
        &format!("GET /x/a%20b?d HTTP/1.1\r\n{close}\r\n"),
        "GET /y/a%20b?d HTTP/1.1\r\nHost: SERVER\r\n\r\n",
    );
    check(
        "location / { proxy_pass http://group; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header A ''; }",
        &format!("GET / HTTP/1.1\r\n{close}A: b\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: me\r\nX-Real-IP: 127.0.0.1\r\n\r\n",
    );
    check(
        plain,
        &format!(
            "POST / HTTP/1.1\r\n{close}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ),
        "POST / HTTP/1.1\r\nHost: group\r\nContent-Length: 3\r\n\r\nabc",
    );
    check(
        plain,
        &format!("PUT / HTTP/1.1\r\n{close}Content-Length: 0\r\n\r\n"),
        "PUT / HTTP/1.1\r\nHost: group\r\nContent-Length: 0\r\n\r\n",
    );
    check(
        "location / { proxy_pass http://group; proxy_method PUT; proxy_set_body <$request_method>; }",
        &format!("GET / HTTP/1.1\r\n{close}\r\n"),
        "PUT / HTTP/1.1\r\nHost: group\r\nContent-Length: 5\r\n\r\n<GET>",
    );
    check(
        "location / { proxy_pass http://group; proxy_http_version 1.0; }",
        &format!("GET / HTTP/1.1\r\n{close}\r\n"),
        "GET / HTTP/1.0\r\nHost: group\r\n\r\n",
    );
}

#[test]
fn answers_reach_the_client() {
    let check = |inside: &str, answer: &str, expected: &[&str], absent: &[&str]| {
        let server = Server::saying_once(answer);
        let inside = format!(
            "location / {{ proxy_pass http://group; {inside} }} location /in/ {{ internal; proxy_pass http://group; }}"
        );
        let stand = stand("answers", &inside, &[&server]);
        let got = get(&stand, "/", "");
        for part in expected {
            assert!(got.contains(part), "{inside} {answer}: {part} in {got}");
        }
        for part in absent {
            assert!(!got.contains(part), "{inside} {answer}: {part} in {got}");
        }
    };
    check(
        "",
        "HTTP/1.1 201 Fine\r\nServer: other\r\nDate: x\r\nETag: \"e\"\r\nKeep-Alive: 1\r\nContent-Length: 2\r\n\r\nok",
        &["HTTP/1.1 201 Fine\r\n", "ETag: \"e\"\r\n", "\r\n\r\nok"],
        &["other", "Date: x", "Keep-Alive"],
    );
    check(
        "proxy_pass_header Server; proxy_hide_header ETag;",
        "HTTP/1.0 200 OK\r\nServer: other\r\nETag: \"e\"\r\n\r\nuntil the end",
        &[
            "Server: other\r\n",
            "chunked",
            "d\r\nuntil the end\r\n0\r\n\r\n",
        ],
        &["ETag", "Server: mainstay"],
    );
    check(
        "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        &["chunked", "5\r\nabcde\r\n0\r\n\r\n"],
        &["x=y"],
    );
    check(
        "",
        "HTTP/1.1 302 Found\r\nLocation: http://group/there\r\nContent-Length: 0\r\n\r\n",
        &["/there\r\n"],
        &["//group/"],
    );
    check(
        "proxy_cookie_path / /p/; proxy_cookie_domain group me; proxy_cookie_flags c secure samesite=lax;",
        "HTTP/1.1 200 OK\r\nSet-Cookie: c=1; Path=/; Domain=.group\r\nContent-Length: 0\r\n\r\n",
        &["Set-Cookie: c=1; Path=/p/; Domain=.me; Secure; SameSite=Lax\r\n"],
        &[],
    );
    check(
        "error_page 404 =200 /in/x; proxy_intercept_errors on;",
        "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nlost",
        &["HTTP/1.1 200 "],
        &[],
    );
    check(
        "",
        "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
        &["HTTP/1.1 204 None\r\n"],
        &["Content-Length"],
    );
}

#[test]
fn a_body_that_has_passed_is_not_sent_again_cut() {
    let dead = Server::new(|peer| {
        let mut bytes = [0; 20_000];
        let _ = std::io::Read::read_exact(&mut peer.stream, &mut bytes);
    });
    let other = Server::saying(HELLO);
    let inside = format!(
        "location / {{ proxy_pass http://group; proxy_request_buffering off; error_page 502 = @other; }}
         location @other {{ proxy_pass http://127.0.0.1:{}; }}",
        other.port
    );
    let stand = stand("lost", &inside, &[&dead]);
    let body = "x".repeat(50_000);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 50000\r\n\r\n{body}"
    );
    let got = stand.ask(0, request.as_bytes());
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    assert_eq!(other.unheard(), 0);
}

#[test]
fn heads_only_have_no_body_whoever_asks_for_them() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    let inside =
        "location / { proxy_pass http://group; proxy_method HEAD; proxy_read_timeout 9s; }";
    let stand = stand("head", inside, &[&server]);
    let began = std::time::Instant::now();
    let got = get(&stand, "/", "");
    assert!(
        got.contains("Content-Length: 2\r\n") && got.ends_with("\r\n\r\n"),
        "{got}"
    );
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_client_that_left_something_behind_is_noticed() {
    let server = Server::new(|peer| {
        let _ = peer.request();
        let _ = peer.request();
    });
    let stand = stand(
        "left",
        "location / { proxy_pass http://group; }",
        &[&server],
    );
    let mut client = stand.connect(0);
    let pipelined = "GET /a HTTP/1.1\r\nHost: me\r\n\r\nGET /b HTTP/1.1\r\nHost: me\r\n\r\n";
    std::io::Write::write_all(&mut client, pipelined.as_bytes()).unwrap();
    assert!(server.heard().starts_with("GET /a "));
    drop(client);
    assert!(stand.lines("log", 1)[0].starts_with("499 "));
}

#[test]
fn a_pool_of_dead_connections_costs_no_request() {
    let server = Server::saying_once(HELLO);
    let stand = stand(
        "dead",
        "location / { proxy_pass http://group; }",
        &[&server],
    );
    // Each answer looks as if its connection stayed, and it does not.
    let all: Vec<_> = (0..300).map(|_| stand.connect(0)).collect();
    let get = b"GET / HTTP/1.1\r\nHost: me\r\n\r\n";
    for mut client in &all {
        std::io::Write::write_all(&mut client, get).unwrap();
    }
    for mut client in &all {
        let mut bytes = [0; 16];
        std::io::Read::read_exact(&mut client, &mut bytes).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    let post = "POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    for _ in 0..20 {
        let got = stand.ask(0, post.as_bytes());
        assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_server_sends_the_client_elsewhere_inside() {
    let answer = "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /in/a%20b?c\r\nSet-Cookie: d=e\r\nX-Other: f\r\nContent-Length: 1\r\n\r\n-";
    let server = Server::saying_once(answer);
    let inside = "location / { proxy_pass http://group; } location /in/ { internal; return 200 '$request_method $uri $args'; }";
    let stand = stand("accel", inside, &[&server]);
    let got = stand.ask(
        0,
        b"POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    );
    assert!(got.ends_with("\r\n\r\nGET /in/a b c"), "{got}");
    assert!(
        got.contains("Set-Cookie: d=e\r\n") && !got.contains("X-Other"),
        "{got}"
    );
    // From outside it cannot be reached, and a server cannot climb out of a folder.
    assert!(get(&stand, "/in/x", "").starts_with("HTTP/1.1 404 "));
    let answer = "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /in/%2e%2e/x\r\nContent-Length: 0\r\n\r\n";
    let stand = self::stand("accel2", inside, &[&Server::saying_once(answer)]);
    assert!(get(&stand, "/", "").starts_with("HTTP/1.1 404 "));
}

#[test]
fn bad_answers_are_bad_gateways() {
    let check = |answer: &str| {
        let server = Server::saying_once(answer);
        let stand = stand("bad", "location / { proxy_pass http://group; }", &[&server]);
        let got = get(&stand, "/", "");
        assert!(
            got.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
            "{answer}: {got}"
        );
    };
    check("");
    check("SSH-2.0-x\r\n\r\n");
    check("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    check("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
    check("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na");
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    check("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    check(&format!(
        "HTTP/1.1 200 OK\r\nA: {}\r\n\r\n",
        "a".repeat(5000)
    ));
}

#[test]
fn an_answer_that_breaks_off_is_seen_to() {
    let server = Server::saying_once("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    let stand = stand(
        "short",
        "location / { proxy_pass http://group; }",
        &[&server],
    );
    let got = get(&stand, "/", "");
    assert!(
        got.contains("Content-Length: 9\r\n") && got.ends_with("\r\n\r\nabc"),
        "{got}"
    );
    let server =
        Server::saying_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let stand = self::stand(
        "short2",
        "location / { proxy_pass http://group; }",
        &[&server],
    );
    let got = get(&stand, "/", "");
    assert!(got.contains("abc") && !got.ends_with("0\r\n\r\n"), "{got}");
}

#[test]
fn the_next_server_is_tried() {
    let dead = Server::saying_once("");
    let check = |inside: &str, first: &Server, request: &str, expected: &str| {
        let second = Server::saying(HELLO);
        let inside = format!("location / {{ proxy_pass http://group; {inside} }}");
        let stand = stand("next", &inside, &[first, &second]);
        let answer = stand.ask(0, request.as_bytes());
        assert!(answer.starts_with(expected), "{inside} {request}: {answer}");
        second.unheard()
    };
    let get = "GET / HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(check("", &dead, get, "HTTP/1.1 200 "), 1);
    // It may have done something with it.
    assert_eq!(check("", &dead, post, "HTTP/1.1 502 "), 0);
    let all = "proxy_next_upstream error non_idempotent;";
    assert_eq!(check(all, &dead, post, "HTTP/1.1 200 "), 1);
    assert_eq!(
        check("proxy_next_upstream off;", &dead, get, "HTTP/1.1 502 "),
        0
    );
    let busy = Server::saying("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(check("", &busy, get, "HTTP/1.1 503 "), 0);
    let more = "proxy_next_upstream http_503;";
    assert_eq!(check(more, &busy, get, "HTTP/1.1 200 "), 1);
}

#[test]
fn connections_to_servers_are_used_again() {
    let server = Server::new(|peer| {
        for count in 0.. {
            if peer.request().is_none() {
                return;
            }
            let body = format!("{count}");
            peer.say(&format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            if count == 2 {
                return;
            }
        }
    });
    let stand = stand(
        "again",
        "location / { proxy_pass http://group; }",
        &[&server],
    );
    let got: Vec<_> = (0..7)
        .map(|_| get(&stand, "/", "").chars().last().unwrap())
        .collect();
    // The server closes each connection after its third answer; no request is lost to that.
    assert!(got.iter().all(char::is_ascii_digit), "{got:?}");
    assert!(got.windows(2).any(|two| two == ['0', '1']), "{got:?}");
    assert_eq!(stand.lines("log", 7).len(), 7);
}

#[test]
fn another_protocol_takes_over() {
    let server = Server::new(|peer| {
        let request = peer.request().unwrap();
        assert!(request.contains("Upgrade: echo\r\n"), "{request}");
        peer.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nfirst ");
        let mut bytes = [0; 6];
        std::io::Read::read_exact(&mut peer.stream, &mut bytes).unwrap();
        peer.say(&String::from_utf8_lossy(&bytes).to_uppercase());
    });
    let inside = "location / { proxy_pass http://group; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }";
    let stand = stand("upgrade", inside, &[&server]);
    let got = stand.ask(
        0,
        b"GET / HTTP/1.1\r\nHost: me\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nsecond",
    );
    assert!(
        got.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{got}"
    );
    assert!(
        got.contains("Upgrade: echo\r\n") && got.ends_with("\r\n\r\nfirst SECOND"),
        "{got}"
    );
}

#[test]
fn an_early_answer_ends_the_request() {
    let server = Server::new(|peer| {
        let mut bytes = [0; 100];
        let _ = std::io::Read::read(&mut peer.stream, &mut bytes);
        peer.say("HTTP/1.1 413 Enough\r\nContent-Length: 6\r\n\r\nenough");
        std::thread::sleep(std::time::Duration::from_millis(200));
    });
    let inside = "client_max_body_size 0; location / { proxy_pass http://group; }";
    let stand = stand("early", inside, &[&server]);
    let body = "x".repeat(8 << 20);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let got = stand.ask(0, request.as_bytes());
    assert!(
        got.starts_with("HTTP/1.1 413 Enough\r\n"),
        "{}",
        &got[..got.len().min(300)]
    );
}

#[test]
fn a_body_passes_as_it_comes() {
    let server = Server::new(|peer| {
        let mut got = Vec::new();
        while !got.ends_with(b"0\r\n\r\n") {
            let mut bytes = [0; 100];
            let count = std::io::Read::read(&mut peer.stream, &mut bytes).unwrap();
            got.extend_from_slice(&bytes[..count]);
        }
        let got = String::from_utf8_lossy(&got).replace("\r\n", "|");
        peer.say(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{got}",
            got.len()
        ));
    });
    let inside = "location / { proxy_pass http://group; proxy_request_buffering off; }";
    let stand = stand("streams", inside, &[&server]);
    let got = stand.ask(
        0,
        b"POST / HTTP/1.1\r\nHost: me\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert!(
        got.ends_with("POST / HTTP/1.1|Host: group|Transfer-Encoding: chunked||3|abc|0||"),
        "{got}"
    );
}

#[test]
fn health_is_checked() {
    let ill = Server::new(|peer| {
        while let Some(request) = peer.request() {
            let status = if request.starts_with("GET /health ") {
                500
            } else {
                200
            };
            peer.say(&format!(
                "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nX-Who: ill\r\n\r\n"
            ));
        }
    });
    let well = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Who: well\r\n\r\n");
    let inside = "location / { proxy_pass http://group; health_check uri=/health interval=100ms; }";
    let stand = stand("health", inside, &[&ill, &well]);
    // The first answers may come before the first check has failed.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut in_a_row = 0;
    while in_a_row < 20 {
        assert!(
            std::time::Instant::now() < until,
            "the ill server is used still"
        );
        let is_well = get(&stand, "/", "").contains("X-Who: well");
        in_a_row = if is_well { in_a_row + 1 } else { 0 };
    }
}
