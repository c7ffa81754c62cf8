//! `ssl_preread`: a look at a client's first bytes; they are put back for whoever reads next.

use super::{Session, status};
use crate::conf::Severity;
use crate::net::tls::{HELLO_LEN_MAX, Hello, Look, look};
use crate::net::{Alarm, Buffer, Transport};

/// A hello in one piece is seldom longer.
const FIRST_LEN: usize = 2 << 10;

/// Looks; nothing where the client speaks no TLS. `Err` is the status of a session that ends here.
pub(super) async fn run(
    session: &Session,
    client: &mut Transport,
    alarm: &Alarm,
) -> Result<Option<Hello>, u16> {
    let allowed = session.server.preread_timeout;
    let size = session.server.preread_size.min(HELLO_LEN_MAX);
    match alarm.within(allowed, read(client, size)).await {
        Ok(Ok(hello)) => Ok(hello),
        Ok(Err(Trouble::Full)) => {
            session.error(
                Severity::Error,
                format_args!("preread buffer full while prereading client data"),
            );
            Err(status::BAD_REQUEST)
        }
        Ok(Err(Trouble::Gone)) => {
            session.error(
                Severity::Info,
                format_args!("client disconnected while prereading client data"),
            );
            Err(status::OK)
        }
        Err(_) => {
            session.error(
                Severity::Info,
                format_args!("client timed out while prereading client data"),
            );
            Err(status::OK)
        }
    }
}

enum Trouble {
    /// The client went away.
    Gone,
    /// There is no hello in as many bytes as are looked at.
    Full,
}

async fn read(client: &mut Transport, size: usize) -> Result<Option<Hello>, Trouble> {
    let mut buffer = Buffer::new(FIRST_LEN.min(size));
    loop {
        // The buffer may hold more than is to be looked at.
        let looked = match look(&buffer[..buffer.len().min(size)]) {
            Look::Partial if buffer.len() >= size => Err(Trouble::Full),
            Look::Partial => {
                if buffer.spare() == 0 {
                    buffer.grow(size);
                }
                match client.read_spare(&mut buffer).await {
                    Ok(count) if count > 0 => continue,
                    _ => Err(Trouble::Gone),
                }
            }
            Look::NotTls => Ok(None),
            Look::Hello(hello) => Ok(Some(hello)),
        };
        client.put_back(&buffer);
        return looked;
    }
}
