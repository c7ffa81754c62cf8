//! Connections to upstreams.
//!
//! No deadline is in here: `alarm.within(timeout, connect(...))` gives one. A connection that was given up is closed.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpSocket, UnixStream};

use super::endpoint::Endpoint;
use super::options::ConnectOptions;
use super::transport::Transport;

/// Connects to `target`.
///
/// # Errors
///
/// The system's: of the socket, of the local address, of the connection.
pub(crate) async fn connect(target: &Endpoint, options: &ConnectOptions) -> io::Result<Transport> {
    match target {
        Endpoint::Ip(address) => {
            let socket = prepare(*address, options)?;
            let stream = socket.connect(*address).await?;
            Ok(Transport::tcp(stream, target.clone()))
        }
        Endpoint::Unix(path) => {
            let stream = UnixStream::connect(&**path).await?;
            Ok(Transport::unix(stream, target.clone()))
        }
    }
}

fn prepare(target: SocketAddr, options: &ConnectOptions) -> io::Result<TcpSocket> {
    let domain = Domain::for_address(target);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if let Some(bytes) = options.rcvbuf {
        socket.set_recv_buffer_size(bytes)?;
    }
    if options.nodelay {
        socket.set_tcp_nodelay(true)?;
    }
    options.keepalive.apply(&SockRef::from(&socket))?;
    if let Some(local) = options.bind {
        if options.transparent {
            match domain {
                Domain::IPV6 => socket.set_ip_transparent_v6(true)?,
                _ => socket.set_ip_transparent_v4(true)?,
            }
        }
        if local.port() != 0 {
            // The last connection from this port may still be winding down.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&local.into())?;
    }
    Ok(TcpSocket::from_std_stream(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UnixListener};

    fn run<F: Future>(work: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    }

    #[test]
    fn tcp_from_a_chosen_address() {
        run(async {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = Endpoint::Ip(server.local_addr().unwrap());
            let options = ConnectOptions {
                bind: Some("127.0.0.2:0".parse().unwrap()),
                keepalive: super::super::options::Keepalive::On {
                    idle: Some(Duration::from_secs(7)),
                    interval: None,
                    probes: Some(3),
                },
                nodelay: true,
                rcvbuf: Some(64 << 10),
                ..ConnectOptions::default()
            };
            let mut ours = connect(&target, &options).await.unwrap();
            let (mut theirs, from) = server.accept().await.unwrap();
            assert_eq!(from.ip().to_string(), "127.0.0.2");
            assert_eq!(ours.local().unwrap(), Endpoint::Ip(from));
            assert_eq!(ours.peer(), &target);
            ours.write_all(b"hello").await.unwrap();
            let mut got = [0; 5];
            theirs.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, b"hello");
        });
    }

    #[test]
    fn nobody_listens() {
        run(async {
            let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = Endpoint::Ip(gone.local_addr().unwrap());
            drop(gone);
            let error = connect(&target, &ConnectOptions::default())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            let target = Endpoint::Unix("/nowhere/at/all".into());
            let error = connect(&target, &ConnectOptions::default())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        });
    }

    #[test]
    fn unix() {
        let path = std::env::temp_dir().join(format!("mainstay-connect-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        run(async {
            let server = UnixListener::bind(&path).unwrap();
            let target = Endpoint::Unix(path.to_str().unwrap().into());
            let mut ours = connect(&target, &ConnectOptions::default()).await.unwrap();
            let (mut theirs, _) = server.accept().await.unwrap();
            theirs.write_all(b"x").await.unwrap();
            assert_eq!(ours.read_u8().await.unwrap(), b'x');
            assert_eq!(ours.local().unwrap(), Endpoint::unnamed());
        });
        std::fs::remove_file(&path).unwrap();
    }
}
