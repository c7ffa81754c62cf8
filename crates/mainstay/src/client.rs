//! A small blocking Kafka client: as much as the commands need, against any broker that speaks Kafka's protocol.
//!
//! One request is under way at a time. Every wait has a limit, and no answer makes it reserve more than
//! it has received. It does not retry: the errors say whether trying again may help.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytes::Bytes;
use kafka_wire::messages::api_versions::{ApiVersion, ApiVersionsRequest};
use kafka_wire::messages::metadata::{MetadataRequest, MetadataResponse};
use kafka_wire::{ApiRequest, ErrorCode, decode_response, encode_request};

/// Who does not accept a connection by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait for an answer; longer than any time-out that the commands' requests carry.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// The largest answer in bytes: the metadata of a million partitions has about as many.
const ANSWER_LEN_MAX: usize = 100 << 20;

/// Kafka's port, where an address says none.
const PORT_DEFAULT: u16 = 9092;

/// A connection to one broker.
#[derive(Debug)]
pub struct Connection {
    server: String,
    stream: TcpStream,
    versions: Vec<ApiVersion>,
    correlation_id: i32,
}

impl Connection {
    /// Connects to `PORT`, `ADDRESS`, `ADDRESS:PORT` or `HOST:PORT` and asks which versions the broker knows.
    ///
    /// # Errors
    /// Where nobody is there, or somebody who does not speak Kafka's protocol.
    pub fn open(server: &str) -> Result<Self> {
        let stream = connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut connection = Self {
            server: server.to_owned(),
            stream,
            versions: Vec::new(),
            correlation_id: 0,
        };
        let answer = connection.exchange(0, &ApiVersionsRequest::default())?;
        ensure!(
            !answer.error_code.is_error(),
            "{server} refuses to tell its versions: {}",
            answer.error_code
        );
        connection.versions = answer.api_keys;
        Ok(connection)
    }

    /// Asks in the newest of these versions that the broker knows too.
    ///
    /// # Errors
    /// Where there is no such version, the connection breaks, or the answer is malformed.
    pub fn call<R: ApiRequest>(
        &mut self,
        versions: RangeInclusive<i16>,
        request: &R,
    ) -> Result<R::Response> {
        let code = R::KEY.code();
        let known = self.versions.iter().find(|api| api.api_key == code);
        let Some(known) = known else {
            bail!("{} does not know the request {}", self.server, R::KEY);
        };
        let newest = known.max_version.min(*versions.end());
        ensure!(
            newest >= known.min_version && newest >= *versions.start(),
            "{} knows {} in versions {} to {} only: expected {} to {}",
            self.server,
            R::KEY,
            known.min_version,
            known.max_version,
            versions.start(),
            versions.end()
        );
        self.exchange(newest, request)
    }

    fn exchange<R: ApiRequest>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let sent = encode_request(version, self.correlation_id, Some("mainstay"), request)?;
        let failed = || format!("{} did not answer {}", self.server, R::NAME);
        let written = self.stream.write_all(&sent.into_bytes());
        written.map_err(in_words).with_context(failed)?;
        let frame = read_frame(&mut self.stream).with_context(failed)?;
        let (correlation_id, answer) = decode_response::<R>(&frame, version)
            .with_context(|| format!("{} sent a malformed answer to {}", self.server, R::NAME))?;
        ensure!(
            correlation_id == self.correlation_id,
            "{} answered another request",
            self.server
        );
        Ok(answer)
    }
}

fn connect(server: &str) -> Result<TcpStream> {
    let addresses: Vec<SocketAddr> = match nginx_conf::value::listen(server, PORT_DEFAULT) {
        Some(address) => vec![address],
        None => server
            .to_socket_addrs()
            .with_context(|| format!("\"{server}\": expected HOST:PORT"))?
            .collect(),
    };
    let mut failure = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) => bail!("cannot reach {server}: {error}; is the server up? (--server ADDR)"),
        None => bail!("{server} has no address"),
    }
}

/// Reads a frame without its length. Memory grows with what arrives, not with what is declared.
fn read_frame(stream: &mut impl Read) -> Result<Bytes> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).map_err(in_words)?;
    let len = usize::try_from(i32::from_be_bytes(len)).unwrap_or(usize::MAX);
    ensure!(
        len <= ANSWER_LEN_MAX,
        "it announced more than {ANSWER_LEN_MAX} bytes, which is not Kafka's protocol"
    );
    let mut frame = Vec::new();
    let limit = u64::try_from(len).unwrap_or(u64::MAX);
    let read = stream.take(limit).read_to_end(&mut frame);
    read.map_err(in_words)?;
    ensure!(frame.len() == len, "it closed the connection");
    Ok(frame.into())
}

/// The two errors that everybody meets, in words that everybody understands.
fn in_words(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            anyhow!("it said nothing for {} s", ANSWER_TIMEOUT.as_secs())
        }
        io::ErrorKind::UnexpectedEof => anyhow!("it closed the connection"),
        _ => error.into(),
    }
}

/// All brokers of a cluster, reached through one of them.
#[derive(Debug)]
pub struct Cluster {
    bootstrap: Connection,
    brokers: BTreeMap<i32, String>,
    others: BTreeMap<i32, Connection>,
}

impl Cluster {
    /// Connects to a broker and learns of the others from it.
    ///
    /// # Errors
    /// As [`Connection::open`] and [`Connection::call`] have them.
    pub fn open(server: &str) -> Result<Self> {
        let mut bootstrap = Connection::open(server)?;
        // No topics: only the brokers are wanted.
        let request = MetadataRequest {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let answer: MetadataResponse = bootstrap.call(4..=12, &request)?;
        let brokers = answer.brokers.iter();
        let brokers = brokers.map(|broker| (broker.node_id, address(&broker.host, broker.port)));
        Ok(Self {
            bootstrap,
            brokers: brokers.collect(),
            others: BTreeMap::new(),
        })
    }

    /// The broker that was asked first; it answers what every broker can.
    pub fn any(&mut self) -> &mut Connection {
        &mut self.bootstrap
    }

    /// The ids of all brokers.
    #[must_use]
    pub fn ids(&self) -> Vec<i32> {
        self.brokers.keys().copied().collect()
    }

    /// The broker of this id. The only broker there is is the one that was asked first, whatever address it tells to others.
    ///
    /// # Errors
    /// Where there is none or it cannot be reached.
    pub fn broker(&mut self, id: i32) -> Result<&mut Connection> {
        if self.brokers.len() <= 1 {
            return Ok(&mut self.bootstrap);
        }
        if !self.others.contains_key(&id) {
            let address = self.brokers.get(&id);
            let address = address.with_context(|| format!("there is no broker {id}"))?;
            self.others.insert(id, Connection::open(address)?);
        }
        self.others.get_mut(&id).context("it was just inserted")
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
fn address(host: &str, port: i32) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Turns an error code of an answer into an error that names what it is about.
///
/// # Errors
/// For every code but [`ErrorCode::None`].
pub fn check(what: &str, code: ErrorCode, message: Option<&str>) -> Result<()> {
    if !code.is_error() {
        return Ok(());
    }
    let message = message.filter(|message| !message.is_empty());
    let message = message.map(|m| format!(": {m}")).unwrap_or_default();
    let again = if code.is_retriable() && code != ErrorCode::UnknownTopicOrPartition {
        " (trying again may help)"
    } else {
        ""
    };
    bail!("{what}: {code}{message}{again}")
}
