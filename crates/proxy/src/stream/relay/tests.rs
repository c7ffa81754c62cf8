use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{End, Meter, Rules, run};
use crate::net::{Alarm, Endpoint, Transport, tick};

const RULES: Rules = Rules {
    timeout: Duration::from_secs(5),
    buffer_size: 4 << 10,
    half_close: false,
    upload_rate: 0,
    download_rate: 0,
};

/// A transport, and the socket at its other end.
async fn pair() -> (Transport, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap());
    let (far, near) = tokio::join!(far, listener.accept());
    let (near, peer) = near.unwrap();
    (Transport::tcp(near, Endpoint::Ip(peer)), far.unwrap())
}

/// Relays while `act` plays client and upstream; how it ended, and the bytes up and down.
fn relay<F>(rules: &Rules, act: impl FnOnce(TcpStream, TcpStream) -> F) -> (End, u64, u64)
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let ticking = tokio::task::spawn_local(tick());
        let (mut client, far_client) = pair().await;
        let (mut upstream, far_upstream) = pair().await;
        let (up, down) = (Meter::default(), Meter::default());
        let alarm = Alarm::new();
        let relaying = async {
            let end = run(&mut client, &mut upstream, rules, &up, &down, &alarm).await;
            drop((client, upstream));
            end
        };
        let (end, ()) = tokio::join!(relaying, act(far_client, far_upstream));
        ticking.abort();
        (end, up.written.get(), down.written.get())
    })
}

#[test]
fn the_upstreams_end_is_delivered_and_ends_the_session() {
    let (end, up, down) = relay(&RULES, |mut client, mut upstream| async move {
        client.write_all(b"question").await.unwrap();
        let mut got = [0; 8];
        upstream.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"question");
        upstream.write_all(b"answer").await.unwrap();
        drop(upstream);
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"answer");
    });
    assert!(matches!(end, End::Closed), "{end:?}");
    assert_eq!((up, down), (8, 6));
}

#[test]
fn a_client_that_closes_ends_the_session_unless_halves_close_alone() {
    let check = |half_close: bool, answered: &[u8]| {
        let rules = Rules {
            half_close,
            ..RULES
        };
        let (end, up, _) = relay(&rules, |mut client, mut upstream| async move {
            client.write_all(b"last words").await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = Vec::new();
            upstream.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, b"last words");
            let _ = upstream.write_all(b"late answer").await;
            drop(upstream);
            let mut all = Vec::new();
            let _ = client.read_to_end(&mut all).await;
            assert_eq!(all, answered);
        });
        assert!(matches!(end, End::Closed), "{end:?}");
        assert_eq!(up, 10);
    };
    check(true, b"late answer");
    check(false, b"");
}

#[test]
fn silence_ends_the_session() {
    let rules = Rules {
        timeout: Duration::from_millis(100),
        ..RULES
    };
    let (end, ..) = relay(&rules, |mut client, upstream| async move {
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        drop(upstream);
    });
    assert!(matches!(end, End::TimedOut), "{end:?}");
}

#[test]
fn a_slow_client_stops_the_upstream_and_loses_nothing() {
    const MANY: usize = 8 << 20;
    let (end, _, down) = relay(&RULES, |mut client, mut upstream| async move {
        let sending = async move {
            upstream.write_all(&vec![7; MANY]).await.unwrap();
        };
        let reading = async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            assert!(all.len() == MANY && all.iter().all(|byte| *byte == 7));
        };
        tokio::join!(sending, reading);
    });
    assert!(matches!(end, End::Closed), "{end:?}");
    assert_eq!(down, MANY as u64);
}

#[test]
fn a_rate_is_kept() {
    let rules = Rules {
        download_rate: 4 << 10,
        ..RULES
    };
    let started = std::time::Instant::now();
    let (end, _, down) = relay(&rules, |mut client, mut upstream| async move {
        upstream.write_all(&[1; 6 << 10]).await.unwrap();
        drop(upstream);
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), 6 << 10);
    });
    assert!(matches!(end, End::Closed), "{end:?}");
    assert_eq!(down, 6 << 10);
    assert!(started.elapsed() >= Duration::from_millis(900));
}
