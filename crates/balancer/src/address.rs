//! Where a peer is reached.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// The address of one peer. Cloning it allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP address.
    Ip(SocketAddr),
    /// The path of a Unix domain socket.
    Unix(Arc<Path>),
}

impl fmt::Display for Address {
    /// As logs and `$upstream_addr` show it: `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
