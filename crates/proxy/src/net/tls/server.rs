//! TLS to clients: what a `server` block configures, and the handshake that chooses between them by the name asked for.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::Ticketer;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    Accepted, Acceptor, ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert,
    ServerSessionMemoryCache, StoresServerSessions,
};
use rustls::sign::CertifiedKey;
use rustls::{Connection, DistinguishedName, Error, ServerConfig};

use super::super::pool;
use super::super::transport::Transport;
use super::super::wire::Wire;
use super::TlsConfigError;
use super::pem::{self, Passwords};
use super::recorder::Recorder;
use super::session::{Io, Session};
use super::suites::Choice;
use super::trust::{self, Trust};

/// What a `server` block says of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ServerSpec {
    /// Files of certificate chains with their keys; several serve clients of different abilities (RSA, ECDSA).
    pub(crate) certificates: Vec<(PathBuf, PathBuf)>,
    /// Passwords of encrypted keys.
    pub(crate) passwords: Passwords,
    /// Protocols, ciphers, groups.
    pub(crate) choice: Choice,
    /// Our order of ciphers counts, not the client's.
    pub(crate) prefer_server_ciphers: bool,
    /// Application protocols, the first one that the client knows is taken; a client that knows none of them is refused, one
    /// that names none is not.
    pub(crate) alpn: Vec<Vec<u8>>,
    /// Sessions are resumed by tickets (`ssl_session_tickets`).
    pub(crate) tickets: bool,
    /// How many sessions the server remembers (`ssl_session_cache`); 0 for none.
    pub(crate) cached_sessions: usize,
    /// Clients are asked for a certificate.
    pub(crate) client: Option<ClientAuth>,
}

/// How certificates of clients are judged. Whether one is required is the caller's: the handshake goes on in any case, so
/// that the client can be told by an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientAuth {
    /// Files of authorities; without any no certificate is believed (`optional_no_ca`).
    pub(crate) authorities: Vec<PathBuf>,
    /// How many of these files, from the first on, clients are told of.
    pub(crate) hints: usize,
    /// What they revoked.
    pub(crate) revoked: Option<PathBuf>,
    /// How many intermediate authorities there may be (`ssl_verify_depth`).
    pub(crate) depth: usize,
}

/// What is thought of a client's certificate (`$ssl_client_verify`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It sent none.
    #[default]
    None,
    /// It is believed.
    Success,
    /// It is not, for this reason.
    Failed(&'static str),
}

/// The TLS of a `server` block, loaded.
#[derive(Debug)]
pub(crate) struct ServerTls {
    config: Arc<ServerConfig>,
    tickets: Arc<dyn ProducesTickets>,
    sessions: Arc<dyn StoresServerSessions>,
    judge: Option<Judge>,
}

#[derive(Debug)]
struct Judge {
    believes: Option<(Trust, Arc<dyn ClientCertVerifier>)>,
    hints: Vec<DistinguishedName>,
    depth: usize,
}

/// A handshake that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    /// The client does not speak TLS; what it said is still to be read. nginx answers 400 in plain HTTP.
    #[error("the client does not speak TLS")]
    NotTls(Box<Transport>),
    /// No configuration is for the name that the client asked for.
    #[error("the name asked for is refused")]
    Refused,
    /// The connection broke, or the client and we do not agree; the latter is `InvalidData` with rustls' error in it.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl ServerTls {
    /// Loads what `spec` says. Sessions that `older` began can be resumed.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub(crate) fn load(spec: &ServerSpec, older: Option<&Self>) -> Result<Self, TlsConfigError> {
        let provider = spec.choice.provider().map_err(TlsConfigError::of)?;
        let judge = spec
            .client
            .as_ref()
            .map(|client| Judge::load(client, &provider))
            .transpose()?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&spec.choice.versions())
            .map_err(TlsConfigError::of)?;
        let builder = match &judge {
            None => builder.with_no_client_auth(),
            Some(judge) => builder.with_client_cert_verifier(judge.recorder(&provider)),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Certificates::load(spec)?));
        config.ignore_client_order = spec.prefer_server_ciphers;
        config.alpn_protocols.clone_from(&spec.alpn);
        let tickets = match older {
            Some(older) => Arc::clone(&older.tickets),
            None => Ticketer::new().map_err(TlsConfigError::of)?,
        };
        if spec.tickets {
            config.ticketer = Arc::clone(&tickets);
        }
        let sessions: Arc<dyn StoresServerSessions> = match (spec.cached_sessions, older) {
            (0, _) => Arc::new(NoServerSessionStorage {}),
            (_, Some(older)) if older.sessions.can_cache() => Arc::clone(&older.sessions),
            (count, _) => ServerSessionMemoryCache::new(count),
        };
        config.session_storage = Arc::clone(&sessions);
        Ok(Self {
            config: Arc::new(config),
            tickets,
            sessions,
            judge,
        })
    }
}

