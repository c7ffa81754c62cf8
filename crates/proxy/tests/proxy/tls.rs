//! TLS to clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use socket2::{Domain, Socket, Type};

use crate::stand::{PATIENCE, Stand, converse};

/// Certificates for `a.test` and `b.test`, in files of these names.
pub(crate) fn certificates(stand: &Stand) -> Vec<String> {
    let issue = |name: &str| {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).unwrap();
        stand.write(&format!("{name}.crt"), &cert.pem());
        stand.write(&format!("{name}.key"), &signing_key.serialize_pem());
        cert.pem()
    };
    ["a.test", "b.test"].map(issue).to_vec()
}

/// A client that believes these certificates and may show one of its own.
pub(crate) fn client(believes: &[String], shows: Option<(&str, &str)>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pem in believes {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        roots.add(der).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match shows {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

fn shake(
    stand: &Stand,
    config: &Arc<ClientConfig>,
    name: &str,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = name.to_owned().try_into().unwrap();
    let session = ClientConnection::new(config.clone(), name).unwrap();
    StreamOwned::new(session, stand.connect(0))
}

/// A client for `a.test` at the address of that number, for whom the system keeps as little as it can.
pub(crate) fn narrow(
    stand: &Stand,
    index: usize,
    config: &Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let address: SocketAddr = stand.address(index).parse().unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let session = ClientConnection::new(config.clone(), "a.test".try_into().unwrap()).unwrap();
    StreamOwned::new(session, socket.into())
}

fn ask(stand: &Stand, config: &Arc<ClientConfig>, name: &str, host: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut stream = shake(stand, config, name);
    if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
        return error.to_string();
    }
    converse(stream, request.as_bytes())
}

const SERVERS: &str = "
    log_format seen '$scheme $ssl_protocol $ssl_server_name $ssl_client_verify $status';
    access_log seen.log seen;
    server {
        listen 127.0.0.1:0 ssl;
        server_name a.test;
        ssl_certificate a.test.crt;
        ssl_certificate_key a.test.key;
    }
    server {
        listen 127.0.0.1:0 ssl;
        server_name b.test;
        ssl_certificate b.test.crt;
        ssl_certificate_key b.test.key;
        ssl_verify_client on;
        ssl_client_certificate b.test.crt;
    }
    server {
        listen 127.0.0.1:0 ssl;
        server_name c.test;
        ssl_reject_handshake on;
    }";

#[test]
fn servers_are_chosen_and_clients_judged() {
    let mut stand = Stand::new("tls-servers");
    let certificates = certificates(&stand);
    stand.run(&format!("worker_processes 1; http {{ {SERVERS} }}"));
    let key = stand.read("b.test.key");
    let plain = client(&certificates, None);
    let known = client(&certificates, Some((&certificates[1], &key)));
    let other_key = stand.read("a.test.key");
    let unknown = client(&certificates, Some((&certificates[0], &other_key)));
    let check = |config: &Arc<ClientConfig>, name: &str, host: &str, expected: &str| {
        let got = ask(&stand, config, name, host);
        assert!(got.contains(expected), "{name} {host}: {got}");
    };
    check(&plain, "a.test", "a.test", "404 Not Found");
    check(
        &plain,
        "b.test",
        "b.test",
        "No required SSL certificate was sent",
    );
    check(&unknown, "b.test", "b.test", "The SSL certificate error");
    check(&known, "b.test", "b.test", "404 Not Found");
    check(&known, "a.test", "b.test", "421 Misdirected Request");
    check(&plain, "c.test", "c.test", "UnrecognisedName");
    let got = stand.ask(0, b"GET / HTTP/1.0\r\n\r\n");
    assert!(
        got.contains("The plain HTTP request was sent to HTTPS port"),
        "{got}"
    );
    let expected = [
        "https TLSv1.3 a.test NONE 404",
        "https TLSv1.3 b.test NONE 400",
        "https TLSv1.3 b.test FAILED:self-signed certificate 400",
        "https TLSv1.3 b.test SUCCESS 404",
        "https TLSv1.3 a.test NONE 421",
        "http - - - 400",
    ];
    assert_eq!(stand.lines("seen.log", expected.len()), expected);
}

#[test]
fn certificates_change_under_connections_that_go_on() {
    let mut stand = Stand::new("tls-reload");
    let before = certificates(&stand);
    let text = format!("http {{ {SERVERS} }}");
    stand.run(&text);
    let trusting = client(&before, None);
    let mut kept = shake(&stand, &trusting, "a.test");
    kept.conn.complete_io(&mut kept.sock).unwrap();
    let after = certificates(&stand);
    stand.run(&text);
    let got = ask(&stand, &client(&after, None), "a.test", "a.test");
    assert!(got.contains("404"), "{got}");
    let got = ask(&stand, &client(&before, None), "a.test", "a.test");
    assert!(got.contains("certificate"), "{got}");
    let got = converse(
        kept,
        b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    );
    assert!(got.contains("404"), "{got}");
}

#[test]
fn sessions_go_on_after_a_reload() {
    let mut stand = Stand::new("tls-sessions");
    let certificates = certificates(&stand);
    let text = "worker_processes 1; http {
        log_format seen '$ssl_session_reused';
        access_log seen.log seen;
        server {
            listen 127.0.0.1:0 ssl;
            ssl_certificate a.test.crt;
            ssl_certificate_key a.test.key;
        }
    }";
    stand.run(text);
    let config = client(&certificates, None);
    let got = ask(&stand, &config, "a.test", "a.test");
    assert!(got.contains("404"), "{got}");
    stand.run(text);
    ask(&stand, &config, "a.test", "a.test");
    assert_eq!(stand.lines("seen.log", 2), [".", "r"]);
}

#[test]
fn a_client_that_reads_nothing_is_closed() {
    let mut stand = Stand::new("tls-nothing");
    let certificates = certificates(&stand);
    // The last is more than a session encrypts ahead.
    for len in [40_usize << 10, 60 << 10, 200 << 10] {
        stand.write(&format!("{len}"), &"x".repeat(len));
    }
    stand.run(
        "http {
            log_format seen '$uri $status';
            access_log seen.log seen;
            server {
                listen 127.0.0.1:0 ssl sndbuf=4k;
                ssl_certificate a.test.crt;
                ssl_certificate_key a.test.key;
                send_timeout 200ms;
                root .;
            }
        }",
    );
    let config = client(&certificates, None);
    let mut clients = Vec::new();
    for len in [40_usize << 10, 60 << 10, 200 << 10] {
        let mut client = narrow(&stand, 0, &config);
        let request = format!("GET /{len} HTTP/1.1\r\nHost: a.test\r\n\r\n");
        client.write_all(request.as_bytes()).unwrap();
        client.flush().unwrap();
        clients.push((len, client));
    }
    let mut lines = stand.lines("seen.log", 3);
    lines.sort();
    assert_eq!(lines, ["/204800 200", "/40960 200", "/61440 200"]);
    for (len, mut client) in clients {
        let mut got = Vec::new();
        let _ = client.read_to_end(&mut got);
        assert!(
            got.len() < len,
            "all {len} bytes were sent: nothing was tested"
        );
    }
}

