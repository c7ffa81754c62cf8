//! Servers whose every word a test writes itself.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server. Each of its connections is a thread that runs the test's function.
pub(crate) struct Server {
    pub(crate) port: u16,
    heads: Receiver<String>,
}

/// One connection with the proxy.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    heads: Sender<String>,
}

impl Server {
    /// Listens; `serve` has each connection.
    pub(crate) fn new(serve: impl Fn(&mut Peer) + Send + Sync + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (said, heads) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut peer = Peer {
                    stream,
                    heads: said.clone(),
                };
                let serve = serve.clone();
                std::thread::spawn(move || serve(&mut peer));
            }
        });
        Self { port, heads }
    }

    /// One that answers every request with these bytes and keeps its connections.
    pub(crate) fn saying(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::new(move |peer| while peer.request().is_some() && peer.say(&answer) {})
    }

    /// One that answers with these bytes and closes.
    pub(crate) fn saying_once(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::new(move |peer| {
            if peer.request().is_some() {
                peer.say(&answer);
            }
        })
    }

    /// The head, and the body of a known length, of the next request that it got.
    pub(crate) fn heard(&self) -> String {
        self.heads.recv_timeout(PATIENCE).unwrap()
    }

    /// The requests that it got and nobody asked for.
    pub(crate) fn unheard(&self) -> usize {
        self.heads.try_iter().count()
    }
}

impl Peer {
    /// Reads a request with a body of the length that it says; nothing at the end.
    pub(crate) fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        let head = loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None => self.more(&mut bytes)?,
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let len = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let len: usize = len.map_or(0, |len| len.parse().unwrap());
        while bytes.len() < head + len {
            self.more(&mut bytes)?;
        }
        let request = String::from_utf8_lossy(&bytes).into_owned();
        let _ = self.heads.send(request.clone());
        Some(request)
    }

    fn more(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let mut piece = [0; 4096];
        let count = self
            .stream
            .read(&mut piece)
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        Some(())
    }

    /// Sends bytes; whether that went well.
    pub(crate) fn say(&mut self, bytes: &str) -> bool {
        self.stream.write_all(bytes.as_bytes()).is_ok()
    }
}
