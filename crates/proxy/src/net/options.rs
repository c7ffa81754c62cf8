//! What a configuration may ask of sockets.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// `so_keepalive`: whether the system probes an idle connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Keepalive {
    /// As the system does by itself: it does not.
    #[default]
    Unset,
    /// Never.
    Off,
    /// With the system's times, but those given here.
    On {
        /// Idle time before the first probe.
        idle: Option<Duration>,
        /// Time between probes.
        interval: Option<Duration>,
        /// Probes without an answer before the connection is given up.
        probes: Option<u32>,
    },
}

impl Keepalive {
    /// `so_keepalive=on`.
    pub(crate) const ON: Self = Self::On {
        idle: None,
        interval: None,
        probes: None,
    };

    pub(super) fn apply(&self, socket: &SockRef<'_>) -> io::Result<()> {
        let (idle, interval, probes) = match self {
            Self::Unset => return Ok(()),
            Self::Off => return socket.set_keepalive(false),
            Self::On {
                idle,
                interval,
                probes,
            } => (idle, interval, probes),
        };
        socket.set_keepalive(true)?;
        let mut times = TcpKeepalive::new();
        if let Some(idle) = idle {
            times = times.with_time(*idle);
        }
        if let Some(interval) = interval {
            times = times.with_interval(*interval);
        }
        if let Some(probes) = probes {
            times = times.with_retries(*probes);
        }
        if idle.is_some() || interval.is_some() || probes.is_some() {
            socket.set_tcp_keepalive(&times)?;
        }
        Ok(())
    }
}

/// What `listen` says of a socket; sockets that accept hand most of it on to their connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenOptions {
    /// Connections that may wait to be accepted.
    pub(crate) backlog: i32,
    /// An IPv6 wildcard takes no IPv4 connections.
    pub(crate) ipv6only: bool,
    /// A connection is accepted when its first bytes are there. Only Linux knows it; it is ignored: see [`super::listen`].
    pub(crate) deferred: bool,
    /// Probing of idle connections.
    pub(crate) keepalive: Keepalive,
    /// The system's receive buffer in bytes.
    pub(crate) rcvbuf: Option<usize>,
    /// The system's send buffer in bytes.
    pub(crate) sndbuf: Option<usize>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 511,
            ipv6only: true,
            deferred: false,
            keepalive: Keepalive::Unset,
            rcvbuf: None,
            sndbuf: None,
        }
    }
}

/// What `proxy_bind` and its like say of a connection to an upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConnectOptions {
    /// The local address; port 0 lets the system choose.
    pub(crate) bind: Option<SocketAddr>,
    /// The local address is a foreign one (`transparent`), which wants a privilege.
    pub(crate) transparent: bool,
    /// Probing of idle connections (`proxy_socket_keepalive`).
    pub(crate) keepalive: Keepalive,
    /// Small writes are sent at once. On for everything but tests of the opposite.
    pub(crate) nodelay: bool,
    /// The system's receive buffer in bytes.
    pub(crate) rcvbuf: Option<usize>,
}
