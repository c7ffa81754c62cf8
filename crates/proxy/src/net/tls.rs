//! TLS to clients and to upstreams, by rustls with the `ring` provider.
//!
//! A configuration is loaded once ([`ServerTls`], [`ClientTls`]) and shared by all workers through an `Arc`: sessions and the
//! keys of tickets with it. New certificates are a new configuration; connections keep the one they began with.
//!
//! TLS 1.2 and 1.3 only, and only the cipher suites that rustls has. Not here: stapling of revocation answers, early data,
//! ticket keys from files.

mod certificate;
mod client;
mod hello;
mod pem;
mod proof;
mod recorder;
mod revocation;
mod server;
mod session;
mod suites;
#[cfg(test)]
pub(crate) mod testing;
mod trust;
mod view;

use std::fmt;
use std::path::Path;

pub(crate) use certificate::{Description, describe, fingerprint, pem as certificate_pem};
pub(crate) use client::{ClientSpec, ClientTls, connect_tls, connect_tls_offering};
pub(crate) use hello::{HELLO_LEN_MAX, Hello, Look, look};
pub(crate) use pem::Passwords;
pub(crate) use server::{AcceptError, ClientAuth, ServerSpec, ServerTls, Verdict, accept_tls};
pub(crate) use session::Session;
pub(crate) use suites::{Choice, Protocol};

/// A TLS configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct TlsConfigError {
    text: String,
}

impl TlsConfigError {
    /// Something is wrong with a file.
    fn new(file: &Path, what: impl fmt::Display) -> Self {
        Self {
            text: format!("\"{}\": {what}", file.display()),
        }
    }

    /// Something is wrong that is in no file.
    fn of(what: impl fmt::Display) -> Self {
        Self {
            text: what.to_string(),
        }
    }
}
