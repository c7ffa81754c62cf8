use super::super::client::{ClientSpec, ClientTls, connect_tls};
use super::super::suites::Protocol;
use super::super::testing::{Authority, Folder, self_signed};
use super::*;
use crate::net::Endpoint;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn pair() -> (Transport, Transport) {
    let (one, two) = UnixStream::pair().unwrap();
    let end = |stream| Transport::unix(stream, Endpoint::unnamed());
    (end(one), end(two))
}

fn server(certificate: &(PathBuf, PathBuf)) -> ServerSpec {
    ServerSpec {
        certificates: vec![certificate.clone()],
        tickets: true,
        alpn: vec![b"http/1.1".to_vec()],
        ..ServerSpec::default()
    }
}

fn client(verify: Option<&Path>) -> ClientSpec {
    ClientSpec {
        verify: verify.map(Path::to_owned),
        send_name: true,
        reuse: true,
        alpn: vec![b"h3".to_vec(), b"http/1.1".to_vec()],
        ..ClientSpec::default()
    }
}

/// Both handshakes; a byte each way lets tickets arrive.
async fn shake(
    server: &Arc<ServerTls>,
    client: &ClientTls,
    name: &str,
) -> (Result<Transport, AcceptError>, io::Result<Transport>) {
    let (theirs, ours) = pair();
    let chosen = Arc::clone(server);
    let accept = async {
        let mut ours = accept_tls(ours, |_| Some(chosen)).await?;
        let byte = ours.read_u8().await?;
        ours.write_u8(byte).await?;
        ours.flush().await?;
        Ok(ours)
    };
    let connect = async {
        let mut theirs = connect_tls(theirs, client, name).await?;
        theirs.write_u8(7).await?;
        theirs.flush().await?;
        theirs.read_u8().await?;
        Ok(theirs)
    };
    tokio::join!(accept, connect)
}

async fn talk(server: &Arc<ServerTls>, client: &ClientTls, name: &str) -> (Transport, Transport) {
    let (ours, theirs) = shake(server, client, name).await;
    (ours.unwrap(), theirs.unwrap())
}

