//! One connection as the faces see it: bytes in and out, with or without TLS, over TCP or a unix socket.
//!
//! It belongs to one task. Reading without a buffer at hand is `readable`, then [`Transport::try_read`] into the spare capacity
//! of a vector; `WouldBlock` after `readable` is usual (TLS has records that carry no data), so read in a loop.
//! `AsyncRead` and `AsyncWrite` are there for everything else, vectored writes included.
//!
//! With TLS, a write takes what is given into records and sends what the socket takes: **flush before waiting for an answer**,
//! or the rest may stay here. Without TLS flushing does nothing.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::endpoint::Endpoint;
use super::options::Keepalive;
use super::tls::Session;
use super::wire::{Socket, Wire};

/// One connection.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(super) wire: Wire,
    pub(super) tls: Option<Box<Session>>,
    peer: Endpoint,
}

impl Transport {
    /// A TCP connection with `peer`.
    pub(crate) fn tcp(stream: TcpStream, peer: Endpoint) -> Self {
        Self {
            wire: Wire::new(Socket::Tcp(stream)),
            tls: None,
            peer,
        }
    }

    /// A unix connection with `peer`.
    pub(crate) fn unix(stream: UnixStream, peer: Endpoint) -> Self {
        Self {
            wire: Wire::new(Socket::Unix(stream)),
            tls: None,
            peer,
        }
    }

    /// The other side's end of the socket: what a PROXY header says is not here.
    pub(crate) const fn peer(&self) -> &Endpoint {
        &self.peer
    }

    /// Our end of the socket; a system call each time.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn local(&self) -> io::Result<Endpoint> {
        match self.wire.socket() {
            Socket::Tcp(socket) => socket.local_addr().map(Endpoint::Ip),
            Socket::Unix(socket) => {
                let address = socket.local_addr()?;
                let path = address.as_pathname().map(|path| path.to_string_lossy());
                Ok(Endpoint::Unix(path.unwrap_or_default().into()))
            }
        }
    }

    /// Ready when a read is worth trying.
    pub(crate) fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.tls {
            None => self.wire.poll_read_ready(cx),
            Some(session) => session.poll_read_ready(&self.wire, cx),
        }
    }

    /// Waits without a buffer until a read is worth trying.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) async fn readable(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_read_ready(cx)).await
    }

    /// Reads what is there into the spare capacity of `into`, which never grows; 0 is the end. The task is not registered for
    /// more; waiting does that.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where nothing is there, `InvalidInput` where `into` is full, and the system's.
    #[cfg(test)]
    pub(crate) fn try_read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        match self.poll_read_spare(&mut Context::from_waker(std::task::Waker::noop()), into) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// [`Self::try_read`] that registers the task where nothing is there.
    pub(crate) fn poll_read_spare(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        if into.len() == into.capacity() {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        }
        match &mut self.tls {
            None => self.wire.poll_read_spare(cx, into),
            Some(session) => session.poll_read(&mut self.wire, cx, |bytes| {
                let count = bytes.len().min(into.capacity() - into.len());
                into.extend_from_slice(&bytes[..count]);
                count
            }),
        }
    }

    /// Ready when the other side sends no more and nothing that it sent waits; takes no bytes. For noticing a client that left
    /// while it is not being read. While bytes wait, the task is not woken by an end behind them.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.tls {
            None => self.wire.poll_closed(cx),
            Some(session) => session.poll_closed(&mut self.wire, cx),
        }
    }

    /// [`Self::try_read`] that waits.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where `into` is full, and the system's.
    pub(crate) async fn read_spare(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read_spare(cx, into)).await
    }

    /// The session of TLS, where there is one: what variables ask.
    pub(crate) fn tls(&self) -> Option<&Session> {
        self.tls.as_deref()
    }

    /// Changes when the other side takes some of what TLS holds back, which a write or a flush that goes on waiting does not tell.
    pub(crate) fn taken(&self) -> u64 {
        self.tls.as_ref().map_or(0, |session| session.taken)
    }

    /// Puts bytes back, so that they are read next. For what was read beyond a PROXY header, or looked at.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            None => self.wire.put_back(bytes),
            Some(session) => session.put_back(bytes),
        }
    }

    /// Sends small writes at once (`tcp_nodelay`). Does nothing on a unix socket.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn set_nodelay(&self, on: bool) -> io::Result<()> {
        match self.wire.socket() {
            Socket::Tcp(socket) => socket.set_nodelay(on),
            Socket::Unix(_) => Ok(()),
        }
    }

    /// Lets the system probe an idle connection (`so_keepalive`). Does nothing on a unix socket.
    ///
    /// # Errors
    ///
    /// The system's.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "nothing in a configuration asks for it yet")
    )]
    pub(crate) fn set_keepalive(&self, keepalive: &Keepalive) -> io::Result<()> {
        match self.wire.socket() {
            Socket::Tcp(socket) => keepalive.apply(&SockRef::from(socket)),
            Socket::Unix(_) => Ok(()),
        }
    }

    /// Closes so that the other side sees a reset and the system keeps nothing (`reset_timedout_connection`, code 444).
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "nothing in a configuration asks for it yet")
    )]
    pub(crate) fn reset(self) {
        self.reset_on_close();
    }

    /// The same once it is dropped.
    pub(crate) fn reset_on_close(&self) {
        if let Socket::Tcp(socket) = self.wire.socket() {
            // Where it fails, the connection is gone already or is closed in the usual way.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// The socket's pending error, and none where it has none: what became of a connection that is no longer read.
    ///
    /// # Errors
    ///
    /// The system's.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "nothing in a configuration asks for it yet")
    )]
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        SockRef::from(self.wire.socket()).take_error()
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.tls {
            None => this.wire.poll_read(cx, into),
            Some(session) => {
                let read = session.poll_read(&mut this.wire, cx, |bytes| {
                    let count = bytes.len().min(into.remaining());
                    into.put_slice(&bytes[..count]);
                    count
                });
                read.map_ok(drop)
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match &mut this.tls {
            None => this.wire.poll_write_vectored(cx, slices),
            Some(session) => session.poll_write(&mut this.wire, cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.tls {
            None => Poll::Ready(Ok(())),
            Some(session) => session.poll_send(&mut this.wire, cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(session) = &mut this.tls {
            ready!(session.poll_close(&mut this.wire, cx))?;
        }
        Poll::Ready(this.wire.shut_write())
    }
}

#[cfg(test)]
mod tests;
