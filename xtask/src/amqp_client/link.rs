//! The bytes of a connection: what waits to be sent, what has arrived, and the frames in it.

use std::io::{ErrorKind, Read as _, Result as IoResult, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::CHANNEL;
use super::method::Method;

pub(super) const FRAME_METHOD: u8 = 1;
pub(super) const FRAME_HEADER: u8 = 2;
pub(super) const FRAME_BODY: u8 = 3;
pub(super) const FRAME_HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xce;

/// Type, channel and length stand before a frame's payload.
const FRAME_HEAD_BYTES: usize = 7;

/// A whole frame on the channel with class, method, tag and no flags.
const ACK: [u8; 21] = {
    let mut ack = [0; 21];
    ack[0] = FRAME_METHOD;
    [ack[1], ack[2]] = CHANNEL.to_be_bytes();
    ack[6] = 13;
    ack[8] = 60;
    ack[10] = 80;
    ack[20] = FRAME_END;
    ack
};
const ACK_TAG_AT: usize = 11;

/// One read takes up to this much: thousands of small frames.
const READ_BYTES_MAX: usize = 256 * 1024;

/// What a connection starts with, so that thousands of idle ones cost the harness little.
const READ_BYTES_MIN: usize = 4 * 1024;

/// No frame is larger: it was not offered.
const PAYLOAD_BYTES_MAX: usize = 131_072;

/// A socket with its buffers. Its own methods fail only when the server is gone, or breaks the framing.
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    /// What waits to be sent.
    pub(crate) output: Vec<u8>,
    /// How much of `output` is out already.
    sent: usize,
    input: Vec<u8>,
    /// Where in `input` what is not yet read begins and ends.
    start: usize,
    end: usize,
    /// Room for the next read; doubled whenever a read fills it.
    room: usize,
}

/// A whole frame, its payload as a place in the link's buffer.
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) payload: Range<usize>,
}

impl Link {
    pub(super) fn connect(address: &str, answer_limit: Duration) -> Result<Link> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(answer_limit))?;
        Ok(Link {
            stream,
            output: Vec::new(),
            sent: 0,
            input: Vec::new(),
            start: 0,
            end: 0,
            room: READ_BYTES_MIN,
        })
    }

    /// Adds a method to what waits to be sent.
    pub(crate) fn push(&mut self, channel: u16, method: &Method) {
        frame(&mut self.output, FRAME_METHOD, channel, &method.payload);
    }

    /// Adds `basic.ack` for one delivery: what a load sends most often, written without detours.
    pub(crate) fn push_ack(&mut self, tag: u64) {
        let mut ack = ACK;
        ack[ACK_TAG_AT..ACK_TAG_AT + 8].copy_from_slice(&tag.to_be_bytes());
        self.output.extend_from_slice(&ack);
    }

    /// Sends what waits; false where the socket takes no more just now.
    pub(crate) fn flush(&mut self) -> IoResult<bool> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(true)
    }

    /// Reads once; none where a non-blocking socket has nothing. A closed connection is an error.
    pub(crate) fn read(&mut self) -> IoResult<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > self.room {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.input.len() < self.end + self.room {
            self.input.resize(self.end + self.room, 0);
        }
        let room = &mut self.input[self.end..self.end + self.room];
        match self.stream.read(room) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.end += count;
                if count == self.room {
                    self.room = READ_BYTES_MAX.min(2 * self.room);
                }
                Ok(count)
            }
            // A blocking socket says the same after its time limit.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Takes the next frame of what has arrived.
    pub(super) fn frame(&mut self) -> Result<Option<Frame>> {
        let arrived = &self.input[self.start..self.end];
        let Some(head) = arrived.first_chunk::<FRAME_HEAD_BYTES>() else {
            return Ok(None);
        };
        let [kind, _, _, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length))?;
        ensure!(length <= PAYLOAD_BYTES_MAX, "a frame of {length} bytes");
        let Some(end) = arrived.get(FRAME_HEAD_BYTES + length) else {
            return Ok(None);
        };
        ensure!(*end == FRAME_END, "a frame that ends with {end:#x}");
        let from = self.start + FRAME_HEAD_BYTES;
        self.start = from + length + 1;
        Ok(Some(Frame {
            kind,
            payload: from..from + length,
        }))
    }

    /// The bytes at a frame's payload; valid until the next read.
    pub(super) fn bytes(&self, payload: Range<usize>) -> &[u8] {
        &self.input[payload]
    }
}

/// Appends a whole frame.
pub(super) fn frame(into: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    into.push(kind);
    into.extend(channel.to_be_bytes());
    let len = u32::try_from(payload.len()).expect("the harness sends no frame of 4 GiB");
    into.extend(len.to_be_bytes());
    into.extend_from_slice(payload);
    into.push(FRAME_END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_to_an_ack_is_the_long_one() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut link = Link::connect(&address, Duration::from_secs(1)).unwrap();
        link.push(CHANNEL, &Method::ack(0x0102_0304_0506_0708, false));
        let long = std::mem::take(&mut link.output);
        link.push_ack(0x0102_0304_0506_0708);
        assert_eq!(link.output, long);
    }

    #[test]
    fn frames_are_taken_whole() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut link = Link::connect(&address, Duration::from_secs(1)).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        let mut sent = Vec::new();
        frame(&mut sent, FRAME_BODY, CHANNEL, b"one");
        frame(&mut sent, FRAME_BODY, CHANNEL, &[7; 10_000]);
        let mut taken = Vec::new();
        for piece in sent.chunks(3000) {
            other.write_all(piece).unwrap();
            link.read().unwrap();
            while let Some(frame) = link.frame().unwrap() {
                taken.push(link.bytes(frame.payload).to_vec());
            }
        }
        while taken.len() < 2 {
            link.read().unwrap();
            while let Some(frame) = link.frame().unwrap() {
                taken.push(link.bytes(frame.payload).to_vec());
            }
        }
        assert_eq!(taken, [b"one".to_vec(), vec![7; 10_000]]);
        drop(other);
        assert!(link.read().is_err(), "the other side is gone");
    }
}
