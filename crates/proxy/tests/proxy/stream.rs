//! TCP sessions.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::stand::{PATIENCE, Stand, converse};
use crate::tls;

/// A server that answers each connection with its name and what it was sent, once the sender has closed its half, or has sent a
/// line.
struct Backend {
    address: String,
    sessions: Arc<AtomicUsize>,
}

impl Backend {
    fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sessions = Arc::new(AtomicUsize::new(0));
        let count = sessions.clone();
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || answer(name, client));
            }
        });
        Self { address, sessions }
    }

    fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }
}

fn answer(name: &str, mut client: TcpStream) {
    let mut got = Vec::new();
    let mut buffer = [0; 1024];
    while !got.ends_with(b".") {
        match client.read(&mut buffer) {
            Ok(count) if count > 0 => got.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    let said = format!("{name}:{}", String::from_utf8_lossy(&got));
    let _ = client.write_all(said.as_bytes());
}

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_session_goes_to_the_next_server_where_one_is_gone() {
    let mut stand = Stand::new("stream-failover");
    let (one, two, dead) = (Backend::start("one"), Backend::start("two"), nowhere());
    stand.run(&format!(
        "worker_processes 1;
        stream {{
            log_format tries '$upstream_addr!$status!$bytes_received!$bytes_sent!$upstream_bytes_received';
            access_log tries.log tries;
            upstream u {{ server {dead}; server {}; server {}; }}
            server {{ listen 127.0.0.1:0; proxy_pass u; }}
            server {{ listen 127.0.0.2:0; proxy_pass {dead}; }}
            server {{ listen 127.0.0.3:0; proxy_pass u; proxy_next_upstream off; deny 127.0.0.1; }}
        }}",
        one.address, two.address
    ));
    let answers: Vec<_> = (0..6).map(|_| stand.ask(0, b"x.")).collect();
    let count = |name: &str| answers.iter().filter(|answer| **answer == name).count();
    assert_eq!((count("one:x."), count("two:x.")), (3, 3), "{answers:?}");
    assert_eq!((one.sessions(), two.sessions()), (3, 3));
    assert_eq!(stand.ask(1, b"x."), "");
    assert_eq!(stand.ask(2, b"x."), "");
    let lines = stand.lines("tries.log", 8);
    let first = format!("{dead}, {}!200!2!6!0, 6", one.address);
    assert_eq!(lines[0], first);
    let again = lines.iter().filter(|line| line.starts_with(&dead)).count();
    assert_eq!(again, 2, "the dead one is asked once, and alone: {lines:?}");
    assert_eq!(lines[6], format!("{dead}!502!0!0!0"));
    assert_eq!(lines[7], "-!403!0!0!-");
}

#[test]
fn what_is_told_of_a_client_arrives_before_its_bytes() {
    let mut stand = Stand::new("stream-header");
    let backend = Backend::start("b");
    stand.run(&format!(
        "stream {{
            server {{ listen 127.0.0.1:0; proxy_pass {0}; proxy_protocol on; }}
            server {{
                listen 127.0.0.2:0 proxy_protocol;
                set_real_ip_from 127.0.0.0/8;
                proxy_pass {0};
                proxy_protocol on;
            }}
        }}",
        backend.address
    ));
    let mut client = stand.connect(0);
    let ours = client.local_addr().unwrap().port();
    let listens = client.peer_addr().unwrap().port();
    let got = converse(&mut client, b"x.");
    assert_eq!(
        got,
        format!("b:PROXY TCP4 127.0.0.1 127.0.0.1 {ours} {listens}\r\nx.")
    );
    let got = stand.ask(1, b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\ny.");
    assert!(
        got.starts_with("b:PROXY TCP4 192.0.2.1 127.0.0.2 1234 "),
        "{got}"
    );
    assert!(got.ends_with("\r\ny."), "{got}");
}

#[test]
fn each_direction_is_closed_by_itself_where_that_is_wanted() {
    let mut stand = Stand::new("stream-half-close");
    let backend = Backend::start("b");
    stand.run(&format!(
        "stream {{ server {{ listen 127.0.0.1:0; proxy_pass {}; proxy_half_close on; }} }}",
        backend.address
    ));
    let mut client = stand.connect(0);
    client.write_all(b"no end").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    client.read_to_string(&mut got).unwrap();
    assert_eq!(got, "b:no end");
}

#[test]
fn variables_say_where_a_session_goes_and_sessions_outlive_a_reload() {
    let mut stand = Stand::new("stream-variables");
    let (one, two) = (Backend::start("one"), Backend::start("two"));
    let text = |first: &str, second: &str| {
        format!(
            "worker_processes 1;
            stream {{
                map $remote_addr $where {{ 127.0.0.1 {first}; default {second}; }}
                server {{ listen 127.0.0.1:0; proxy_pass $where; }}
                server {{ listen 127.0.0.2:0; return $server_addr:$protocol:$status; }}
            }}"
        )
    };
    stand.run(&text(&one.address, &two.address));
    assert_eq!(stand.ask(0, b"x."), "one:x.");
    assert_eq!(stand.ask(1, b""), "127.0.0.2:TCP:000");
    let mut kept = stand.connect(0);
    kept.write_all(b"begun").unwrap();
    while one.sessions() < 2 {
        thread::yield_now();
    }
    stand.run(&text(&two.address, &one.address));
    assert_eq!(stand.ask(0, b"y."), "two:y.");
    assert_eq!(converse(kept, b"."), "one:begun.");
}

#[test]
fn old_sessions_end_after_the_time_that_they_are_given() {
    let mut stand = Stand::new("stream-shutdown");
    let backend = Backend::start("b");
    let text = format!(
        "worker_shutdown_timeout 10ms;
        http {{ server {{ listen 127.0.0.1:0; }} }}
        stream {{ server {{ listen 127.0.0.2:0; proxy_pass {}; }} }}",
        backend.address
    );
    stand.run(&text);
    let mut session = stand.connect(1);
    session.write_all(b"x").unwrap();
    while backend.sessions() < 1 {
        thread::yield_now();
    }
    stand.run(&text);
    let ended = session.read(&mut [0]);
    let late = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!ended.as_ref().is_err_and(late), "{ended:?}");
    let got = stand.ask(0, b"GET / HTTP/1.0\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 404"), "{got}");
    assert_eq!(stand.ask(1, b"y."), "b:y.");
}

