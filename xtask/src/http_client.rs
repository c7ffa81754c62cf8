//! The harness's own HTTP client: one request at a time on a connection, every byte of the answer checked.
//!
//! It sends a request once and reports what became of it; it tries nothing again, so that a failure of the server is seen.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// A server that does not answer for so long has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A longer body was not asked for.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// A slow client takes so much at a time.
const PIECE_BYTES: usize = 4096;

/// Fields that an answer may have.
const FIELDS_MAX: usize = 100;

/// A connection to a server.
pub(crate) struct HttpClient {
    stream: BufReader<TcpStream>,
    /// How long it rests between two pieces of a body.
    rest: Option<Duration>,
    progress: Progress,
}

/// How much of the answer to the last request has been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Nothing,
    Begun,
    /// The whole head, with the server that it names.
    Head(Option<String>),
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The field `X-Upstream`: which of the servers behind a balancer it was.
    pub(crate) upstream: Option<String>,
    /// Whether the connection can be used again.
    pub(crate) keep_alive: bool,
}

/// One GET on a connection of its own.
pub(crate) fn get(address: &str, path: &str) -> Result<Answer> {
    HttpClient::connect(address)?.request("GET", path, &[])
}

impl HttpClient {
    pub(crate) fn connect(address: &str) -> Result<HttpClient> {
        let stream = TcpStream::connect(address).context("connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(HttpClient {
            stream: BufReader::new(stream),
            rest: None,
            progress: Progress::Nothing,
        })
    }

    /// The same, but it takes bodies slowly.
    pub(crate) fn slow(mut self, rest: Duration) -> HttpClient {
        self.rest = Some(rest);
        self
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
        self.send(method, path, body)?;
        self.receive()
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<()> {
        self.progress = Progress::Nothing;
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n");
        let stream = self.stream.get_mut();
        stream
            .write_all(&[head.as_bytes(), body].concat())
            .context("send the request")
    }

    fn receive(&mut self) -> Result<Answer> {
        let first = self.stream.fill_buf().context("wait for the answer")?;
        ensure!(!first.is_empty(), "the connection was closed");
        self.progress = Progress::Begun;
        let line = self.line().context("read the status line")?;
        let mut words = line.split(' ');
        let is_new = words.next() == Some("HTTP/1.1");
        let status = words.next().unwrap_or_default().parse();
        let mut answer = Answer {
            status: status.with_context(|| format!("the status line is {line:?}"))?,
            body: Vec::new(),
            upstream: None,
            keep_alive: is_new,
        };
        let mut length = None;
        let mut chunked = false;
        for _ in 0..FIELDS_MAX {
            let line = self.line().context("read the fields of the answer")?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("a field without a colon")?;
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse::<usize>()?),
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => answer.keep_alive = value.eq_ignore_ascii_case("keep-alive"),
                "x-upstream" => answer.upstream = Some(value.to_owned()),
                _ => {}
            }
        }
        self.progress = Progress::Head(answer.upstream.clone());
        match length {
            Some(length) => self.take(length, &mut answer.body)?,
            None if chunked => while self.chunk(&mut answer.body)? {},
            None => bail!("an answer without a length"),
        }
        Ok(answer)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n");
        Ok(line.context("the connection was closed")?.to_owned())
    }

    fn take(&mut self, length: usize, body: &mut Vec<u8>) -> Result<()> {
        let at = body.len();
        ensure!(at + length <= BODY_MAX, "a body of {} bytes", at + length);
        body.resize(at + length, 0);
        for piece in body[at..].chunks_mut(PIECE_BYTES) {
            self.stream.read_exact(piece).context("read the body")?;
            if let Some(rest) = self.rest {
                std::thread::sleep(rest);
            }
        }
        Ok(())
    }

    /// Takes one chunk; false for the last.
    fn chunk(&mut self, body: &mut Vec<u8>) -> Result<bool> {
        let line = self.line().context("read the size of a chunk")?;
        let length = usize::from_str_radix(line.trim(), 16).context("the size of a chunk")?;
        self.take(length, body)?;
        let end = self.line().context("read the end of a chunk")?;
        ensure!(end.is_empty(), "a chunk is longer than it says");
        Ok(length > 0)
    }
}
