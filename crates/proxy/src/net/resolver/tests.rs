use super::*;
use hickory_proto::op::{MessageType, OpCode};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SRV};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// A name server on loopback that knows a few names, and what it was asked.
struct Server {
    address: SocketAddr,
    asked: Rc<RefCell<Vec<String>>>,
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// Answers to `kind name`: the records as (owner, seconds, data).
fn zone(question: &str) -> Vec<(&'static str, u32, RData)> {
    let a = |last| RData::A(A::new(192, 0, 2, last));
    let alias = |target: &str| RData::CNAME(CNAME(name(target)));
    match question {
        "A two.test." => vec![("two.test.", 300, a(1)), ("two.test.", 60, a(2))],
        "AAAA two.test." => vec![(
            "TWO.test.",
            9,
            RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        )],
        "A short.test." | "A slow.test." => {
            vec![("short.test.", 0, a(3)), ("slow.test.", 30, a(4))]
        }
        "A alias.test." => vec![
            ("alias.test.", 5, alias("real.test.")),
            ("real.test.", 100, a(5)),
        ],
        "A far.test." => vec![("far.test.", 50, alias("short.test."))],
        "A loop.test." => vec![("loop.test.", 50, alias("pool.test."))],
        "A pool.test." => vec![("pool.test.", 50, alias("loop.test."))],
        "A big.test." => (0..60).map(|last| ("big.test.", 40, a(last))).collect(),
        "SRV _http._tcp.svc.test." => [(1, 5), (2, 7)]
            .map(|(priority, weight)| {
                let record = SRV::new(priority, weight, 8080, name("two.test."));
                ("_http._tcp.svc.test.", 20, RData::SRV(record))
            })
            .to_vec(),
        _ => Vec::new(),
    }
}

fn answer(bytes: &[u8], asked: &RefCell<Vec<String>>, stream: bool) -> Vec<u8> {
    let question = Message::from_vec(bytes).unwrap();
    let query = question.queries[0].clone();
    let text = format!("{} {}", query.query_type, query.name);
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.add_query(query);
    if text.contains("none.test") {
        answer.metadata.response_code = ResponseCode::NXDomain;
    } else if text.contains("broken.test") {
        answer.metadata.response_code = ResponseCode::ServFail;
    } else {
        let records = zone(&text);
        answer.metadata.truncation = records.len() > 20 && !stream;
        for (owner, ttl, data) in records.into_iter().filter(|_| !answer.metadata.truncation) {
            answer
                .answers
                .push(Record::from_rdata(name(owner), ttl, data));
        }
    }
    asked.borrow_mut().push(text);
    answer.to_vec().unwrap()
}

async fn server() -> Server {
    let (socket, listener) = loop {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // Another test may have the port for TCP.
        if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
            break (socket, listener);
        }
    };
    let address = socket.local_addr().unwrap();
    let asked = Rc::<RefCell<Vec<String>>>::default();
    let seen = Rc::clone(&asked);
    tokio::task::spawn_local(async move {
        let mut buffer = [0; 512];
        loop {
            let (len, from) = socket.recv_from(&mut buffer).await.unwrap();
            let answer = answer(&buffer[..len], &seen, false);
            if seen.borrow().last().unwrap().contains("slow.test") {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            // A forged answer comes first.
            let mut forged = answer.clone();
            forged[0] ^= 0xff;
            socket.send_to(&forged, from).await.unwrap();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    let seen = Rc::clone(&asked);
    tokio::task::spawn_local(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let len = stream.read_u16().await.unwrap();
            let mut buffer = vec![0; usize::from(len)];
            stream.read_exact(&mut buffer).await.unwrap();
            let answer = answer(&buffer, &seen, true);
            stream
                .write_u16(u16::try_from(answer.len()).unwrap())
                .await
                .unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    Server { address, asked }
}

fn spec(servers: &[SocketAddr]) -> ResolverSpec {
    ResolverSpec {
        servers: servers.to_vec(),
        valid: None,
        ipv4: true,
        ipv6: false,
        timeout: Duration::from_secs(5),
    }
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap()
        .block_on(work)
}

fn holds(resolved: &Resolved) -> u64 {
    (resolved.until - clock::now() + Duration::from_millis(500)).as_secs()
}

async fn check(resolver: &Resolver, asked: &str, expected: &[&str], seconds: u64) {
    let resolved = resolver.addresses(asked).await.unwrap();
    let addresses: Vec<_> = resolved.addresses.iter().map(IpAddr::to_string).collect();
    assert_eq!(addresses, expected, "{asked}");
    assert_eq!(holds(&resolved), seconds, "{asked}");
}

#[test]
fn answers() {
    run(async {
        let server = server().await;
        let resolver = Resolver::new(spec(&[server.address]));
        check(&resolver, "two.test", &["192.0.2.1", "192.0.2.2"], 60).await;
        check(&resolver, "Two.Test.", &["192.0.2.1", "192.0.2.2"], 60).await;
        assert_eq!(*server.asked.borrow(), ["A two.test."]);
        check(&resolver, "alias.test", &["192.0.2.5"], 5).await;
        check(&resolver, "far.test", &["192.0.2.3"], 0).await;
        check(&resolver, "far.test", &["192.0.2.3"], 0).await;
        assert_eq!(
            server.asked.borrow().len(),
            6,
            "an answer for no time is not kept"
        );
        let big = resolver.addresses("big.test").await.unwrap();
        assert_eq!(big.addresses.len(), 60, "over TCP");
        let both = Resolver::new(ResolverSpec {
            ipv6: true,
            ..spec(&[server.address])
        });
        check(
            &both,
            "two.test",
            &["192.0.2.1", "192.0.2.2", "2001:db8::1"],
            9,
        )
        .await;
        check(&both, "slow.test", &["192.0.2.4"], 30).await;
        let six = Resolver::new(ResolverSpec {
            ipv4: false,
            ipv6: true,
            ..spec(&[server.address])
        });
        check(&six, "two.test", &["2001:db8::1"], 9).await;
        let kept = Resolver::new(ResolverSpec {
            valid: Some(Duration::from_secs(77)),
            ..spec(&[server.address])
        });
        check(&kept, "short.test", &["192.0.2.3"], 77).await;
    });
}

#[test]
fn services() {
    run(async {
        let server = server().await;
        let resolver = Resolver::new(spec(&[server.address]));
        for service in ["http", "_http._tcp"] {
            let resolved = resolver.services("svc.test", service).await.unwrap();
            let found: Vec<_> = resolved
                .services
                .iter()
                .map(|record| (record.priority, record.weight, record.port, &*record.target))
                .collect();
            assert_eq!(found, [(1, 5, 8080, "two.test"), (2, 7, 8080, "two.test")]);
            assert_eq!(holds(&resolved), 20);
        }
        assert_eq!(server.asked.borrow().len(), 1);
    });
}

#[test]
fn failures() {
    run(async {
        let server = server().await;
        let resolver = Resolver::new(spec(&[server.address]));
        for (asked, expected) in [
            ("none.test", "3: Host not found"),
            ("broken.test", "2: Server failure"),
            ("empty.test", "3: Host not found (no addresses)"),
            ("loop.test", "3: Host not found"),
            ("a..test", "the name is invalid"),
        ] {
            let error = resolver.addresses(asked).await.unwrap_err();
            assert_eq!(error.to_string(), expected, "{asked}");
        }
        let before = server.asked.borrow().len();
        assert!(resolver.addresses("none.test").await.is_err());
        assert_eq!(
            server.asked.borrow().len(),
            before + 1,
            "a failure is not kept"
        );

        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut spec = spec(&[silent.local_addr().unwrap()]);
        spec.timeout = Duration::from_millis(50);
        let resolver = Resolver::new(spec);
        let error = resolver.addresses("two.test").await.unwrap_err();
        assert_eq!(error, ResolveError::TimedOut);
    });
}

#[test]
fn a_server_that_is_not_there_is_passed_over() {
    run(async {
        let gone = UdpSocket::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let server = server().await;
        let resolver = Resolver::new(spec(&[gone, server.address]));
        check(&resolver, "two.test", &["192.0.2.1", "192.0.2.2"], 60).await;
        check(&resolver, "alias.test", &["192.0.2.5"], 5).await;
    });
}

#[test]
fn those_who_ask_at_the_same_time_share_one_question() {
    run(async {
        let server = server().await;
        let resolver = Rc::new(Resolver::new(spec(&[server.address])));
        let ask = || {
            let resolver = Rc::clone(&resolver);
            tokio::task::spawn_local(async move { resolver.addresses("slow.test").await })
        };
        let first = ask();
        let others = [ask(), ask(), ask()];
        tokio::time::sleep(Duration::from_millis(5)).await;
        // The one that asks gives up; another takes over.
        first.abort();
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().addresses.len(), 1);
        }
        assert_eq!(server.asked.borrow().len(), 2);
    });
}
