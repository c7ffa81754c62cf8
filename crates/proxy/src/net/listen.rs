//! The sockets that a configuration listens on: bound before workers start, kept while configurations change.
//!
//! Each worker has a socket of its own for each TCP address (`SO_REUSEPORT`), so that the system spreads connections over
//! workers; a unix socket is shared. [`Listeners::bind`] takes over the sockets that the configuration before had, so a reload
//! refuses no connection, and binds nothing where one address fails. What is in nobody's configuration any more is closed when
//! the last holder drops it; connections that wait there are reset by the system.
//!
//! Because of `SO_REUSEPORT` the system would let us share a port with another process of the same user. So each new address is
//! first bound without it, which fails where somebody else listens.
//!
//! `deferred` is not carried out: it needs a socket option for which there is no safe interface, and only saves a wake-up.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::accept::Listener;
use super::datagram;
use super::endpoint::Endpoint;
use super::options::ListenOptions;

/// One address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenSpec {
    /// The address; port 0 lets the system choose.
    pub(crate) address: Endpoint,
    /// How its sockets are to be.
    pub(crate) options: ListenOptions,
    /// It is for datagrams.
    pub(crate) udp: bool,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("bind() to {address} failed ({})", system_text(source))]
pub(crate) struct BindError {
    /// The address.
    pub(crate) address: Endpoint,
    /// What the system said.
    pub(crate) source: io::Error,
}

impl BindError {
    /// Somebody else listens there.
    #[cfg(test)]
    pub(crate) fn in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

/// The bound sockets of one configuration, in the order of its addresses. A clone is the same sockets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listeners {
    entries: Vec<Entry>,
    workers: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    spec: ListenSpec,
    /// Where it really is: the spec's port may be 0.
    actual: Endpoint,
    /// One per worker for TCP, a single one for a unix socket.
    sockets: Vec<Arc<Bound>>,
}

#[derive(Debug)]
struct Bound {
    socket: Socket,
    /// The file of a unix socket, which goes with it.
    file: Option<PathBuf>,
}

impl Listeners {
    /// Binds every address of `specs` for so many workers, with the sockets of `held` where they fit. `specs` has no address twice.
    ///
    /// # Errors
    ///
    /// The first address that cannot be listened on; nothing is bound then that was not before.
    pub(crate) fn bind(
        specs: &[ListenSpec],
        workers: usize,
        held: &Self,
    ) -> Result<Self, BindError> {
        let workers = workers.max(1);
        let fail = |spec: &ListenSpec| {
            let address = spec.address.clone();
            move |source| BindError { address, source }
        };
        // All are probed before one is bound: a wildcard of ours is in the way of a probe.
        for spec in specs {
            if held.find(spec).is_none() {
                held.probe(spec).map_err(fail(spec))?;
            }
        }
        let entries = specs
            .iter()
            .map(|spec| Entry::bind(spec, workers, held.find(spec)).map_err(fail(spec)))
            .collect::<Result<_, _>>()?;
        Ok(Self { entries, workers })
    }

    /// Where the address of this index really is.
    pub(crate) fn address(&self, index: usize) -> Option<&Endpoint> {
        self.entries.get(index).map(|entry| &entry.actual)
    }

    /// Whether the address of this index is for datagrams.
    pub(crate) fn is_udp(&self, index: usize) -> bool {
        let entry = self.entries.get(index);
        entry.is_some_and(|entry| entry.spec.udp)
    }

    /// How many workers it was bound for.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// How many addresses there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The listener of one worker for the address of this index, registered with the event loop of the calling thread.
    ///
    /// # Errors
    ///
    /// The system's, such as too many open files.
    pub(crate) fn open(&self, index: usize, worker: usize) -> io::Result<Option<Listener>> {
        let Some(entry) = self.entries.get(index) else {
            return Ok(None);
        };
        // A unix socket is the same one for all.
        let socket = entry.sockets.get(worker).or(entry.sockets.first());
        let listener = |bound: &Arc<Bound>| {
            let (socket, actual) = (bound.socket.try_clone()?, entry.actual.clone());
            if entry.spec.udp {
                Listener::of_datagrams(socket, actual)
            } else {
                Listener::new(socket, actual)
            }
        };
        socket.map(listener).transpose()
    }

