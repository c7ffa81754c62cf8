//! A bare Kafka client for the harness: what it needs to prepare a test and to drive a load.
//!
//! It speaks one old, fixed version of each request that every server under test knows, so a test never
//! depends on the codec of the server that it tests. One request at a time; an answer must come within
//! [`ANSWER_LIMIT`].

mod batch;
pub(crate) mod frame;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

pub(crate) use batch::record_batch;
pub(crate) use frame::{Reader, Writer, request};

/// A server that is alive answers within this time, also while it recovers or flushes.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// An answer is never larger: no request asks for more.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A request's key and the one version of it that is spoken here.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(crate) key: i16,
    pub(crate) version: i16,
}

pub(crate) const PRODUCE: Api = Api { key: 0, version: 3 };
pub(crate) const FETCH: Api = Api { key: 1, version: 4 };
const LIST_OFFSETS: Api = Api { key: 2, version: 1 };
const METADATA: Api = Api { key: 3, version: 1 };
const API_VERSIONS: Api = Api {
    key: 18,
    version: 0,
};
const CREATE_TOPICS: Api = Api {
    key: 19,
    version: 2,
};

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    correlation: i32,
}

impl Client {
    pub(crate) fn connect(address: &str) -> Result<Client> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Client {
            stream,
            correlation: 0,
        })
    }

    /// Sends one request and returns the answer's body.
    pub(crate) fn call(&mut self, api: Api, body: &[u8]) -> Result<Vec<u8>> {
        self.correlation += 1;
        self.stream
            .write_all(&frame::request(api, self.correlation, body))
            .context("send a request")?;
        let mut answer = self.read_frame()?;
        let correlation = Reader::new(&answer).i32()?;
        ensure!(
            correlation == self.correlation,
            "answer {correlation} to request {}",
            self.correlation
        );
        Ok(answer.split_off(4))
    }

    fn read_frame(&mut self) -> Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream
            .read_exact(&mut length)
            .context("read an answer")?;
        let length = usize::try_from(i32::from_be_bytes(length)).context("negative length")?;
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        let mut frame = vec![0; length];
        self.stream
            .read_exact(&mut frame)
            .context("read an answer")?;
        Ok(frame)
    }

    /// The requests that the server advertises: key, lowest and highest version.
    pub(crate) fn api_versions(&mut self) -> Result<Vec<(i16, i16, i16)>> {
        let answer = self.call(API_VERSIONS, &[])?;
        let mut reader = Reader::new(&answer);
        let error = reader.i16()?;
        ensure!(error == 0, "ApiVersions: error {error}");
        reader.array(|reader| Ok((reader.i16()?, reader.i16()?, reader.i16()?)))
    }

    /// How many brokers the cluster says it has.
    pub(crate) fn metadata_brokers(&mut self) -> Result<usize> {
        let mut body = Writer::default();
        body.i32(0);
        let answer = self.call(METADATA, &body.bytes)?;
        let mut reader = Reader::new(&answer);
        let brokers = reader.array(|reader| {
            reader.i32()?;
            reader.string()?;
            reader.i32()?;
            reader.nullable_string()
        })?;
        Ok(brokers.len())
    }

    /// Creates a topic and waits until every partition answers.
    pub(crate) fn create_topic(&mut self, name: &str, partitions: i32) -> Result<()> {
        let mut body = Writer::default();
        body.i32(1)
            .string(name)
            .i32(partitions)
            .i16(1)
            .i32(0)
            .i32(0);
        body.i32(30_000).bool(false);
        let answer = self.call(CREATE_TOPICS, &body.bytes)?;
        let mut reader = Reader::new(&answer);
        reader.i32()?;
        for (name, error) in reader.array(|reader| {
            let name = reader.string()?;
            let error = reader.i16()?;
            reader.nullable_string()?;
            Ok((name, error))
        })? {
            ensure!(error == 0, "CreateTopics {name}: error {error}");
        }
        for attempt in 0.. {
            let ends = self.end_offsets(name, partitions)?;
            let ready = ends.iter().flatten().count();
            if ready == usize::try_from(partitions)? {
                break;
            }
            ensure!(
                attempt < 300,
                "{name}: {ready} of {partitions} partitions answer after 30 s"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The offset that the next record of each partition will get; none where the partition does not answer.
    pub(crate) fn end_offsets(&mut self, topic: &str, partitions: i32) -> Result<Vec<Option<i64>>> {
        let mut body = Writer::default();
        body.i32(-1).i32(1).string(topic).i32(partitions);
        for partition in 0..partitions {
            body.i32(partition).i64(-1);
        }
        let answer = self.call(LIST_OFFSETS, &body.bytes)?;
        let mut reader = Reader::new(&answer);
        let topics = reader.array(|reader| {
            reader.string()?;
            reader.array(|reader| {
                let partition = reader.i32()?;
                let error = reader.i16()?;
                reader.i64()?;
                let offset = reader.i64()?;
                Ok((partition, (error == 0).then_some(offset)))
            })
        })?;
        let mut ends: Vec<(i32, Option<i64>)> = topics.into_iter().flatten().collect();
        ends.sort_unstable();
        Ok(ends.into_iter().map(|(_, end)| end).collect())
    }
}
