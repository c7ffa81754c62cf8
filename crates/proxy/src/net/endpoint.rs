//! One end of a connection: an internet address with a port, or the path of a unix socket.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where one side of a connection is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// An internet address and a port.
    Ip(SocketAddr),
    /// The path of a unix socket; empty for a client, which has none.
    Unix(Arc<str>),
}

impl Endpoint {
    /// The internet address, where it is one.
    pub(crate) const fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The end of a unix connection that has no name.
    pub(crate) fn unnamed() -> Self {
        Self::Unix(Arc::default())
    }
}

/// An end without its port, as logs show clients: the address, or `unix:` with the path.
pub(crate) struct Host<'e>(pub(crate) &'e Endpoint);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Endpoint::Ip(address) => address.ip().fmt(f),
            unix @ Endpoint::Unix(_) => unix.fmt(f),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}
