//! What stands around an answer: limits, the client's address, other locations that are asked or told, compression.

use std::io::{Read, Write};

use crate::rewriting::get;
use crate::stand::Stand;
use crate::upstreams::Server;

fn stand(name: &str, outside: &str, inside: &str) -> Stand {
    let mut stand = Stand::new(name);
    stand.write("index.html", "index");
    let root = stand.path("");
    stand.run(&format!(
        "worker_processes 2;
         http {{ root {root}; {outside} log_format t '$uri $status $args'; access_log log t;
         server {{ listen 127.0.0.1:0; {inside} }} }}"
    ));
    stand
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

#[test]
fn limits_hold_for_all_workers() {
    let stand = stand(
        "limits",
        "limit_req_zone $arg_k zone=slow:1m rate=1r/m; limit_req_zone $arg_k zone=fast:1m rate=50r/s;
         limit_conn_zone $arg_k zone=one:1m;",
        "location /slow { limit_req zone=slow; try_files /index.html =404; }
         location /burst { limit_req zone=slow burst=2 nodelay; limit_req_status 429; try_files /index.html =404; }
         location /late { limit_req zone=fast burst=5; try_files /index.html =404; }
         location /dry { limit_req zone=slow; limit_req_dry_run on; add_header S $limit_req_status; try_files /index.html =404; }
         location /one { limit_conn one 1; limit_rate $arg_r; try_files /index.html =404; }",
    );
    let asks = |target: &str, count: usize| -> Vec<String> {
        let answers = (0..count).map(|_| get(&stand, target, ""));
        answers.map(|answer| status(&answer).to_owned()).collect()
    };
    assert_eq!(asks("/slow?k=a", 3), ["200", "503", "503"]);
    assert_eq!(asks("/slow?k=b", 1), ["200"]);
    assert_eq!(
        asks("/slow", 2),
        ["200", "200"],
        "a key without value is not counted"
    );
    assert_eq!(asks("/burst?k=c", 4), ["200", "200", "200", "429"]);
    let before = std::time::Instant::now();
    assert_eq!(asks("/late?k=d", 4), ["200"; 4]);
    assert!(
        before.elapsed().as_millis() >= 55,
        "three were delayed by 20 ms each"
    );
    assert_eq!(asks("/dry?k=a", 1), ["200"]);
    assert!(get(&stand, "/dry?k=a", "").contains("S: REJECTED_DRY_RUN\r\n"));

    // The first is held by its rate while the second asks, and counts no more once it is gone.
    let mut first = stand.connect(0);
    first
        .write_all(b"GET /one?k=e&r=1 HTTP/1.1\r\nHost: me\r\n\r\n")
        .unwrap();
    first.read_exact(&mut [0]).unwrap();
    assert_eq!(asks("/one?k=e", 1), ["503"]);
    drop(first);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while status(&get(&stand, "/one?k=e", "")) == "503" {
        assert!(std::time::Instant::now() < until, "the first counts still");
    }
}

#[test]
fn what_was_counted_survives_a_reload() {
    let mut stand = Stand::new("limits-reload");
    let text = |key: &str| {
        format!(
            "http {{ limit_req_zone {key} zone=slow:1m rate=1r/m;
             server {{ listen 127.0.0.1:0; location / {{ limit_req zone=slow; stub_status; }} }} }}"
        )
    };
    stand.run(&text("$arg_k"));
    let ask = |stand: &Stand| status(&get(stand, "/?k=a", "")).to_owned();
    assert_eq!(ask(&stand), "200");
    assert_eq!(ask(&stand), "503");
    stand.run(&text("$arg_k"));
    assert_eq!(ask(&stand), "503");
    // Counts of another key mean nothing.
    stand.run(&text("x$arg_k"));
    assert_eq!(ask(&stand), "200");
}

#[test]
fn only_trusted_proxies_say_who_the_client_is() {
    let check = |from: &str, fields: &str, wanted: &str| {
        let inside = format!(
            "set_real_ip_from {from}; real_ip_header X-Forwarded-For; real_ip_recursive on; location / {{ return 200 '$remote_addr $realip_remote_addr'; }}"
        );
        let stand = stand("realip", "", &inside);
        let answer = get(&stand, "/", fields);
        assert!(
            answer.ends_with(&format!("\r\n\r\n{wanted}")),
            "{from} {answer}"
        );
    };
    let list = "X-Forwarded-For: 192.0.2.9, 192.0.2.1, 127.0.0.7\r\n";
    check("127.0.0.0/8", list, "192.0.2.1 127.0.0.1");
    check("10.0.0.0/8", list, "127.0.0.1 127.0.0.1");
    check(
        "127.0.0.1",
        "X-Forwarded-For: nobody\r\n",
        "127.0.0.1 127.0.0.1",
    );
}

