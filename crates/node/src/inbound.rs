//! Frames off a socket: a 32-bit length and that many bytes.
//!
//! A connection that waits for its next frame holds a small buffer. A length reserves no memory by itself:
//! room is made as bytes arrive. A large frame draws its whole length on a budget that all connections
//! share before it is read, so that frames that are begun can also be finished.

use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room that a connection keeps for what may come next, in bytes: a request with a record of 1 KiB
/// fits, and so do thousands of idle connections.
const READ_BYTES_MIN: usize = 4 << 10;
/// Room that is made at once for a large frame, in bytes.
const READ_BYTES_MAX: usize = 1 << 20;
/// Length of the field in front of a frame, in bytes.
const LENGTH_LEN: usize = 4;
/// Frames up to this length do not draw on the shared budget, in bytes.
const FREE_FRAME_LEN: usize = 64 << 10;
/// Unit of the shared budget, in bytes.
const BUDGET_UNIT: usize = 1 << 10;
/// Bytes of large frames that all connections together may have under way.
const BUDGET_BYTES: usize = 512 << 20;

/// What a client sent is no frame.
#[derive(Debug, thiserror::Error)]
#[error(
    "a request declares {declared} bytes; at most {limit} are taken (socket.request.max.bytes)"
)]
pub(crate) struct FrameError {
    declared: i32,
    limit: usize,
}

/// The bytes of large frames that may be under way.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET_BYTES / BUDGET_UNIT)))
    }
}

/// What has been read of a connection and not been handled.
#[derive(Debug)]
pub(crate) struct Inbound {
    buffer: BytesMut,
    frame_bytes_max: usize,
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
}

impl Inbound {
    pub(crate) fn new(frame_bytes_max: usize, budget: Budget) -> Self {
        Self {
            buffer: BytesMut::new(),
            frame_bytes_max,
            budget,
            permit: None,
        }
    }

    /// The length that the frame in front declares.
    fn declared(&self) -> Option<i32> {
        self.buffer
            .first_chunk::<LENGTH_LEN>()
            .map(|length| i32::from_be_bytes(*length))
    }

    fn frame_len(&self) -> Option<usize> {
        self.declared()
            .and_then(|declared| usize::try_from(declared).ok())
    }

    /// Whether a whole frame waits to be taken.
    fn holds_frame(&self) -> bool {
        self.frame_len()
            .is_some_and(|len| self.buffer.len() >= LENGTH_LEN + len)
    }

    /// Whether [`Self::frame`] has something to say: a whole frame, or that the length in front is not
    /// taken. Then nothing more needs to be read.
    pub(crate) fn is_satisfied(&self) -> bool {
        let refused =
            |declared| usize::try_from(declared).map_or(true, |len| len > self.frame_bytes_max);
        self.holds_frame() || self.declared().is_some_and(refused)
    }

    /// Takes the next frame, where it is whole, with its share of the budget.
    pub(crate) fn frame(
        &mut self,
    ) -> Result<Option<(Bytes, Option<OwnedSemaphorePermit>)>, FrameError> {
        let Some(declared) = self.declared() else {
            return Ok(None);
        };
        let limit = self.frame_bytes_max;
        let len = usize::try_from(declared)
            .ok()
            .filter(|len| *len <= limit)
            .ok_or(FrameError { declared, limit })?;
        if self.buffer.len() < LENGTH_LEN + len {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_LEN);
        let frame = self.buffer.split_to(len).freeze();
        if self.buffer.is_empty() {
            // What is left of a large buffer would keep all of it in memory.
            self.buffer = BytesMut::new();
        }
        Ok(Some((frame, self.permit.take())))
    }

    /// Reads what is there and returns how much it was, 0 at the end. May be dropped while it waits.
    pub(crate) async fn fill(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        let missing = self.frame_len().map_or(0, |len| {
            (LENGTH_LEN + len).saturating_sub(self.buffer.len())
        });
        if missing > FREE_FRAME_LEN && self.permit.is_none() {
            let units = u32::try_from(missing.min(BUDGET_BYTES) / BUDGET_UNIT).unwrap_or(u32::MAX);
            // The semaphore is never closed.
            self.permit = self.budget.0.clone().acquire_many_owned(units).await.ok();
        }
        // A read that does not fill its room tells the runtime that nothing is left, which saves
        // asking the system again.
        self.buffer
            .reserve(missing.clamp(READ_BYTES_MIN, READ_BYTES_MAX));
        socket.read_buf(&mut self.buffer).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Inbound};
    use std::io::Write;
    use tokio::net::{TcpListener, TcpStream};

    /// Writes `pieces` to a connection one by one and returns the frames that come out, or the error.
    fn check(pieces: &[&[u8]], limit: usize) -> Result<Vec<Vec<u8>>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
            let mut client =
                std::net::TcpStream::connect(listener.local_addr().expect("an address"))
                    .expect("connected");
            let mut socket: TcpStream = listener.accept().await.expect("accepted").0;
            let mut inbound = Inbound::new(limit, Budget::new());
            let mut frames = Vec::new();
            for piece in pieces {
                client.write_all(piece).expect("written");
                inbound.fill(&mut socket).await.expect("read");
                while let Some((frame, _)) = inbound.frame().map_err(|error| error.to_string())? {
                    frames.push(frame.to_vec());
                }
                assert!(!inbound.holds_frame());
            }
            Ok(frames)
        })
    }

    #[test]
    fn frames_are_put_together_from_any_pieces() {
        let whole = [b"\0\0\0\x03abc".as_slice()];
        let pieces = [
            b"\0\0".as_slice(),
            b"\0\x03a",
            b"bc\0\0\0\0\0\0\0\x01",
            b"d",
        ];
        assert_eq!(check(&whole, 10), Ok(vec![b"abc".to_vec()]));
        assert_eq!(
            check(&pieces, 10),
            Ok(vec![b"abc".to_vec(), Vec::new(), b"d".to_vec()])
        );
    }

    #[test]
    fn a_length_out_of_bounds_is_an_error() {
        let long = check(&[b"\0\0\0\x0b"], 10).expect_err("too long");
        assert_eq!(
            long,
            "a request declares 11 bytes; at most 10 are taken (socket.request.max.bytes)"
        );
        check(&[b"\xff\xff\xff\xff"], 10).expect_err("negative");
    }
}
