//! The bytes of one connection below TLS: a TCP or unix socket, and bytes that were read ahead of their turn.
//!
//! Everything here is non-blocking and `&mut self`: one task owns a connection. Bytes that were read while a PROXY header was
//! looked for are given to the next reader before the socket is asked again.

//! Reads and writes that wait go through the streams' own `poll_…`: after a short read they know that the socket is empty, and
//! the next wait costs no system call that only says so.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// The socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What is copied rather than listed: copying so much takes less than the system's look at a list.
const JOINED_MAX: usize = 4 << 10;

thread_local! {
    /// Where small slices are put together.
    static JOINED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The socket and what was read ahead.
#[derive(Debug)]
pub(super) struct Wire {
    socket: Socket,
    ahead: Vec<u8>,
}

impl Wire {
    pub(super) const fn new(socket: Socket) -> Self {
        Self {
            socket,
            ahead: Vec::new(),
        }
    }

    pub(super) const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Puts bytes back, in front of what comes next.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.ahead.splice(..0, bytes.iter().copied());
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match &self.socket {
            Socket::Tcp(socket) => socket.poll_read_ready(cx),
            Socket::Unix(socket) => socket.poll_read_ready(cx),
        }
    }

    /// Reads into the spare capacity of `into`, of which there is some; 0 is the end.
    pub(super) fn poll_read_spare(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(into.capacity() - into.len());
            into.extend_from_slice(&self.ahead[..count]);
            self.consume_ahead(count);
            return Poll::Ready(Ok(count));
        }
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket.read_buf(into)).poll(cx),
            Socket::Unix(socket) => pin!(socket.read_buf(into)).poll(cx),
        }
    }

    /// Reads into `into`; nothing read is the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(into.remaining());
            into.put_slice(&self.ahead[..count]);
            self.consume_ahead(count);
            return Poll::Ready(Ok(()));
        }
        match &mut self.socket {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(cx, into),
            Socket::Unix(socket) => Pin::new(socket).poll_read(cx, into),
        }
    }

    /// Writes slices in one call: small ones together from one buffer, because the system takes one buffer faster than a list.
    pub(super) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [one] = slices {
            return self.poll_write(cx, one);
        }
        if slices.iter().map(|slice| slice.len()).sum::<usize>() > JOINED_MAX {
            return match &mut self.socket {
                Socket::Tcp(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
                Socket::Unix(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            };
        }
        let mut joined = JOINED.take();
        joined.clear();
        for slice in slices {
            joined.extend_from_slice(slice);
        }
        let written = self.poll_write(cx, &joined);
        JOINED.set(joined);
        written
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, bytes),
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    /// Ready when the other side sends no more, and nothing that it sent waits. Takes no bytes; while some wait, the task is not
    /// woken by an end behind them.
    pub(super) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.ahead.is_empty() {
            return Poll::Pending;
        }
        loop {
            if ready!(self.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            match self.peek() {
                Ok(0) => return Poll::Ready(()),
                Ok(_) => return Poll::Pending,
                // Nothing is there after all, which the event loop knows now, too.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(()),
            }
        }
    }

    fn peek(&self) -> io::Result<usize> {
        let peek = || SockRef::from(&self.socket).peek(&mut [MaybeUninit::uninit()]);
        match &self.socket {
            Socket::Tcp(socket) => socket.try_io(Interest::READABLE, peek),
            Socket::Unix(socket) => socket.try_io(Interest::READABLE, peek),
        }
    }

    /// Says to the other side that no more comes.
    pub(super) fn shut_write(&self) -> io::Result<()> {
        match SockRef::from(&self.socket).shutdown(std::net::Shutdown::Write) {
            // The other side is gone already, so it has been told.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            outcome => outcome,
        }
    }

    fn consume_ahead(&mut self, count: usize) {
        self.ahead.drain(..count);
        if self.ahead.is_empty() {
            self.ahead = Vec::new();
        }
    }
}

impl std::os::fd::AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}
