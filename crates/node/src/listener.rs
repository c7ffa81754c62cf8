//! Sockets that accept connections.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {face}: {reason}; {flag} ADDRESS changes it")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What was to be served there.
    pub face: &'static str,
    /// The flag that changes the address.
    pub flag: &'static str,
    reason: String,
}

/// Binds every address of a face; `flag` is the one that changes them.
pub(crate) fn bind(
    addresses: &[SocketAddr],
    face: &'static str,
    flag: &'static str,
) -> Result<Vec<TcpListener>, BindError> {
    let bind = |address: &SocketAddr| {
        listen(*address).map_err(|error| {
            let reason = match error.kind() {
                io::ErrorKind::AddrInUse => "another process uses the port".to_owned(),
                _ => error.to_string(),
            };
            BindError {
                address: *address,
                face,
                flag,
                reason,
            }
        })
    };
    addresses.iter().map(bind).collect()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for connections of the last one to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