/// Performs the handshake of a client that was just accepted. `choose` is given the name that the client asks for and returns
/// the configuration of the server that serves it; none refuses the client. No deadline is in here: wrap it in an alarm.
///
/// # Errors
///
/// [`AcceptError`]; where possible the client has been told.
pub(crate) async fn accept_tls(
    mut transport: Transport,
    choose: impl FnOnce(Option<&str>) -> Option<Arc<ServerTls>>,
) -> Result<Transport, AcceptError> {
    if !speaks_tls(&mut transport.wire).await? {
        return Err(AcceptError::NotTls(Box::new(transport)));
    }
    let wire = &mut transport.wire;
    let mut acceptor = Acceptor::default();
    let accepted = poll_fn(|cx| poll_hello(&mut acceptor, wire, cx)).await?;
    let Some(chosen) = choose(accepted.client_hello().server_name()) else {
        refuse(wire);
        return Err(AcceptError::Refused);
    };
    let connection = match accepted.into_connection(Arc::clone(&chosen.config)) {
        Ok(connection) => connection,
        Err((error, mut alert)) => {
            last_words(wire, |mut io| alert.write(&mut io));
            return Err(AcceptError::Failed(invalid(error)));
        }
    };
    let mut session = Box::new(Session::new(Connection::Server(connection)));
    poll_fn(|cx| session.poll_handshake(wire, cx)).await?;
    if let (Some(judge), Some(chain)) = (&chosen.judge, session.connection.peer_certificates()) {
        session.verdict = judge.verdict(chain);
    }
    transport.tls = Some(session);
    Ok(transport)
}

/// Looks at the first byte: a record of a handshake, or the older hello that is refused with an alert.
async fn speaks_tls(wire: &mut Wire) -> io::Result<bool> {
    /// A usual hello in one piece.
    const HELLO_LEN: usize = 1024;
    const HANDSHAKE: u8 = 22;
    const SSL2_MASK: u8 = 0x80;
    let mut head = pool::take(HELLO_LEN);
    let count = poll_fn(|cx| wire.poll_read_spare(cx, &mut head)).await?;
    let speaks = head
        .first()
        .map(|first| *first == HANDSHAKE || first & SSL2_MASK != 0);
    wire.put_back(&head[..count]);
    pool::give(head);
    speaks.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn poll_hello(
    acceptor: &mut Acceptor,
    wire: &mut Wire,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Accepted>> {
    loop {
        match acceptor.accept() {
            Ok(Some(accepted)) => return Poll::Ready(Ok(accepted)),
            Ok(None) => {}
            Err((error, mut alert)) => {
                last_words(wire, |mut io| alert.write(&mut io));
                return Poll::Ready(Err(invalid(error)));
            }
        }
        match acceptor.read_tls(&mut Io { wire, cx }) {
            Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

/// Sends the alert `unrecognized_name` (RFC 6066, section 3), which rustls never sends by itself.
fn refuse(wire: &mut Wire) {
    const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
    last_words(wire, |io| {
        io.wire.poll_write_vectored(io.cx, &[IoSlice::new(&ALERT)])
    });
}

/// Sends what the socket takes at once; the connection is given up in any case.
fn last_words<T>(wire: &mut Wire, say: impl FnOnce(Io<'_, '_>) -> T) {
    let cx = &mut Context::from_waker(Waker::noop());
    let _ = say(Io { wire, cx });
}

fn invalid(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Judge {
    fn load(spec: &ClientAuth, provider: &Arc<CryptoProvider>) -> Result<Self, TlsConfigError> {
        let mut judge = Self {
            believes: None,
            hints: Vec::new(),
            depth: spec.depth,
        };
        if spec.authorities.is_empty() {
            return Ok(judge);
        }
        let trust = Trust::load(&spec.authorities, spec.revoked.as_deref())?;
        let verifier = trust.of_clients(provider)?;
        if spec.hints > 0 {
            judge.hints = Trust::load(&spec.authorities[..spec.hints], None)?.names();
        }
        judge.believes = Some((trust, verifier));
        Ok(judge)
    }

    fn recorder(&self, provider: &Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier> {
        Arc::new(Recorder::new(provider, &self.hints))
    }

    fn verdict(&self, chain: &[CertificateDer<'_>]) -> Verdict {
        let (Some((trust, verifier)), Some((leaf, others))) = (&self.believes, chain.split_first())
        else {
            return Verdict::Failed("unable to verify the first certificate");
        };
        let now = UnixTime::now();
        let outcome = match trust.is_given(leaf, now) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let verified = verifier.verify_client_cert(leaf, others, now);
                let lists = || trust.check_lists(leaf, others).map_err(Error::from);
                verified.and_then(|_| lists())
            }
            Err(error) => Err(Error::InvalidCertificate(error)),
        };
        if outcome.is_err() && trust::is_self_signed(leaf) {
            return Verdict::Failed("self-signed certificate");
        }
        match outcome {
            Ok(()) if trust.depth(leaf, others) > self.depth => {
                Verdict::Failed("certificate chain too long")
            }
            Ok(()) => Verdict::Success,
            Err(Error::InvalidCertificate(error)) => Verdict::Failed(trust::reason(&error)),
            Err(_) => Verdict::Failed("certificate rejected"),
        }
    }
}

/// The certificates of a server; the first one that the client can check is shown.
#[derive(Debug)]
struct Certificates(Vec<Arc<CertifiedKey>>);

impl Certificates {
    fn load(spec: &ServerSpec) -> Result<Self, TlsConfigError> {
        if spec.certificates.is_empty() {
            return Err(TlsConfigError::of("no certificate is configured"));
        }
        let load = |(chain, key): &(PathBuf, PathBuf)| {
            pem::certified(chain, key, &spec.passwords).map(Arc::new)
        };
        let loaded = spec.certificates.iter().map(load);
        loaded.collect::<Result<_, _>>().map(Self)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let offered = hello.signature_schemes();
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(offered).is_some();
        let found = self.0.iter().find(fits).or(self.0.first());
        found.cloned()
    }
}

#[cfg(test)]
mod tests;
