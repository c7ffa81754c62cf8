//! Accepting connections on one socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{SockAddr, SockRef, Socket};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::datagram::{DatagramListener, Datagrams};
use super::endpoint::Endpoint;
use super::transport::Transport;

/// How long nothing is accepted where the system has no room for another connection. Trying at once would only burn time.
const BACK_OFF: Duration = Duration::from_millis(500);

/// How many connections are taken from a listener that is about to be closed: no queue of the system is longer, unless it was told to,
/// and whoever fills it as fast as we empty it does not keep it open.
const WAITING_MAX: usize = 4096;

/// A listening socket that is registered with the event loop of this thread.
#[derive(Debug)]
pub(crate) struct Listener {
    kind: Kind,
    address: Endpoint,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
    Udp(DatagramListener),
}

/// What came.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A connection.
    Connection(Transport),
    /// A session of datagrams.
    Datagrams(Datagrams),
}

impl Listener {
    /// Takes over a bound, listening socket.
    pub(super) fn new(socket: Socket, address: Endpoint) -> io::Result<Self> {
        let kind = match &address {
            Endpoint::Ip(_) => Kind::Tcp(TcpListener::from_std(socket.into())?),
            Endpoint::Unix(_) => Kind::Unix(UnixListener::from_std(socket.into())?),
        };
        Ok(Self { kind, address })
    }

    /// Takes over a bound socket for datagrams.
    pub(super) fn of_datagrams(socket: Socket, address: Endpoint) -> io::Result<Self> {
        let kind = Kind::Udp(DatagramListener::new(socket)?);
        Ok(Self { kind, address })
    }

    /// Whether it is for datagrams.
    pub(crate) const fn is_udp(&self) -> bool {
        matches!(self.kind, Kind::Udp(_))
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> &Endpoint {
        &self.address
    }

    /// The next connection or session. Connections that ended before they were accepted are passed over. Where the system has no
    /// room (files, memory), `trouble` is told and nothing is accepted for half a second; that goes on until there is room.
    pub(crate) async fn accept(&self, trouble: impl Fn(&io::Error)) -> Arrival {
        loop {
            match self.accept_once().await {
                Ok(arrival) => return arrival,
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    trouble(&error);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// The connections that wait already. For a listener that is about to be closed: the system would reset them.
    ///
    /// The system is asked itself: the event loop may not have heard of them yet.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Transport> {
        let next = || match &self.kind {
            Kind::Tcp(listener) => {
                let (socket, peer) = waits(&SockRef::from(listener))?;
                let stream = TcpStream::from_std(socket.into()).ok()?;
                Some(Transport::tcp(stream, Endpoint::Ip(peer.as_socket()?)))
            }
            Kind::Unix(listener) => {
                let (socket, peer) = waits(&SockRef::from(listener))?;
                let stream = UnixStream::from_std(socket.into()).ok()?;
                Some(Transport::unix(stream, unix_peer(peer.as_pathname())))
            }
            Kind::Udp(_) => None,
        };
        std::iter::from_fn(next).take(WAITING_MAX)
    }

    async fn accept_once(&self) -> io::Result<Arrival> {
        let transport = match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Transport::tcp(stream, Endpoint::Ip(peer))
            }
            Kind::Unix(listener) => {
                let (stream, peer) = listener.accept().await?;
                Transport::unix(stream, unix_peer(peer.as_pathname()))
            }
            Kind::Udp(listener) => return listener.accept().await.map(Arrival::Datagrams),
        };
        Ok(Arrival::Connection(transport))
    }
}

/// The next connection that waits; those that ended meanwhile are passed over.
fn waits(listener: &SockRef<'_>) -> Option<(Socket, SockAddr)> {
    for _ in 0..WAITING_MAX {
        match listener.accept() {
            Ok((socket, peer)) => {
                socket.set_nonblocking(true).ok()?;
                return Some((socket, peer));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if is_passing(&error) => {}
            Err(_) => return None,
        }
    }
    None
}

fn unix_peer(path: Option<&Path>) -> Endpoint {
    let path = path.and_then(Path::to_str);
    path.map_or_else(Endpoint::unnamed, |path| Endpoint::Unix(path.into()))
}

/// The error is one connection's, not the listener's: accept(2) hands on what the network said of it.
fn is_passing(error: &io::Error) -> bool {
    let lasting = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::BADF,
        Errno::INVAL,
        Errno::NOTSOCK,
    ];
    Errno::from_io_error(error).is_some_and(|errno| !lasting.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_error_it_is() {
        for (errno, passing) in [
            (Errno::CONNABORTED, true),
            (Errno::INTR, true),
            (Errno::PROTO, true),
            (Errno::HOSTUNREACH, true),
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOBUFS, false),
        ] {
            assert_eq!(is_passing(&errno.into()), passing, "{errno:?}");
        }
    }
}
