//! What variables ask of a session.

use rustls::pki_types::CertificateDer;
use rustls::{Connection, HandshakeKind};

use super::server::Verdict;
use super::session::Session;
use super::suites::{cipher_name, group_name, protocol_name};

impl Session {
    /// `TLSv1.3` (`$ssl_protocol`).
    pub(crate) fn protocol(&self) -> &'static str {
        self.connection.protocol_version().map_or("", protocol_name)
    }

    /// OpenSSL's name of the cipher suite (`$ssl_cipher`).
    pub(crate) fn cipher(&self) -> &'static str {
        let suite = self.connection.negotiated_cipher_suite();
        suite.map_or("", |suite| cipher_name(suite.suite()))
    }

    /// OpenSSL's name of the group of the key exchange (`$ssl_curve`).
    pub(crate) fn group(&self) -> &'static str {
        let group = self.connection.negotiated_key_exchange_group();
        group.map_or("", |group| group_name(group.name()))
    }

    /// The name that the client asked for (`$ssl_server_name`).
    pub(crate) fn server_name(&self) -> Option<&str> {
        match &self.connection {
            Connection::Server(server) => server.server_name(),
            Connection::Client(_) => None,
        }
    }

    /// The application protocol that was agreed on (`$ssl_alpn_protocol`).
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    /// The session began on an earlier connection (`$ssl_session_reused`).
    pub(crate) fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The other side's certificate ([`super::describe`], [`super::fingerprint`], [`super::certificate_pem`]).
    pub(crate) fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.connection.peer_certificates()?.first()
    }

    /// What is thought of the client's certificate (`$ssl_client_verify`).
    pub(crate) const fn verdict(&self) -> Verdict {
        self.verdict
    }
}
