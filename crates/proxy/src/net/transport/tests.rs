use super::*;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

async fn tcp_pair() -> (Transport, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (ours, peer) = listener.accept().await.unwrap();
    (Transport::tcp(ours, Endpoint::Ip(peer)), theirs)
}

fn unix_pair() -> (Transport, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Transport::unix(ours, Endpoint::unnamed()), theirs)
}

async fn talk(
    mut ours: Transport,
    mut theirs: impl AsyncReadExt + AsyncWriteExt + Unpin,
) -> Transport {
    let mut buffer = Vec::with_capacity(8);
    assert_eq!(
        ours.try_read(&mut buffer).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    theirs.write_all(b"0123456789").await.unwrap();
    ours.readable().await.unwrap();
    assert_eq!(ours.try_read(&mut buffer).unwrap(), 8);
    assert_eq!((&buffer[..], buffer.capacity()), (&b"01234567"[..], 8));
    assert_eq!(
        ours.try_read(&mut buffer).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    buffer.clear();
    ours.put_back(b"67");
    assert_eq!(ours.read_spare(&mut buffer).await.unwrap(), 2);
    assert_eq!(ours.read_spare(&mut buffer).await.unwrap(), 2);
    assert_eq!(&buffer[..], b"6789");

    let slices = [IoSlice::new(b"one "), IoSlice::new(b"write")];
    assert_eq!(ours.write_vectored(&slices).await.unwrap(), 9);
    ours.shutdown().await.unwrap();
    let mut got = Vec::new();
    theirs.read_to_end(&mut got).await.unwrap();
    assert_eq!(&got[..], b"one write");
    // Our half is closed, theirs is not.
    theirs.write_all(b"still").await.unwrap();
    ours.put_back(b"is ");
    let mut got = [0; 8];
    ours.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"is still");
    drop(theirs);
    buffer.clear();
    assert_eq!(ours.read_spare(&mut buffer).await.unwrap(), 0);
    ours
}

#[test]
fn tcp() {
    run(async {
        let (ours, theirs) = tcp_pair().await;
        let peer = Endpoint::Ip(theirs.local_addr().unwrap());
        assert_eq!(ours.peer(), &peer);
        ours.set_nodelay(true).unwrap();
        ours.set_keepalive(&Keepalive::ON).unwrap();
        let ours = talk(ours, theirs).await;
        assert!(ours.take_error().unwrap().is_none());
    });
}

#[test]
fn unix() {
    run(async {
        let (ours, theirs) = unix_pair();
        ours.set_nodelay(true).unwrap();
        ours.set_keepalive(&Keepalive::ON).unwrap();
        talk(ours, theirs).await;
    });
}

#[test]
fn a_reset_is_seen() {
    run(async {
        let (ours, mut theirs) = tcp_pair().await;
        ours.reset();
        let error = theirs.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_full_socket_waits() {
    run(async {
        let (mut ours, mut theirs) = tcp_pair().await;
        let block = vec![b'x'; 8 << 20];
        let (sent, got) = tokio::join!(
            async {
                ours.write_all(&block).await.unwrap();
                ours.shutdown().await.unwrap();
                block.len()
            },
            async {
                let mut all = Vec::new();
                theirs.read_to_end(&mut all).await.unwrap()
            }
        );
        assert_eq!(sent, got);
    });
}

#[test]
fn reading_and_writing_allocate_nothing() {
    run(async {
        let (mut ours, mut theirs) = tcp_pair().await;
        let mut buffer = Vec::with_capacity(64);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        theirs.write_all(b"ping").await.unwrap();
        ours.readable().await.unwrap();
        let made = allocation_counter::measure(|| {
            assert!(matches!(
                ours.poll_read_spare(&mut cx, &mut buffer),
                Poll::Ready(Ok(4))
            ));
            assert!(ours.poll_read_spare(&mut cx, &mut buffer).is_pending());
            let wrote = Pin::new(&mut ours).poll_write(&mut cx, b"pong");
            assert!(matches!(wrote, Poll::Ready(Ok(4))));
        });
        assert_eq!(made.count_total, 0);
    });
}

#[test]
fn an_end_is_noticed_without_reading() {
    run(async {
        let (tcp, tcp_theirs) = tcp_pair().await;
        let (unix, unix_theirs) = unix_pair();
        notices(tcp, tcp_theirs).await;
        notices(unix, unix_theirs).await;
    });
}

async fn notices(mut ours: Transport, mut theirs: impl AsyncWriteExt + Unpin) {
    let now = |ours: &mut Transport| {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        ours.poll_closed(&mut cx).is_ready()
    };
    assert!(!now(&mut ours));
    theirs.write_all(b"next").await.unwrap();
    ours.readable().await.unwrap();
    assert!(!now(&mut ours), "bytes wait");
    let mut buffer = Vec::with_capacity(4);
    assert_eq!(ours.read_spare(&mut buffer).await.unwrap(), 4);
    assert!(!now(&mut ours), "the last read was not short");
    let (ours, ()) = tokio::join!(
        async {
            poll_fn(|cx| ours.poll_closed(cx)).await;
            ours
        },
        async {
            tokio::task::yield_now().await;
            theirs.shutdown().await.unwrap();
        }
    );
    drop(ours);
}
