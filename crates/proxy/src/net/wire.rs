//! The bytes of one connection below TLS: a TCP or unix socket, and bytes that were read ahead of their turn.
//!
//! Everything here is non-blocking and `&mut self`: one task owns a connection. Bytes that were read while a PROXY header was
//! looked for are given to the next reader before the socket is asked again.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};

/// The socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
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

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.socket {
            Socket::Tcp(socket) => socket.poll_write_ready(cx),
            Socket::Unix(socket) => socket.poll_write_ready(cx),
        }
    }

    /// Reads into the spare capacity of `into`; 0 is the end. `WouldBlock` where there is nothing yet.
    pub(super) fn try_read_spare(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(into.capacity() - into.len());
            into.extend_from_slice(&self.ahead[..count]);
            self.consume_ahead(count);
            return Ok(count);
        }
        match &self.socket {
            Socket::Tcp(socket) => socket.try_read_buf(into),
            Socket::Unix(socket) => socket.try_read_buf(into),
        }
    }

    /// Reads into `into`; 0 is the end.
    pub(super) fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(into.len());
            into[..count].copy_from_slice(&self.ahead[..count]);
            self.consume_ahead(count);
            return Ok(count);
        }
        match &self.socket {
            Socket::Tcp(socket) => socket.try_read(into),
            Socket::Unix(socket) => socket.try_read(into),
        }
    }

    pub(super) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.socket {
            Socket::Tcp(socket) => socket.try_write_vectored(slices),
            Socket::Unix(socket) => socket.try_write_vectored(slices),
        }
    }

    pub(super) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_write_ready(cx))?;
                }
                outcome => return Poll::Ready(outcome),
            }
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