#[test]
fn a_conversation() {
    let folder = Folder::new("tls-talk");
    let authority = Authority::new("Root");
    let certificate = authority.issue(&folder, "a", &["a.test"]);
    let root = authority.write(&folder, "root.pem");
    let server = Arc::new(ServerTls::load(&server(&certificate), None).unwrap());
    for (protocol, name, cipher) in [
        (Protocol::Tls13, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        (Protocol::Tls12, "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ] {
        let mut spec = client(Some(&root));
        spec.choice.protocols = vec![protocol];
        if protocol == Protocol::Tls12 {
            spec.choice.ciphers = Some(cipher.to_owned());
        }
        let client = ClientTls::load(&spec).unwrap();
        run(async {
            let (mut ours, mut theirs) = talk(&server, &client, "a.test:443").await;
            let view = ours.tls().unwrap();
            assert_eq!((view.protocol(), view.cipher()), (name, cipher));
            assert_eq!(
                (view.server_name(), view.group()),
                (Some("a.test"), "X25519")
            );
            assert_eq!(view.alpn(), Some(&b"http/1.1"[..]));
            assert!(!view.is_resumed() && view.certificate().is_none());
            assert_eq!(view.verdict(), Verdict::None);
            assert!(theirs.tls().unwrap().certificate().is_some());

            // More than buffers hold, so that both sides wait for each other.
            let block: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
            let slices = [IoSlice::new(b"head "), IoSlice::new(b"body")];
            assert_eq!(ours.write_vectored(&slices).await.unwrap(), 9);
            let send = async {
                ours.write_all(&block).await.unwrap();
                ours.shutdown().await.unwrap();
            };
            let mut got = Vec::new();
            let (sent, read) = tokio::join!(send, theirs.read_to_end(&mut got));
            assert_eq!((sent, read.unwrap()), ((), block.len() + 9));
            assert!(got.starts_with(b"head body\0") && got[9..] == block);
            // The other half goes on.
            theirs.write_all(b"still").await.unwrap();
            theirs.flush().await.unwrap();
            let mut buffer = Vec::with_capacity(3);
            assert_eq!(ours.read_spare(&mut buffer).await.unwrap(), 3);
            let mut cx = Context::from_waker(Waker::noop());
            assert!(ours.poll_read_ready(&mut cx).is_ready(), "two bytes wait");
            assert!(ours.poll_closed(&mut cx).is_pending());
            buffer.clear();
            assert_eq!(ours.try_read(&mut buffer).unwrap(), 2);
            let empty = ours.try_read(&mut buffer).unwrap_err();
            assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
            // An end without TLS' word for it.
            drop(theirs);
            poll_fn(|cx| ours.poll_closed(cx)).await;
            assert_eq!(ours.read_spare(&mut buffer).await.unwrap(), 0);
        });
    }
}

#[test]
fn sessions_are_resumed_after_a_reload_too() {
    let folder = Folder::new("tls-resume");
    let certificate = self_signed(&folder, "a", &["a.test"]);
    for (protocol, tickets, cached) in [
        (Protocol::Tls13, true, 0),
        (Protocol::Tls13, false, 100),
        (Protocol::Tls12, true, 0),
        (Protocol::Tls12, false, 100),
        (Protocol::Tls12, false, 0),
    ] {
        let mut spec = server(&certificate);
        spec.tickets = tickets;
        spec.cached_sessions = cached;
        let before = Arc::new(ServerTls::load(&spec, None).unwrap());
        let after = Arc::new(ServerTls::load(&spec, Some(&before)).unwrap());
        let mut spec = client(Some(&certificate.0));
        spec.choice.protocols = vec![protocol];
        let client = ClientTls::load(&spec).unwrap();
        let resumes = tickets || cached > 0;
        run(async {
            let mut seen = Vec::new();
            for server in [&before, &before, &after] {
                let (ours, _) = talk(server, &client, "a.test").await;
                seen.push(ours.tls().unwrap().is_resumed());
            }
            assert_eq!(
                seen,
                [false, resumes, resumes],
                "{protocol:?} {tickets} {cached}"
            );
        });
    }
}

#[test]
fn the_name_asked_for_chooses() {
    let folder = Folder::new("tls-names");
    let (a, b) = (
        self_signed(&folder, "a", &["a.test"]),
        self_signed(&folder, "b", &["b.test"]),
    );
    let load = |certificate| Arc::new(ServerTls::load(&server(certificate), None).unwrap());
    let (first, second) = (load(&a), load(&b));
    let choose = |name: Option<&str>| match name {
        Some("a.test") => Some(Arc::clone(&first)),
        Some("b.test") => Some(Arc::clone(&second)),
        Some(_) => None,
        None => Some(Arc::clone(&second)),
    };
    let check = |name: &'static str, send_name: bool, expected: Option<&str>| {
        let mut spec = client(None);
        spec.send_name = send_name;
        let client = ClientTls::load(&spec).unwrap();
        run(async {
            let (theirs, ours) = pair();
            let (ours, theirs) =
                tokio::join!(accept_tls(ours, choose), connect_tls(theirs, &client, name));
            let seen = theirs.ok().and_then(|theirs| {
                let certificate = theirs.tls().unwrap().certificate().unwrap().clone();
                super::super::describe(&certificate)
            });
            assert_eq!(seen.map(|seen| seen.subject).as_deref(), expected, "{name}");
            match expected {
                Some(_) => drop(ours.unwrap()),
                None => assert!(matches!(ours, Err(AcceptError::Refused))),
            }
        });
    };
    check("a.test", true, Some("CN=a"));
    check("b.test", true, Some("CN=b"));
    check("c.test", true, None);
    check("a.test", false, Some("CN=b"));
    check("127.0.0.1:8443", true, Some("CN=b"));
    check("some/group", true, Some("CN=b"));
}

#[test]
fn certificates_of_clients() {
    let folder = Folder::new("tls-clients");
    let (authority, stranger) = (Authority::new("Root"), Authority::new("Root"));
    let root = authority.write(&folder, "root.pem");
    let list = authority.revoke(&folder, "revoked.pem");
    let certificate = authority.issue(&folder, "a", &["a.test"]);
    let known = authority.issue(&folder, "kim", &[]);
    let unknown = stranger.issue(&folder, "eve", &[]);
    let own = self_signed(&folder, "own", &[]);
    let check = |auth: ClientAuth, shown: Option<&(PathBuf, PathBuf)>, expected: Verdict| {
        for protocol in [Protocol::Tls12, Protocol::Tls13] {
            let mut spec = server(&certificate);
            spec.client = Some(auth.clone());
            let server = Arc::new(ServerTls::load(&spec, None).unwrap());
            let mut spec = client(None);
            spec.certificate = shown.cloned();
            spec.choice.protocols = vec![protocol];
            let client = ClientTls::load(&spec).unwrap();
            run(async {
                for _ in 0..2 {
                    let (ours, _theirs) = talk(&server, &client, "a.test").await;
                    let view = ours.tls().unwrap();
                    assert_eq!(view.verdict(), expected, "{shown:?}");
                    assert_eq!(view.certificate().is_some(), shown.is_some());
                }
            });
        }
    };
    let auth = |authorities: Option<&PathBuf>, revoked: Option<&PathBuf>| ClientAuth {
        authorities: authorities.into_iter().cloned().collect(),
        hints: usize::from(authorities.is_some()),
        revoked: revoked.cloned(),
        depth: 1,
    };
    let unable = Verdict::Failed("unable to verify the first certificate");
    check(auth(Some(&root), None), None, Verdict::None);
    check(auth(Some(&root), None), Some(&known), Verdict::Success);
    check(
        auth(Some(&root), None),
        Some(&own),
        Verdict::Failed("self-signed certificate"),
    );
    check(auth(Some(&own.0), None), Some(&own), Verdict::Success);
    check(auth(None, None), Some(&known), unable);
    let revoked = Verdict::Failed("certificate revoked");
    check(auth(Some(&root), Some(&list)), Some(&known), revoked);
    let forged = Verdict::Failed("certificate signature failure");
    check(auth(Some(&root), None), Some(&unknown), forged);
}

#[test]
fn bytes_are_put_back_above_tls() {
    let folder = Folder::new("tls-back");
    let certificate = self_signed(&folder, "a", &["a.test"]);
    let server = Arc::new(ServerTls::load(&server(&certificate), None).unwrap());
    let client = ClientTls::load(&client(None)).unwrap();
    run(async {
        let (mut ours, mut theirs) = talk(&server, &client, "a.test").await;
        theirs.write_all(b"and more").await.unwrap();
        theirs.flush().await.unwrap();
        ours.put_back(b"first ");
        let mut got = [0; 14];
        ours.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"first and more");
    });
}

