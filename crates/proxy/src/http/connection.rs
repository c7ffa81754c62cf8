//! What is known of a client's connection.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use base::Monotonic;

use super::listen::Port;
use crate::net::{Endpoint, Said};
use crate::ssl;

/// A client's connection, as its requests see it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// `$connection`
    pub(crate) number: u64,
    /// The other end of the socket, or what a PROXY header said where it is trusted.
    pub(crate) peer: Endpoint,
    /// Our end.
    pub(crate) local: OnceCell<Endpoint>,
    /// When it was accepted.
    pub(crate) started: Monotonic,
    /// Requests so far (`$connection_requests`).
    pub(crate) requests: Cell<u64>,
    /// The address that it came in by.
    pub(crate) port: Arc<Port>,
    /// Its TLS, where it is encrypted.
    pub(crate) tls: Option<Box<ssl::Info>>,
    /// What its PROXY header said, where one is expected.
    pub(crate) said: Option<Box<Said>>,
}

impl Connection {
    /// Our end of the socket; the listener's address where that has no wildcard.
    pub(crate) fn local(&self) -> &Endpoint {
        self.local.get().unwrap_or(&self.port.spec.address)
    }

    /// Whether it is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}
