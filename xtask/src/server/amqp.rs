//! The first words of AMQP, to find out whether a server listens.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

/// A server that is up answers at once; one that is starting is asked again.
const LIMIT: Duration = Duration::from_secs(2);

/// The protocol header of AMQP 0-9-1 (section 4.2.2 of the specification).
const HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// A method frame on channel 0, which Connection.Start is.
const METHOD_ON_CHANNEL_0: [u8; 3] = [1, 0, 0];

/// Sends the protocol header and waits for the beginning of Connection.Start.
pub(super) fn greet(port: u16) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut socket = TcpStream::connect_timeout(&address, LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.write_all(HEADER)?;
    let mut answer = [0; METHOD_ON_CHANNEL_0.len()];
    socket.read_exact(&mut answer)?;
    ensure!(
        answer == METHOD_ON_CHANNEL_0,
        "the server answers the protocol header with {answer:?}"
    );
    Ok(())
}