#[test]
fn certificates_of_servers() {
    let folder = Folder::new("tls-servers");
    let authority = Authority::new("Root");
    let root = authority.write(&folder, "root.pem");
    let other = Authority::new("Other").write(&folder, "other.pem");
    let list = authority.revoke(&folder, "revoked.pem");
    let certificate = authority.issue(&folder, "plain.test", &["a.test"]);
    let bare = authority.issue(&folder, "bare.test", &[]);
    let own = self_signed(&folder, "own", &["own.test"]);
    let check = |shown: &(PathBuf, PathBuf), spec: &ClientSpec, name: &str, expected: &str| {
        let server = Arc::new(ServerTls::load(&server(shown), None).unwrap());
        let client = ClientTls::load(spec).unwrap();
        let (_, theirs) = run(shake(&server, &client, name));
        let said = theirs.map_or_else(|error| error.to_string(), |_| "welcome".to_owned());
        assert!(said.contains(expected), "{name}: {said}");
    };
    check(&certificate, &client(Some(&root)), "a.test", "welcome");
    check(
        &certificate,
        &client(Some(&root)),
        "b.test",
        "not valid for name",
    );
    check(&certificate, &client(Some(&root)), "not/a/name", "no name");
    check(
        &certificate,
        &client(Some(&other)),
        "a.test",
        "UnknownIssuer",
    );
    check(&certificate, &client(None), "b.test", "welcome");
    check(&bare, &client(Some(&root)), "bare.test", "welcome");
    check(&bare, &client(Some(&root)), "a.test", "not valid for name");
    check(&own, &client(Some(&own.0)), "own.test", "welcome");
    check(&own, &client(Some(&own.0)), "a.test", "not valid for name");
    let mut revoked = client(Some(&root));
    revoked.revoked = Some(list);
    check(&certificate, &revoked, "a.test", "Revoked");
}

