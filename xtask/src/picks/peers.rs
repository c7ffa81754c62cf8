//! The peers: what answers on each letter's address.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result};
use balancer::Address;

use crate::repo;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A server without a port; nothing listens on port 80 of this address.
const WITHOUT_PORT: &str = "127.77.77.77";

/// All letters' servers. They answer until the process ends.
pub(crate) struct Peers {
    /// Letter to the server as configured, and its address.
    servers: BTreeMap<char, (String, Address)>,
}

impl Peers {
    pub(crate) fn start() -> Result<Self> {
        let mut servers = BTreeMap::new();
        for letter in 'a'..='e' {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            servers.insert(letter, (address.to_string(), Address::Ip(address)));
            thread::spawn(move || {
                accept(|| listener.accept().map(|(stream, _)| stream));
            });
        }
        // A port that was just given back refuses connections; all are taken before one is.
        let dead: Vec<_> = ('A'..='E')
            .map(|letter| Ok((letter, TcpListener::bind("127.0.0.1:0")?.local_addr()?)))
            .collect::<Result<_>>()?;
        for (letter, address) in dead {
            servers.insert(letter, (address.to_string(), Address::Ip(address)));
        }
        for letter in ['u', 'v'] {
            let path = folder()?.join(format!("{letter}.sock"));
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).context("a socket for a peer")?;
            let address = Address::Unix(path.into());
            servers.insert(letter, (address.to_string(), address));
            thread::spawn(move || {
                accept(|| listener.accept().map(|(stream, _)| stream));
            });
        }
        let address = SocketAddr::new(WITHOUT_PORT.parse()?, 80);
        servers.insert('Z', (WITHOUT_PORT.to_owned(), Address::Ip(address)));
        Ok(Self { servers })
    }

    /// The server as configured, and its address.
    pub(crate) fn server(&self, letter: &str) -> (&str, &Address) {
        let letter = letter.chars().next().unwrap_or_default();
        let (name, address) = &self.servers[&letter];
        (name, address)
    }

    /// Whether the peer of this address refuses connections.
    pub(crate) fn is_dead(&self, address: &Address) -> bool {
        let mut servers = self.servers.iter();
        servers.any(|(letter, (_, known))| letter.is_uppercase() && known == address)
    }
}

/// Where sockets and nginx's files are.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = repo::target().join("picks");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn accept<S: Read + Write + Send + 'static>(mut next: impl FnMut() -> io::Result<S>) {
    while let Ok(stream) = next() {
        // A connection that breaks is nginx's to report.
        thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            stream.write_all(ANSWER)?;
            filled = 0;
        }
    }
}