    fn find(&self, spec: &ListenSpec) -> Option<&Entry> {
        self.entries.iter().find(|entry| {
            entry.spec.address == spec.address
                && entry.spec.udp == spec.udp
                && entry.spec.options.ipv6only == spec.options.ipv6only
        })
    }

    /// Fails where somebody else listens on the address.
    fn probe(&self, spec: &ListenSpec) -> io::Result<()> {
        let Endpoint::Ip(address) = spec.address else {
            return Ok(());
        };
        let ours = |entry: &Entry| {
            entry.spec.udp == spec.udp
                && entry
                    .actual
                    .ip()
                    .is_some_and(|held| held.port() == address.port())
        };
        if address.port() == 0 || self.entries.iter().any(ours) {
            return Ok(());
        }
        if spec.udp {
            return datagram::bind(address, spec.options.ipv6only, false).map(drop);
        }
        tcp_socket(address, &spec.options, false).map(drop)
    }
}

impl Entry {
    fn bind(spec: &ListenSpec, workers: usize, held: Option<&Self>) -> io::Result<Self> {
        let mut sockets = held.map_or_else(Vec::new, |held| held.sockets.clone());
        let wanted = match spec.address {
            Endpoint::Ip(_) => workers,
            Endpoint::Unix(_) => 1,
        };
        sockets.truncate(wanted);
        for bound in &sockets {
            bound.tune(spec)?;
        }
        let mut actual = held.map_or_else(|| spec.address.clone(), |held| held.actual.clone());
        while sockets.len() < wanted {
            let bound = Bound::new(&actual, spec)?;
            if let Endpoint::Ip(address) = &mut actual {
                address.set_port(bound.port()?);
            }
            sockets.push(Arc::new(bound));
        }
        Ok(Self {
            spec: spec.clone(),
            actual,
            sockets,
        })
    }
}

impl Bound {
    fn new(address: &Endpoint, spec: &ListenSpec) -> io::Result<Self> {
        let options = &spec.options;
        let bound = match address {
            Endpoint::Ip(address) if spec.udp => Self {
                socket: datagram::bind(*address, options.ipv6only, true)?,
                file: None,
            },
            Endpoint::Ip(address) => Self {
                socket: tcp_socket(*address, options, true)?,
                file: None,
            },
            Endpoint::Unix(path) => Self {
                socket: unix_socket(path)?,
                file: Some(PathBuf::from(&**path)),
            },
        };
        bound.tune(spec)?;
        Ok(bound)
    }

    fn tune(&self, spec: &ListenSpec) -> io::Result<()> {
        spec.options.tune(&self.socket, spec.udp)?;
        if spec.udp {
            return Ok(());
        }
        self.socket.listen(spec.options.backlog)
    }

    fn port(&self) -> io::Result<u16> {
        let address = self.socket.local_addr()?.as_socket();
        Ok(address.map_or(0, |address| address.port()))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Somebody may have removed it already, which is as well.
            let _ = fs::remove_file(file);
        }
    }
}

impl ListenOptions {
    fn tune(&self, socket: &Socket, udp: bool) -> io::Result<()> {
        if let Some(bytes) = self.rcvbuf {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.sndbuf {
            socket.set_send_buffer_size(bytes)?;
        }
        if udp {
            return Ok(());
        }
        self.keepalive.apply(&SockRef::from(socket))
    }
}

fn tcp_socket(address: SocketAddr, options: &ListenOptions, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the connections of the last one to be forgotten.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(options.ipv6only)?;
    }
    // Connections have it from their listener, which saves a call for each: with Nagle's algorithm the end of an answer in two
    // writes would wait for the client's delayed acknowledgement.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Binds a unix socket that everybody may connect to, as nginx does; a file that nobody listens on is taken over.
fn unix_socket(path: &str) -> io::Result<Socket> {
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_over(&address) => {
            fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        outcome => outcome?,
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(socket)
}

/// A process that was killed leaves its file, on which a connection is refused.
fn is_left_over(address: &SockAddr) -> bool {
    Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)
        .and_then(|socket| socket.connect(address))
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// `98: Address already in use`, as nginx's log puts a system's error.
fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => {
            let plain = text.split(" (os error").next().unwrap_or(&text);
            format!("{code}: {plain}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests;