#[test]
fn a_client_that_reads_slowly_gets_everything() {
    let mut stand = Stand::new("tls-slow");
    let certificates = certificates(&stand);
    stand.write("file", &"x".repeat(48 << 10));
    stand.run(
        "http { server {
            listen 127.0.0.1:0 ssl sndbuf=4k;
            ssl_certificate a.test.crt;
            ssl_certificate_key a.test.key;
            send_timeout 2s;
            root .;
        } }",
    );
    let mut client = narrow(&stand, 0, &client(&certificates, None));
    let request = b"GET /file HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    client.write_all(request).unwrap();
    // Each pause is short, and all of them are longer than `send_timeout`.
    let mut got = Vec::new();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let mut piece = [0; 2 << 10];
        match client.read(&mut piece).unwrap() {
            0 => break,
            count => got.extend_from_slice(&piece[..count]),
        }
    }
    assert!(got.len() > 48 << 10, "{} bytes", got.len());
}

#[test]
fn what_cannot_be_served_is_refused() {
    let stand = Stand::new("tls-refused");
    certificates(&stand);
    let pair = "ssl_certificate a.test.crt; ssl_certificate_key a.test.key;";
    let check = |inside: &str, expected: &str| {
        let text = format!("http {{ server {{ listen 127.0.0.1:0 ssl; {inside} }} }}");
        let wrong = stand.resolve(&text).unwrap_err().join("\n");
        assert!(wrong.contains(expected), "{inside}: {wrong}");
    };
    check("", "no \"ssl_certificate\" is defined");
    check("ssl_certificate a.test.crt;", "no \"ssl_certificate_key\"");
    check(
        "ssl_certificate a.test.crt; ssl_certificate_key b.test.key;",
        "it is not the key of",
    );
    let with = |more: &str, expected| check(&format!("{pair} {more}"), expected);
    with("ssl_verify_client on;", "no ssl_client_certificate");
    with(
        "ssl_protocols TLSv1;",
        "only TLSv1.2 and TLSv1.3 are spoken",
    );
    with("ssl_ciphers RC4-MD5;", "RC4-MD5");
    with("ssl_certificate data:$x;", "not supported yet");
    assert!(
        stand
            .resolve(&format!("http {{ server {{ {pair} }} }}"))
            .is_ok()
    );
}
