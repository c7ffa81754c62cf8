//! A small HTTP/1.1 server for a balancer to stand before: `cargo xtask upstream`, started by the harness.
//!
//! It is one thread and answers from memory, so that it costs the same little whoever asks. The path says what the
//! answer is, so whoever asks can check it byte by byte: see [`request`]. It knows requests without a body and with a
//! Content-Length; anything else closes the connection.

mod connection;
mod request;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

use connection::{Connection, State};
pub(crate) use request::{body, path};

/// Connections that may wait to be accepted: a balancer opens a thousand at once.
const BACKLOG: i32 = 4096;

/// How much of what is waiting is taken at a time.
const EVENTS: usize = 1024;

/// The listener's place among the connections' numbers.
const LISTENER: u64 = u64::MAX;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let listener = listener(args.listen).with_context(|| args.listen.to_string())?;
    let mut server = Server {
        name: args.listen.port().to_string(),
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        connections: HashMap::new(),
        next: 0,
        late: Vec::new(),
    };
    let interest = EventFlags::IN;
    epoll::add(
        &server.epoll,
        &listener,
        EventData::new_u64(LISTENER),
        interest,
    )?;
    let mut events = Vec::with_capacity(EVENTS);
    loop {
        let timeout = server.timeout();
        epoll::wait(&server.epoll, spare_capacity(&mut events), timeout.as_ref()).or_else(
            |error| match error {
                // A stop and its continuation wake it up too.
                rustix::io::Errno::INTR => Ok(0),
                other => Err(other),
            },
        )?;
        for event in events.drain(..) {
            match event.data.u64() {
                LISTENER => server.accept(&listener)?,
                number => server.serve(number),
            }
        }
        server.serve_late();
    }
}

/// A listener with a long queue; its address may be taken again at once after a kill.
fn listener(address: SocketAddr) -> Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

struct Server {
    /// What stands in the field `X-Upstream` of every answer.
    name: String,
    epoll: OwnedFd,
    connections: HashMap<u64, Connection>,
    next: u64,
    /// Connections with an answer that is to come later.
    late: Vec<u64>,
}

impl Server {
    fn accept(&mut self, listener: &TcpListener) -> Result<()> {
        // Whoever has gone before it was accepted, or does not fit, is not there.
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let number = self.next;
            self.next += 1;
            // Edge-triggered: every wake-up reads and writes until the socket has no more.
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET | EventFlags::RDHUP;
            epoll::add(&self.epoll, &stream, EventData::new_u64(number), interest)?;
            self.connections.insert(number, Connection::new(stream));
        }
        Ok(())
    }

    fn serve(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        match connection.serve(&self.name, Instant::now()) {
            State::Open => {}
            State::Late => self.late.push(number),
            State::Closed => {
                self.connections.remove(&number);
            }
        }
    }

    fn serve_late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let late = std::mem::take(&mut self.late);
        for number in late {
            self.serve(number);
        }
        self.late.sort_unstable();
        self.late.dedup();
    }

    /// Late answers are looked at every few milliseconds; without any there is nothing to wake up for.
    fn timeout(&self) -> Option<Timespec> {
        if self.late.is_empty() {
            return None;
        }
        Timespec::try_from(Duration::from_millis(5)).ok()
    }
}
