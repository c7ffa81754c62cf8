use super::*;
use std::os::unix::net::UnixStream;
use tokio::net::TcpStream;

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn spec(address: &str) -> ListenSpec {
    let address = match address.strip_prefix("unix:") {
        Some(path) => Endpoint::Unix(path.into()),
        None => Endpoint::Ip(address.parse().unwrap()),
    };
    ListenSpec {
        address,
        options: ListenOptions::default(),
        udp: false,
    }
}

fn fresh(specs: &[ListenSpec], workers: usize) -> Result<Listeners, BindError> {
    Listeners::bind(specs, workers, &Listeners::default())
}

fn port(listeners: &Listeners, index: usize) -> u16 {
    listeners.address(index).unwrap().ip().unwrap().port()
}

async fn accept(listener: &Listener) -> Transport {
    match listener.accept(|error| panic!("{error}")).await {
        Arrival::Connection(transport) => transport,
        Arrival::Datagrams(_) => panic!("nobody asked for datagrams"),
    }
}

async fn connects(listener: &Listener) -> Transport {
    let address = listener.address().ip().unwrap();
    let client = TcpStream::connect(address).await.unwrap();
    let accepted = accept(listener).await;
    assert_eq!(accepted.peer().ip(), Some(client.local_addr().unwrap()));
    accepted
}

use super::super::accept::Arrival;
use super::super::transport::Transport;

#[test]
fn each_worker_has_its_own_socket() {
    let listeners = fresh(&[spec("127.0.0.1:0"), spec("[::1]:0")], 2).unwrap();
    assert_eq!(listeners.len(), 2);
    run(async {
        let first = listeners.open(0, 0).unwrap().unwrap();
        let second = listeners.open(0, 1).unwrap().unwrap();
        assert_eq!(first.address(), second.address());
        let address = first.address().ip().unwrap();
        // Whoever the system chooses, one of the two gets each.
        for _ in 0..8 {
            let client = TcpStream::connect(address).await.unwrap();
            let accepted = tokio::select! {
                accepted = accept(&first) => accepted,
                accepted = accept(&second) => accepted,
            };
            assert_eq!(accepted.peer().ip(), Some(client.local_addr().unwrap()));
            assert_eq!(accepted.local().unwrap(), Endpoint::Ip(address));
        }
        assert!(listeners.open(2, 0).unwrap().is_none());
    });
}

#[test]
fn somebody_elses_address_is_refused() {
    // The other one shares its port, too, and is of the same user: the system alone would let us in.
    let theirs = fresh(&[spec("127.0.0.1:0")], 2).unwrap();
    let taken = format!("127.0.0.1:{}", port(&theirs, 0));
    for address in [taken.clone(), format!("0.0.0.0:{}", port(&theirs, 0))] {
        let error = fresh(&[spec("127.0.0.1:0"), spec(&address)], 1).unwrap_err();
        assert!(error.in_use());
        assert_eq!(
            error.to_string(),
            format!("bind() to {address} failed (98: Address already in use)")
        );
    }
    drop(theirs);
    assert!(fresh(&[spec(&taken)], 1).is_ok());
}

#[test]
fn a_wildcard_and_one_of_its_addresses() {
    let probe = fresh(&[spec("127.0.0.1:0")], 1).unwrap();
    let port = port(&probe, 0);
    drop(probe);
    let (wild, one) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let first = fresh(&[spec(&wild)], 1).unwrap();
    let both = Listeners::bind(&[spec(&wild), spec(&one)], 1, &first).unwrap();
    run(async {
        connects(&both.open(1, 0).unwrap().unwrap()).await;
    });
    drop((first, both));
    fresh(&[spec(&wild), spec(&one)], 2).unwrap();
}

#[test]
fn a_reload_keeps_sockets_with_what_waits_on_them() {
    let before = fresh(&[spec("127.0.0.1:0"), spec("127.0.0.2:0")], 1).unwrap();
    let kept = before.address(1).unwrap().clone();
    let client = std::net::TcpStream::connect(kept.ip().unwrap()).unwrap();
    let gone = before.address(0).unwrap().ip().unwrap();
    let mut changed = spec("127.0.0.2:0");
    changed.options.backlog = 64;
    let after = Listeners::bind(&[changed, spec("[::1]:0")], 3, &before).unwrap();
    drop(before);
    assert_eq!(after.address(0), Some(&kept));
    run(async {
        let listener = after.open(0, 0).unwrap().unwrap();
        let accepted = accept(&listener).await;
        assert_eq!(accepted.peer().ip(), Some(client.local_addr().unwrap()));
        assert!(TcpStream::connect(gone).await.is_err());
        assert!(after.open(0, 2).unwrap().is_some());
    });
}

#[test]
fn nothing_is_bound_where_one_fails() {
    let theirs = fresh(&[spec("127.0.0.1:0")], 1).unwrap();
    let probe = fresh(&[spec("127.0.0.1:0")], 1).unwrap();
    let free = format!("127.0.0.1:{}", port(&probe, 0));
    drop(probe);
    let taken = format!("127.0.0.1:{}", port(&theirs, 0));
    assert!(fresh(&[spec(&free), spec(&taken)], 1).is_err());
    assert!(std::net::TcpListener::bind(&free).is_ok());
}

#[test]
fn unix_sockets() {
    let file = std::env::temp_dir().join(format!("mainstay-listen-{}", std::process::id()));
    let address = format!("unix:{}", file.display());
    let _ = fs::remove_file(&file);
    let first = fresh(&[spec(&address)], 2).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o666
    );
    assert!(fresh(&[spec(&address)], 1).unwrap_err().in_use());
    run(async {
        for worker in [0, 1] {
            let listener = first.open(0, worker).unwrap().unwrap();
            let _client = UnixStream::connect(&file).unwrap();
            let accepted = accept(&listener).await;
            assert_eq!(accepted.peer(), &Endpoint::unnamed());
            assert_eq!(accepted.local().unwrap().to_string(), address);
        }
    });
    drop(first);
    assert!(!file.exists());
    // What a killed process leaves behind is not in the way.
    drop(std::os::unix::net::UnixListener::bind(&file).unwrap());
    assert!(file.exists());
    fresh(&[spec(&address)], 1).unwrap();
}
