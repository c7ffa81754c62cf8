//! UDP: the datagrams of one client are a session, and many sessions share one socket.
//!
//! A session begins with the first datagram of an address and is over when its [`Datagrams`] is dropped. What comes faster than
//! it is taken is dropped, as networks drop it; so is what the system does not take at once.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;
use tokio::sync::Notify;

use super::endpoint::Endpoint;
use super::options::ConnectOptions;

/// The longest datagram that UDP knows.
pub(crate) const DATAGRAM_LEN_MAX: usize = 65_535;
/// Datagrams of one session that wait: more than a resolver asks at once, and little enough that a flood takes no memory.
const WAITING_MAX: usize = 64;
/// Sessions of one socket: each may take a descriptor of its own, and addresses can be forged.
const SESSIONS_MAX: usize = 8192;

/// What the sessions of a socket share.
#[derive(Debug, Default)]
struct Sessions {
    by_peer: RefCell<HashMap<SocketAddr, Rc<Inbox>>>,
    /// Sessions that begin with what an earlier one of the same client left.
    next: RefCell<VecDeque<(SocketAddr, Rc<Inbox>)>>,
    has_next: Notify,
}

#[derive(Debug, Default)]
struct Inbox {
    waiting: RefCell<VecDeque<Box<[u8]>>>,
    waker: RefCell<Option<Waker>>,
}

/// A bound socket that is registered with the event loop of this thread.
#[derive(Debug)]
pub(super) struct DatagramListener {
    socket: Rc<UdpSocket>,
    sessions: Rc<Sessions>,
}

/// One client's datagrams.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: Rc<UdpSocket>,
    peer: SocketAddr,
    inbox: Rc<Inbox>,
    sessions: Rc<Sessions>,
}

impl DatagramListener {
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        Ok(Self {
            socket: Rc::new(UdpSocket::from_std(socket.into())?),
            sessions: Rc::default(),
        })
    }

    /// Gives datagrams to their sessions until one begins a new one.
    pub(super) async fn accept(&self) -> io::Result<Datagrams> {
        let mut buffer = vec![0; DATAGRAM_LEN_MAX];
        loop {
            if let Some((peer, inbox)) = self.sessions.next.borrow_mut().pop_front() {
                return Ok(self.session(peer, inbox));
            }
            let (len, peer) = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received?,
                () = self.sessions.has_next.notified() => continue,
            };
            let datagram = &buffer[..len];
            let mut by_peer = self.sessions.by_peer.borrow_mut();
            if let Some(inbox) = by_peer.get(&peer) {
                inbox.put(datagram);
                continue;
            }
            if by_peer.len() >= SESSIONS_MAX {
                continue;
            }
            let inbox = Rc::new(Inbox::default());
            inbox.put(datagram);
            by_peer.insert(peer, inbox.clone());
            return Ok(self.session(peer, inbox));
        }
    }

    fn session(&self, peer: SocketAddr, inbox: Rc<Inbox>) -> Datagrams {
        Datagrams {
            socket: self.socket.clone(),
            peer,
            inbox,
            sessions: self.sessions.clone(),
        }
    }
}

impl Inbox {
    fn put(&self, datagram: &[u8]) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() < WAITING_MAX {
            waiting.push_back(datagram.into());
        }
        drop(waiting);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Datagrams {
    /// The client.
    pub(crate) fn peer(&self) -> Endpoint {
        Endpoint::Ip(self.peer)
    }

    /// Our end.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn local(&self) -> io::Result<Endpoint> {
        self.socket.local_addr().map(Endpoint::Ip)
    }