#[test]
fn datagrams_are_sessions_of_their_clients() {
    let mut stand = Stand::new("stream-udp");
    let backend = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = backend.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((len, from)) = backend.recv_from(&mut buffer) {
            let said = format!(
                "{}:{}",
                from.port(),
                String::from_utf8_lossy(&buffer[..len])
            );
            let _ = backend.send_to(said.as_bytes(), from);
        }
    });
    let gone = nowhere();
    stand.run(&format!(
        "worker_processes 1;
        stream {{
            log_format ends '$protocol $status $bytes_received $bytes_sent';
            access_log ends.log ends;
            server {{ listen 127.0.0.1:0 udp; proxy_pass {target}; proxy_responses 1; proxy_requests 2; }}
            server {{ listen 127.0.0.3:0 udp; return hello; }}
            server {{ listen 127.0.0.2:0 udp; proxy_pass {gone}; }}
        }}"
    ));
    let client = |index: usize| {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect(stand.address(index)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let ask = |socket: &UdpSocket, bytes: &[u8]| {
        socket.send(bytes).unwrap();
        let mut buffer = [0; 64];
        let len = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    let one = client(0);
    let answers: Vec<_> = [&b"a"[..], b"", b"c"].map(|bytes| ask(&one, bytes)).into();
    let port = |answer: &str| answer.split_once(':').unwrap().0.to_owned();
    assert!(answers[0].ends_with(":a") && answers[1].ends_with(':') && answers[2].ends_with(":c"));
    assert_eq!(port(&answers[0]), port(&answers[1]), "one session");
    assert_ne!(port(&answers[1]), port(&answers[2]), "then another");
    assert_eq!(ask(&client(1), b"?"), "hello");
    client(2).send(b"?").unwrap();
    let len = answers[0].len() + answers[1].len();
    let lines = stand.lines("ends.log", 3);
    assert_eq!(lines[0], format!("UDP 200 1 {len}"));
    assert_eq!(lines[1], "UDP 200 0 5");
    assert_eq!(lines[2], "UDP 502 1 0");
}

#[test]
fn a_connection_is_passed_on_inside() {
    let mut stand = Stand::new("stream-pass");
    // `pass` names a port, so one is to be had before.
    let (http, tcp) = (nowhere(), nowhere());
    stand.run(&format!(
        "http {{ server {{ listen {http}; }} }}
        stream {{
            server {{ listen 127.0.0.2:0; pass {http}; }}
            server {{ listen {tcp}; return $server_addr; }}
            server {{ listen 127.0.0.3:0; pass {tcp}; }}
            server {{ listen 127.0.0.4:0; pass 127.0.0.9:1; }}
        }}"
    ));
    let got = stand.ask(1, b"GET / HTTP/1.0\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 404"), "{got}");
    assert_eq!(stand.ask(3, b""), "127.0.0.1");
    assert_eq!(stand.ask(4, b""), "");
}

#[test]
fn what_cannot_be_served_is_refused() {
    let stand = Stand::new("stream-refused");
    let check = |inside: &str, expected: &str| {
        let text = format!("stream {{ {inside} }}");
        let wrong = stand.resolve(&text).unwrap_err().join("\n");
        assert!(wrong.contains(expected), "{inside}: {wrong}");
    };
    check("server { listen 127.0.0.1:0; }", "no handler");
    check("server { return x; }", "no \"listen\" is defined");
    check("server { listen 127.0.0.1; return x; }", "no port");
    check(
        "server { listen 127.0.0.1:0; proxy_pass 127.0.0.1; }",
        "no port",
    );
    check(
        "server { listen 127.0.0.1:0 ssl; return x; }",
        "no \"ssl_certificate\"",
    );
    check(
        "server { listen 127.0.0.1:0; return x; proxy_pass 127.0.0.1:1; }",
        "is duplicate",
    );
    check("upstream u { server 127.0.0.1; }", "no port");
    let both = "http { server { listen 127.0.0.1:1; } } stream { server { listen 127.0.0.1:1; return x; } }";
    let wrong = stand.resolve(both).unwrap_err().join("\n");
    assert!(wrong.contains("is listened on by http"), "{wrong}");
    check("access_log x.log;", "log format is not specified");
}

#[test]
fn sessions_are_counted_by_their_key_over_a_reload() {
    let mut stand = Stand::new("stream-limit");
    let backend = Backend::start("b");
    let text = format!(
        "worker_processes 1;
        stream {{
            log_format limits '$limit_conn_status $status';
            access_log limits.log limits;
            limit_conn_zone $remote_addr zone=z:1m;
            server {{ listen 127.0.0.1:0; proxy_pass {}; limit_conn z 1; }}
        }}",
        backend.address
    );
    stand.run(&text);
    let mut first = stand.connect(0);
    first.write_all(b"x").unwrap();
    while backend.sessions() < 1 {
        thread::yield_now();
    }
    assert_eq!(stand.ask(0, b"y."), "");
    stand.run(&text);
    assert_eq!(stand.ask(0, b"y."), "");
    assert_eq!(converse(first, b"."), "b:x.");
    stand.lines("limits.log", 3);
    assert_eq!(stand.ask(0, b"y."), "b:y.");
    let expected = ["REJECTED 503", "REJECTED 503", "PASSED 200", "PASSED 200"];
    assert_eq!(stand.lines("limits.log", 4), expected);
}

#[test]
fn what_tls_holds_back_is_delivered() {
    let mut stand = Stand::new("stream-tls");
    let believed = tls::client(&tls::certificates(&stand), None);
    let lens = [20_480_usize, 40_960, 204_800];
    let mut host = 0;
    let servers = lens.map(|len| {
        host += 1;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(&vec![7; len]).unwrap();
        });
        format!("server {{ listen 127.0.0.{host}:0 ssl sndbuf=4k; proxy_pass 127.0.0.1:{port}; }}")
    });
    stand.run(&format!(
        "stream {{
            log_format sent '$status $bytes_sent';
            access_log sent.log sent;
            ssl_certificate a.test.crt;
            ssl_certificate_key a.test.key;
            {}
        }}",
        servers.concat()
    ));
    let mut clients: Vec<_> = (0..3)
        .map(|index| tls::narrow(&stand, index, &believed))
        .collect();
    for client in &mut clients {
        client.conn.complete_io(&mut client.sock).unwrap();
    }
    // The servers have closed long before the clients read.
    thread::sleep(Duration::from_millis(200));
    for (client, len) in clients.iter_mut().zip(lens) {
        let mut got = Vec::new();
        let end = client.read_to_end(&mut got);
        assert_eq!(got.len(), len, "{end:?}");
    }
    let mut lines = stand.lines("sent.log", 3);
    lines.sort();
    assert_eq!(lines, ["200 20480", "200 204800", "200 40960"]);
}
