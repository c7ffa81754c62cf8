//! One connection of the load generator: sends the same request again and again, with a fixed number in flight.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Answers to Produce are far smaller; one read takes many of them.
const READ_BYTES: usize = 16 * 1024;

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    request: Vec<u8>,
    depth: usize,
    /// How much of the request that is being sent is out; all of it when none is.
    sent: usize,
    started: VecDeque<Instant>,
    input: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: &str, request: Vec<u8>, depth: usize) -> Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let sent = request.len();
        Ok(Connection {
            stream,
            request,
            depth,
            sent,
            started: VecDeque::new(),
            input: Vec::new(),
        })
    }

    /// Sends until the socket or the depth is full.
    pub(super) fn fill(&mut self) -> Result<()> {
        loop {
            if self.sent == self.request.len() {
                if self.started.len() == self.depth {
                    return Ok(());
                }
                self.sent = 0;
                self.started.push_back(Instant::now());
            }
            match self.stream.write(&self.request[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("send to the server"),
            }
        }
    }

    /// Takes the answers that have arrived; `answered` gets how long each one took.
    pub(super) fn drain(&mut self, mut answered: impl FnMut(Duration)) -> Result<()> {
        let mut buffer = [0; READ_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("read from the server"),
            }
        }
        let mut at = 0;
        while let Some(header) = self.input[at..].first_chunk::<4>() {
            let length = usize::try_from(i32::from_be_bytes(*header))?;
            let Some(answer) = self.input.get(at + 4..at + 4 + length) else {
                break;
            };
            check(answer)?;
            let started = self
                .started
                .pop_front()
                .context("an answer to no request")?;
            answered(started.elapsed());
            at += 4 + length;
        }
        self.input.drain(..at);
        Ok(())
    }
}

/// A Produce answer (version 3) for one partition: correlation, one topic by name, one partition, error, offset.
fn check(answer: &[u8]) -> Result<()> {
    let name = answer.get(8..10).context("a short answer")?;
    let name = usize::from(u16::from_be_bytes([name[0], name[1]]));
    let error = answer
        .get(10 + name + 8..10 + name + 10)
        .context("a short answer")?;
    ensure!(
        error == [0, 0],
        "the server refused a record: error {}",
        i16::from_be_bytes([error[0], error[1]])
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Writer;

    #[test]
    fn errors_in_answers_are_seen() {
        let answer = |error: i16| {
            let mut writer = Writer::default();
            writer
                .i32(7)
                .i32(1)
                .string("topic")
                .i32(1)
                .i32(3)
                .i16(error)
                .i64(9)
                .i64(-1)
                .i32(0);
            writer.bytes
        };
        assert!(check(&answer(0)).is_ok());
        assert!(
            check(&answer(2))
                .unwrap_err()
                .to_string()
                .contains("error 2")
        );
        assert!(check(&answer(0)[..12]).is_err());
    }
}