    /// The next datagram.
    pub(crate) fn poll_receive(&self, cx: &Context<'_>) -> Poll<Box<[u8]>> {
        match self.inbox.waiting.borrow_mut().pop_front() {
            Some(datagram) => Poll::Ready(datagram),
            None => {
                self.inbox.waker.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    /// Sends a datagram to the client.
    pub(crate) fn send(&self, datagram: &[u8]) {
        // What the system does not take is lost, which UDP's users are prepared for.
        let _ = SockRef::from(&*self.socket).send_to(datagram, &self.peer.into());
    }

    /// Lets the client's next datagram begin a new session, which may be here already; this one can go on sending.
    pub(crate) fn detach(&self) {
        let mut by_peer = self.sessions.by_peer.borrow_mut();
        let is_ours = |inbox: &Rc<Inbox>| Rc::ptr_eq(inbox, &self.inbox);
        if !by_peer.get(&self.peer).is_some_and(is_ours) {
            return;
        }
        let waiting = self.inbox.waiting.take();
        if waiting.is_empty() {
            by_peer.remove(&self.peer);
            return;
        }
        let inbox = Rc::new(Inbox {
            waiting: RefCell::new(waiting),
            waker: RefCell::default(),
        });
        by_peer.insert(self.peer, inbox.clone());
        let mut next = self.sessions.next.borrow_mut();
        next.push_back((self.peer, inbox));
        self.sessions.has_next.notify_one();
    }
}

impl Drop for Datagrams {
    /// What waits goes with the session: it was refused, or nobody wants it.
    fn drop(&mut self) {
        self.inbox.waiting.take();
        self.detach();
    }
}

/// A socket that speaks with one server.
#[derive(Debug)]
pub(crate) struct DatagramLink(UdpSocket);

impl DatagramLink {
    /// Makes it; nothing is sent.
    ///
    /// # Errors
    ///
    /// The system's; `InvalidInput` where the target is no internet address.
    pub(crate) fn new(target: &Endpoint, options: &ConnectOptions) -> io::Result<Self> {
        let address = target.ip().ok_or(io::ErrorKind::InvalidInput)?;
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
        if let Some(bytes) = options.rcvbuf {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(local) = options.bind {
            if options.transparent {
                match domain {
                    Domain::IPV6 => socket.set_ip_transparent_v6(true)?,
                    _ => socket.set_ip_transparent_v4(true)?,
                }
            }
            socket.bind(&local.into())?;
        }
        socket.connect(&address.into())?;
        UdpSocket::from_std(socket.into()).map(Self)
    }

    /// Sends a datagram.
    ///
    /// # Errors
    ///
    /// The system's: that nobody listens there is told of an earlier one.
    pub(crate) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        // Asked of the system itself: the event loop does not know yet that a new socket takes something.
        match SockRef::from(&self.0).send(datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Completes when the system has bad news: that nobody listens there, for example. Reading is not woken by these.
    pub(crate) async fn trouble(&self) -> io::Error {
        loop {
            if let Err(error) = self.0.ready(Interest::ERROR).await {
                return error;
            }
            match self.0.take_error() {
                Ok(Some(error)) | Err(error) => return error,
                // It has been told already, to whoever read or sent.
                Ok(None) => std::future::pending::<()>().await,
            }
        }
    }

    /// Receives a datagram into `buffer`; gives back its length.
    pub(crate) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::new(buffer);
        ready!(self.0.poll_recv(cx, &mut into))?;
        Poll::Ready(Ok(into.filled().len()))
    }
}

/// Binds a socket for datagrams.
pub(super) fn bind(address: SocketAddr, ipv6only: bool, shared: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(ipv6only)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;

    #[test]
    fn sessions_share_a_socket() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let bound = bind("127.0.0.1:0".parse().unwrap(), true, true).unwrap();
            let listener = DatagramListener::new(bound).unwrap();
            let target = Endpoint::Ip(listener.socket.local_addr().unwrap());
            let link = || DatagramLink::new(&target, &ConnectOptions::default()).unwrap();
            let (one, two) = (link(), link());
            one.send(b"a").unwrap();
            let first = listener.accept().await.unwrap();
            one.send(b"").unwrap();
            two.send(b"b").unwrap();
            let second = listener.accept().await.unwrap();
            let next = |session: &Datagrams| match session
                .poll_receive(&Context::from_waker(Waker::noop()))
            {
                Poll::Ready(datagram) => Some(datagram.to_vec()),
                Poll::Pending => None,
            };
            assert_eq!(next(&first).unwrap(), b"a");
            assert_eq!(next(&first).unwrap(), b"");
            assert_eq!(next(&first), None);
            assert_eq!(next(&second).unwrap(), b"b");
            second.send(b"back");
            let mut buffer = [0; 8];
            let len = poll_fn(|cx| two.poll_receive(cx, &mut buffer))
                .await
                .unwrap();
            assert_eq!(&buffer[..len], b"back");
            second.detach();
            two.send(b"again").unwrap();
            let third = listener.accept().await.unwrap();
            drop(second);
            assert_eq!(listener.sessions.by_peer.borrow().len(), 2);
            two.send(b"left").unwrap();
            one.send(b"flush").unwrap();
            let pending = listener.accept();
            let outcome = tokio::time::timeout(Duration::from_millis(20), pending).await;
            assert!(outcome.is_err(), "both belong to sessions");
            assert_eq!(next(&third).unwrap(), b"again");
            third.detach();
            drop(third);
            let fourth = listener.accept().await.unwrap();
            assert_eq!(next(&fourth).unwrap(), b"left");
            assert_eq!(next(&first).unwrap(), b"flush");
            let gone = Endpoint::Ip("127.0.0.1:1".parse().unwrap());
            let lost = DatagramLink::new(&gone, &ConnectOptions::default()).unwrap();
            lost.send(b"?").unwrap();
            assert_eq!(
                lost.trouble().await.kind(),
                io::ErrorKind::ConnectionRefused
            );
            drop((first, fourth));
            assert!(listener.sessions.by_peer.borrow().is_empty());
        });
    }
}
