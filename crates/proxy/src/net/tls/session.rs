//! One TLS session over a wire: records in and out, in the shape of the wire's own reads and writes.
//!
//! Before new data is taken, what was encrypted earlier has left: a slow peer holds at most [`PENDING_MAX`] here.

use std::io::{self, BufRead, IoSlice, Read, Write};
use std::task::{Context, Poll, ready};

use rustls::Connection;
use tokio::io::ReadBuf;

use super::super::wire::Wire;
use super::server::Verdict;

/// Plain bytes that are encrypted ahead of the socket: four records, so that a large write goes out in few system calls.
const PENDING_MAX: usize = 64 << 10;

/// The session of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) connection: Connection,
    pub(super) verdict: Verdict,
    close_sent: bool,
    /// Bytes of records that the socket took.
    pub(in super::super) taken: u64,
    /// Decrypted bytes that were put back.
    ahead: Vec<u8>,
}

impl Session {
    pub(super) fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(PENDING_MAX));
        Self {
            connection,
            verdict: Verdict::None,
            close_sent: false,
            taken: 0,
            ahead: Vec::new(),
        }
    }

    /// Puts decrypted bytes back, in front of what comes next.
    pub(in super::super) fn put_back(&mut self, bytes: &[u8]) {
        self.ahead.splice(..0, bytes.iter().copied());
    }

    /// Goes on with the handshake until it is done.
    pub(super) fn poll_handshake(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.connection.is_handshaking() {
            ready!(self.poll_send(wire, cx))?;
            if self.connection.is_handshaking() && ready!(self.poll_records(wire, cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        // Our last words, and tickets: what the socket does not take now goes ahead of the first data.
        match self.poll_send(wire, cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Ready where a read would return something at once, or is worth trying.
    pub(in super::super) fn poll_read_ready(
        &mut self,
        wire: &Wire,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match self.connection.reader().fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wire.poll_read_ready(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Gives `take` what was decrypted and returns how much it took; 0 is the end, orderly or not.
    pub(in super::super) fn poll_read(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Poll<io::Result<usize>> {
        if !self.ahead.is_empty() {
            let count = take(&self.ahead);
            self.ahead.drain(..count);
            if self.ahead.is_empty() {
                self.ahead = Vec::new();
            }
            return Poll::Ready(Ok(count));
        }
        loop {
            let mut reader = self.connection.reader();
            match reader.fill_buf() {
                Ok(bytes) => {
                    let count = take(bytes);
                    reader.consume(count);
                    return Poll::Ready(Ok(count));
                }
                // An end without TLS' own word for it. What is framed notices; the rest ends so at many peers.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(0));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                Err(_) => {
                    ready!(self.poll_records(wire, cx))?;
                }
            }
        }
    }

    /// Ready when the other side has ended and nothing that it sent waits.
    pub(in super::super) fn poll_closed(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if !self.ahead.is_empty() {
            return Poll::Pending;
        }
        loop {
            match self.connection.reader().fill_buf() {
                Ok(bytes) if !bytes.is_empty() => return Poll::Pending,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return Poll::Ready(()),
            }
            if ready!(self.poll_records(wire, cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// Encrypts and sends; returns how much was taken.
    pub(in super::super) fn poll_write(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(wire, cx))?;
        let count = self.connection.writer().write_vectored(slices)?;
        match self.poll_send(wire, cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(count)),
        }
    }

    /// Sends all that was encrypted.
    pub(in super::super) fn poll_send(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Io { wire, cx }) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.taken += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says that no more comes, in TLS' words; the caller closes the wire's half.
    pub(in super::super) fn poll_close(
        &mut self,
        wire: &mut Wire,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.close_sent {
            self.close_sent = true;
            self.connection.send_close_notify();
        }
        self.poll_send(wire, cx)
    }

    /// Reads what the wire has and decrypts it; 0 is the wire's end.
    fn poll_records(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = match self.connection.read_tls(&mut Io { wire, cx }) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        };
        if let Err(error) = self.connection.process_new_packets() {
            // The other side is told why, where the socket takes it.
            let _ = self.poll_send(wire, cx);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(count))
    }
}

/// The wire in the shape that rustls reads and writes; `WouldBlock` has registered the task.
pub(super) struct Io<'a, 'b> {
    pub(super) wire: &'a mut Wire,
    pub(super) cx: &'a mut Context<'b>,
}

impl Read for Io<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut into = ReadBuf::new(into);
        match self.wire.poll_read(self.cx, &mut into) {
            Poll::Ready(outcome) => outcome.map(|()| into.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Io<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.wire.poll_write_vectored(self.cx, slices) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
