//! A connection with several requests in flight.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::{Api, Client, Reader, Writer, frame};

/// A server that is alive answers within this time; one that is dead has closed the connection.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// An answer to a Produce or OffsetCommit request is far smaller.
const ANSWER_BYTES_MAX: usize = 1 << 20;

const INIT_PRODUCER_ID: Api = Api {
    key: 22,
    version: 0,
};

/// The connection. An error of any of its methods means that the server is gone.
pub(super) struct Pipe {
    stream: TcpStream,
    correlation: i32,
    in_flight: VecDeque<i32>,
}

impl Pipe {
    pub(super) fn connect(address: &str) -> Result<Pipe> {
        let stream = TcpStream::connect(address).context("connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Pipe {
            stream,
            correlation: 0,
            in_flight: VecDeque::new(),
        })
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(super) fn send(&mut self, api: Api, body: &[u8]) -> Result<()> {
        self.correlation += 1;
        self.stream
            .write_all(&frame::request(api, self.correlation, body))?;
        self.in_flight.push_back(self.correlation);
        Ok(())
    }

    /// The body of the answer to the oldest request in flight.
    pub(super) fn receive(&mut self) -> Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length))?;
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        let correlation = Reader::new(&answer).i32()?;
        let expected = self.in_flight.pop_front();
        ensure!(
            expected == Some(correlation),
            "answer {correlation} where {expected:?} is the oldest request"
        );
        Ok(answer.split_off(4))
    }
}

/// A new producer id (with epoch 0).
pub(super) fn producer_id(client: &mut Client) -> Result<i64> {
    let mut body = Writer::default();
    body.i16(-1).i32(60_000);
    let answer = client.call(INIT_PRODUCER_ID, &body.bytes)?;
    let mut reader = Reader::new(&answer);
    reader.i32()?;
    let (error, id, epoch) = (reader.i16()?, reader.i64()?, reader.i16()?);
    ensure!(error == 0, "InitProducerId: error {error}");
    ensure!(epoch == 0, "a new producer id with epoch {epoch}");
    Ok(id)
}
