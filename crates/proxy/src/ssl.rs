//! TLS to clients, for both faces: the `ssl_…` directives, the handshake's settings that they make, and the `$ssl_…` variables.
//!
//! Certificates and keys are files, in PEM, read when the configuration is; a reload reads them again, and connections keep
//! what they began with. Not here: certificates from variables or `data:`, stapling, early data, ticket keys from files.

mod conf;
mod info;
mod outward;
pub(crate) mod rows;
mod vars;

use crate::net::tls::AcceptError;

pub(crate) use conf::{Conf, Loaded, Ssl, Verify};
pub(crate) use info::{Info, Objection};
pub(crate) use outward::{Outward, Tls};
pub(crate) use vars::{Variable, variable};

/// What the log says of a handshake that came to nothing; without an error it took too long.
pub(crate) fn failure(error: Option<&AcceptError>) -> String {
    match error {
        None => "client timed out".to_owned(),
        Some(AcceptError::Failed(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "client closed connection".to_owned()
        }
        Some(error) => format!("SSL_do_handshake() failed ({error})"),
    }
}