#[test]
fn other_locations_are_asked_and_told() {
    let stand = stand(
        "others",
        "",
        "location /yes { auth_request /auth?204; auth_request_set $who $sent_http_who; add_header Got $who; try_files /index.html =404; }
         location /no { auth_request /auth-403; }
         location /who { auth_request /auth-401; }
         location /odd { auth_request /auth-404; }
         location /either { satisfy any; deny all; auth_request /auth; try_files /index.html =404; }
         location = /auth { internal; add_header Who ann; return 204; }
         location = /auth-403 { return 403; }
         location = /auth-401 { add_header WWW-Authenticate me always; return 401; }
         location = /auth-404 { return 404; }
         location /told { mirror /copy/1; mirror /copy/2; try_files /index.html =404; }
         location /copy/ { internal; log_subrequest on; access_log copies t; return 200; }",
    );
    let yes = get(&stand, "/yes", "");
    assert!(
        status(&yes) == "200" && yes.contains("Got: ann\r\n"),
        "{yes}"
    );
    assert!(yes.ends_with("\r\n\r\nindex"), "{yes}");
    assert_eq!(status(&get(&stand, "/no", "")), "403");
    let who = get(&stand, "/who", "");
    assert!(
        status(&who) == "401" && who.contains("WWW-Authenticate: me\r\n"),
        "{who}"
    );
    assert_eq!(status(&get(&stand, "/odd", "")), "500");
    assert_eq!(status(&get(&stand, "/either", "")), "200");
    let post =
        "POST /told?a HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    let _ = stand.ask(0, post.as_bytes());
    let mut copies = stand.lines("copies", 2);
    copies.sort();
    assert_eq!(copies, ["/copy/1 200 a", "/copy/2 200 a"]);
}

#[test]
fn a_part_of_what_a_server_sends() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n\r\n0123456789";
    let server = Server::saying(answer);
    let inside = format!(
        "location / {{ proxy_pass http://127.0.0.1:{}; proxy_force_ranges on; }}",
        server.port
    );
    let stand = stand("force", "", &inside);
    let check = |fields: &str, wanted: &str, body: &str| {
        let answer = get(&stand, "/", fields);
        let got = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        assert_eq!(status(&answer), wanted, "{fields} {answer}");
        assert!(wanted == "416" || got == Some(body), "{fields} {answer}");
    };
    check("", "200", "0123456789");
    check("Range: bytes=4-\r\n", "206", "456789");
    check("Range: bytes=2-3\r\n", "206", "23");
    check("Range: bytes=-1\r\n", "206", "9");
    check("Range: bytes=0-1,4-5\r\n", "200", "0123456789");
    check("Range: bytes=20-\r\n", "416", "");
    check("Range: bytes=2-3\r\nIf-Range: \"a\"\r\n", "206", "23");
    check(
        "Range: bytes=2-3\r\nIf-Range: \"b\"\r\n",
        "200",
        "0123456789",
    );
}

#[test]
fn answers_are_compressed_for_who_wants_that() {
    let stand = stand(
        "gzip",
        "",
        "gzip on; gzip_vary on; gzip_types text/plain; default_type text/plain;
         location /image { default_type image/x; try_files /long =404; }
         location /never { gzip_disable Old; try_files /long =404; }
         location /proxied { gzip_proxied no-cache; add_header Cache-Control $arg_c; try_files /long =404; }",
    );
    let long = "all work and no play ".repeat(20_000);
    stand.write("long", &long);
    let raw = |target: &str, fields: &str| {
        let mut client = stand.connect(0);
        let request =
            format!("GET {target} HTTP/1.0\r\nHost: me\r\nAccept-Encoding: gzip\r\n{fields}\r\n");
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        let at = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..at + 4]).into_owned();
        (head, answer.split_off(at + 4))
    };
    // HTTP/1.0 gets what is not compressed, by default.
    let (head, body) = raw("/long", "");
    assert!(
        !head.contains("Content-Encoding") && body == long.as_bytes(),
        "{head}"
    );
    let packed = |target: &str, fields: &str| {
        let answer = get(
            &stand,
            target,
            &format!("Accept-Encoding: x, gzip\r\n{fields}"),
        );
        answer.contains("Content-Encoding: gzip\r\n")
    };
    assert!(packed("/long", ""));
    assert!(!packed("/index.html", ""), "it is too short");
    assert!(!packed("/image", ""));
    assert!(packed("/never", "User-Agent: New\r\n"));
    assert!(!packed("/never", "User-Agent: Old 1\r\n"));
    assert!(!packed("/long", "Via: 1.1 x\r\n"));
    assert!(packed("/proxied?c=no-cache", "Via: 1.1 x\r\n"));
    assert!(!packed("/proxied?c=public", "Via: 1.1 x\r\n"));
    let head = get(
        &stand,
        "/long",
        "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    for line in [
        "Vary: Accept-Encoding\r\n",
        "ETag: W/\"",
        "Transfer-Encoding: chunked\r\n",
    ] {
        assert!(head.contains(line), "{line}");
    }
    assert!(get(&stand, "/long", "").contains("Vary: Accept-Encoding\r\n"));
}
