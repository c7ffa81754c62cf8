//! TLS to upstreams.

use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, Connection, DigitallySignedStruct, Error, SignatureScheme};

use super::super::transport::Transport;
use super::pem::{self, Passwords};
use super::session::Session;
use super::suites::Choice;
use super::trust::{self, Trust};
use super::{TlsConfigError, proof};

/// Sessions that are remembered per configuration, by server name. nginx remembers one per server of a group.
const SESSIONS: usize = 256;

/// What `proxy_ssl_…` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientSpec {
    /// Protocols, ciphers, groups.
    pub(crate) choice: Choice,
    /// The authorities by which the server is verified (`proxy_ssl_verify on` with `proxy_ssl_trusted_certificate`); none
    /// believes any certificate.
    pub(crate) verify: Option<PathBuf>,
    /// What the authorities revoked.
    pub(crate) revoked: Option<PathBuf>,
    /// The name is sent to the server (`proxy_ssl_server_name`).
    pub(crate) send_name: bool,
    /// Our certificate and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// Passwords of an encrypted key.
    pub(crate) passwords: Passwords,
    /// Sessions are resumed (`proxy_ssl_session_reuse`).
    pub(crate) reuse: bool,
    /// Application protocols that are offered.
    pub(crate) alpn: Vec<Vec<u8>>,
}

/// TLS to upstreams, loaded.
#[derive(Debug)]
pub(crate) struct ClientTls {
    config: Arc<ClientConfig>,
    verifies: bool,
}

impl ClientTls {
    /// Loads what `spec` says.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub(crate) fn load(spec: &ClientSpec) -> Result<Self, TlsConfigError> {
        let provider = spec.choice.provider().map_err(TlsConfigError::of)?;
        let verifier = Verifier::load(spec, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&spec.choice.versions())
            .map_err(TlsConfigError::of)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &spec.certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let certified = pem::certified(chain, key, &spec.passwords)?;
                let resolver = SingleCertAndKey::from(certified);
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
        };
        config.enable_sni = spec.send_name;
        config.alpn_protocols.clone_from(&spec.alpn);
        config.resumption = if spec.reuse {
            Resumption::in_memory_sessions(SESSIONS)
        } else {
            Resumption::disabled()
        };
        Ok(Self {
            config: Arc::new(config),
            verifies: spec.verify.is_some(),
        })
    }

    /// The same with another certificate of ours. Its sessions are not resumed: the server would take us for whom we were then.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub(crate) fn showing(
        &self,
        chain: &Path,
        key: &Path,
        passwords: &Passwords,
    ) -> Result<Self, TlsConfigError> {
        let certified = pem::certified(chain, key, passwords)?;
        let mut config = ClientConfig::clone(&self.config);
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            verifies: self.verifies,
        })
    }

    /// The name in rustls' type, without a port behind it.
    fn name(&self, name: &str) -> io::Result<ServerName<'static>> {
        let whole = name.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let bare = match (whole, name.split_once(':')) {
            (Some((address, _)), _) => address,
            // More than one colon is an IPv6 address.
            (None, Some((host, port))) if !port.contains(':') => host,
            _ => name,
        };
        match ServerName::try_from(bare) {
            Ok(name) => Ok(name.to_owned()),
            // A name that is no host's, such as a group's, is of use to nobody: it is neither verified nor sent.
            Err(_) if !self.verifies => Ok(ServerName::IpAddress(
                std::net::Ipv4Addr::UNSPECIFIED.into(),
            )),
            Err(_) => {
                let text = format!("{bare:?} is no name that a certificate can be for");
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
        }
    }
}

/// Performs the handshake with a server to which `transport` has just connected. `name` is whom the certificate is to be for,
/// and what is sent; a port behind it is not looked at. No deadline is in here.
///
/// # Errors
///
/// The connection's; `InvalidData` with rustls' error where the sides do not agree or the certificate is not believed.
pub(crate) async fn connect_tls(
    transport: Transport,
    tls: &ClientTls,
    name: &str,
) -> io::Result<Transport> {
    let alpn = tls.config.alpn_protocols.clone();
    connect_tls_offering(transport, tls, name, alpn).await
}

/// [`connect_tls`] that offers these application protocols instead of those of `tls`.
///
/// # Errors
///
/// The same.
pub(crate) async fn connect_tls_offering(
    mut transport: Transport,
    tls: &ClientTls,
    name: &str,
    alpn: Vec<Vec<u8>>,
) -> io::Result<Transport> {
    let config = Arc::clone(&tls.config);
    let connection = ClientConnection::new_with_alpn(config, tls.name(name)?, alpn)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let mut session = Box::new(Session::new(Connection::Client(connection)));
    let wire = &mut transport.wire;
    poll_fn(|cx| session.poll_handshake(wire, cx)).await?;
    transport.tls = Some(session);
    Ok(transport)
}

/// Judges servers' certificates; without authorities it believes everybody.
#[derive(Debug)]
struct Verifier {
    believes: Option<(Trust, Arc<WebPkiServerVerifier>)>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn load(spec: &ClientSpec, provider: &Arc<CryptoProvider>) -> Result<Self, TlsConfigError> {
        let load = |file: &PathBuf| {
            let trust = Trust::load(&[file], spec.revoked.as_deref())?;
            let verifier = trust.of_servers(provider)?;
            Ok((trust, verifier))
        };
        Ok(Self {
            believes: spec.verify.as_ref().map(load).transpose()?,
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some((trust, verifier)) = &self.believes else {
            return Ok(ServerCertVerified::assertion());
        };
        if trust.is_given(leaf, now)? {
            trust::check_name(leaf, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let verified = verifier.verify_server_cert(leaf, others, name, ocsp, now);
        let verified = match verified {
            // The name is looked at last: everything else is in order.
            Err(Error::InvalidCertificate(error)) if trust::is_about_name(&error) => {
                trust::check_name(leaf, name)?;
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }?;
        trust.check_lists(leaf, others)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.believes {
            Some(_) => proof::of_tls12(message, certificate, signature, &self.algorithms),
            // Whoever is believed without a look at the certificate needs no key for it either.
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.believes {
            Some(_) => proof::of_tls13(message, certificate, signature, &self.algorithms),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
