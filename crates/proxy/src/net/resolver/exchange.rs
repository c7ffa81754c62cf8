//! One question to name servers, and its answer.
//!
//! Each datagram goes out from a socket of its own that is connected to the server asked, so that the port is the system's
//! choice and only that server is heard; the number of the question is random, and an answer must repeat the question. An
//! answer that does not fit into a datagram is asked for again over TCP.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::ResolveError;

/// A server that has not answered by then may have lost the question; another one is asked, or the same one again.
const TRY: Duration = Duration::from_secs(2);

/// No datagram that we asked for is longer: we announce no extension, so 512 would do; some servers send more.
const DATAGRAM_LEN_MAX: usize = 4096;

/// Asks `servers` in turn, from number `first` on, until one answers or `allowed` has passed. A server that fails or refuses
/// is passed over while others are left.
pub(super) async fn ask(
    servers: &[SocketAddr],
    first: usize,
    name: &Name,
    kind: RecordType,
    allowed: Duration,
) -> Result<Message, ResolveError> {
    let end = Instant::now() + allowed;
    let mut refused = None;
    let mut failures = 0;
    for server in servers.iter().cycle().skip(first % servers.len().max(1)) {
        let until = end.min(Instant::now() + TRY);
        match timeout_at(until, ask_one(*server, name, kind)).await {
            Ok(Ok(answer)) => match answer.metadata.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => return Ok(answer),
                code => refused = Some(ResolveError::Server(code.low())),
            },
            // A server that is not there says so at once; nothing is gained by asking it again at once.
            Ok(Err(_)) => {}
            Err(_) => refused = None,
        }
        failures += 1;
        if failures >= servers.len()
            && let Some(error) = refused
        {
            return Err(error);
        }
        if Instant::now() >= end {
            return Err(ResolveError::TimedOut);
        }
        // All have been asked: the next round begins when this try's time is over.
        if failures % servers.len() == 0 {
            tokio::time::sleep_until(until).await;
        }
    }
    Err(ResolveError::TimedOut)
}

async fn ask_one(server: SocketAddr, name: &Name, kind: RecordType) -> io::Result<Message> {
    let mut bytes = [0; 2];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    let id = u16::from_be_bytes(bytes);
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name.clone(), kind));
    let bytes = question.to_vec().map_err(io::Error::other)?;
    let answer = by_datagram(server, &question, &bytes).await?;
    if answer.metadata.truncation {
        return by_stream(server, &question, &bytes).await;
    }
    Ok(answer)
}

async fn by_datagram(server: SocketAddr, question: &Message, bytes: &[u8]) -> io::Result<Message> {
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; DATAGRAM_LEN_MAX];
    loop {
        let len = socket.recv(&mut buffer).await?;
        // Whatever else comes is late, broken or forged; the answer may still follow.
        if let Some(answer) = read(&buffer[..len], question) {
            return Ok(answer);
        }
    }
}

async fn by_stream(server: SocketAddr, question: &Message, bytes: &[u8]) -> io::Result<Message> {
    let mut stream = timeout(TRY, TcpStream::connect(server)).await??;
    let len = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    let framed = [&len.to_be_bytes()[..], bytes].concat();
    stream.write_all(&framed).await?;
    let len = stream.read_u16().await?;
    let mut buffer = vec![0; usize::from(len)];
    stream.read_exact(&mut buffer).await?;
    read(&buffer, question).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The answer to this question, or nothing.
fn read(bytes: &[u8], question: &Message) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    let same = |one: &Query, other: &Query| {
        one.query_type == other.query_type && one.name.eq_ignore_root(&other.name)
    };
    let fits = answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && match (&answer.queries[..], &question.queries[..]) {
            ([one], [other]) => same(one, other),
            // A server that could not read the question need not repeat it.
            ([], _) => answer.metadata.response_code != ResponseCode::NoError,
            _ => false,
        };
    fits.then_some(answer)
}