#[test]
fn what_is_not_tls() {
    let folder = Folder::new("tls-plain");
    let certificate = self_signed(&folder, "a", &["a.test"]);
    let server = Arc::new(ServerTls::load(&server(&certificate), None).unwrap());
    let check = |said: &'static [u8]| {
        run(async {
            let (mut theirs, ours) = pair();
            theirs.write_all(said).await.unwrap();
            theirs.shutdown().await.unwrap();
            let outcome = accept_tls(ours, |_| Some(Arc::clone(&server))).await;
            let mut answer = Vec::new();
            if !matches!(outcome, Err(AcceptError::NotTls(_))) {
                theirs.read_to_end(&mut answer).await.unwrap();
            }
            (outcome, answer)
        })
    };
    let (outcome, _) = check(b"GET / HTTP/1.0\r\n\r\n");
    let Err(AcceptError::NotTls(transport)) = outcome else {
        panic!("{outcome:?}");
    };
    run(async move {
        // The words are still there, on whichever loop they are read.
        let mut words = Vec::with_capacity(64);
        let mut transport = transport;
        assert_eq!(transport.try_read(&mut words).unwrap(), 18);
        assert!(words.starts_with(b"GET / "));
    });
    let (outcome, answer) = check(&[22, 3, 1, 0, 5, 1, 0, 0, 1, 9]);
    assert!(
        matches!(&outcome, Err(AcceptError::Failed(error)) if error.kind() == io::ErrorKind::InvalidData)
    );
    assert_eq!(answer.first(), Some(&21), "an alert");
    let (outcome, _) = check(&[22, 3, 1, 2, 0, 1]);
    assert!(
        matches!(&outcome, Err(AcceptError::Failed(error)) if error.kind() == io::ErrorKind::UnexpectedEof)
    );
    let (outcome, _) = check(b"");
    assert!(matches!(outcome, Err(AcceptError::Failed(_))));
}

#[test]
fn configurations_that_cannot_be() {
    let folder = Folder::new("tls-bad");
    let (a, b) = (
        self_signed(&folder, "a", &[]),
        self_signed(&folder, "b", &[]),
    );
    let check = |spec: &ServerSpec, expected: &str| {
        let error = ServerTls::load(spec, None).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&ServerSpec::default(), "no certificate is configured");
    check(
        &server(&(a.0.clone(), b.1.clone())),
        "b.key\": it is not the key of",
    );
    check(
        &server(&("/nowhere".into(), a.1.clone())),
        "\"/nowhere\": No such file",
    );
    let mut spec = server(&a);
    spec.client = Some(ClientAuth {
        authorities: vec![a.1.clone()],
        ..ClientAuth::default()
    });
    check(&spec, "no certificate in it");
    spec.client = None;
    spec.choice.ciphers = Some("RC4-MD5".to_owned());
    check(&spec, "RC4-MD5");
}
