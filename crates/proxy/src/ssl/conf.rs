//! What a server says of TLS: gathered, then loaded.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::conf::List;
use crate::net::tls::{Choice, ClientAuth, Passwords, ServerSpec, ServerTls, TlsConfigError};

/// `ssl_verify_client`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verify {
    /// Clients are not asked.
    #[default]
    Off,
    /// A believed certificate is required.
    On,
    /// One that is shown must be believed.
    Optional,
    /// Whatever is shown is taken, and `$ssl_client_verify` tells what it is worth.
    OptionalNoCa,
}

/// `ssl_…` of one server, while it is read.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    pub(crate) certificates: List<PathBuf>,
    pub(crate) keys: List<PathBuf>,
    pub(crate) passwords: Passwords,
    pub(crate) choice: Choice,
    pub(crate) prefer_server_ciphers: bool,
    pub(crate) tickets: bool,
    /// How many sessions are remembered; 0 for none.
    pub(crate) cached_sessions: usize,
    pub(crate) verify: Verify,
    /// How many intermediate authorities may stand between a client's certificate and a trusted one.
    pub(crate) depth: usize,
    /// Authorities that clients are told of.
    pub(crate) client_certificate: Option<PathBuf>,
    /// Authorities that they are not told of.
    pub(crate) trusted_certificate: Option<PathBuf>,
    pub(crate) crl: Option<PathBuf>,
    pub(crate) reject_handshake: bool,
    /// The application protocols, the best one first.
    pub(crate) alpn: Vec<Vec<u8>>,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            certificates: List::default(),
            keys: List::default(),
            passwords: Passwords::default(),
            choice: Choice::default(),
            prefer_server_ciphers: false,
            tickets: true,
            cached_sessions: 0,
            verify: Verify::Off,
            depth: 1,
            client_certificate: None,
            trusted_certificate: None,
            crl: None,
            reject_handshake: false,
            alpn: Vec::new(),
        }
    }
}

/// TLS of one server at work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ssl {
    /// Without certificates the address's default server lends its own.
    pub(crate) tls: Option<Arc<ServerTls>>,
    /// Handshakes for this server's names are refused.
    pub(crate) rejects: bool,
    /// What is wanted of clients' certificates.
    pub(crate) verify: Verify,
}

/// What was loaded already: servers that inherit their certificates share them, and their sessions with them.
#[derive(Debug, Default)]
pub(crate) struct Loaded(Vec<(ServerSpec, Arc<ServerTls>)>);

/// What earlier configurations of this process have loaded and some connection or configuration still has: by its
/// certificates, sessions go on when they are loaded again.
struct Earlier {
    certificates: Vec<(PathBuf, PathBuf)>,
    tls: Weak<ServerTls>,
}

impl Earlier {
    fn load(spec: &ServerSpec) -> Result<Arc<ServerTls>, TlsConfigError> {
        static ALL: Mutex<Vec<Earlier>> = Mutex::new(Vec::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|earlier| earlier.tls.strong_count() > 0);
        let same = |earlier: &&Self| earlier.certificates == spec.certificates;
        let older = all.iter().rev().find(same);
        let older = older.and_then(|earlier| earlier.tls.upgrade());
        let tls = Arc::new(ServerTls::load(spec, older.as_deref())?);
        all.push(Self {
            certificates: spec.certificates.clone(),
            tls: Arc::downgrade(&tls),
        });
        Ok(tls)
    }
}

impl Conf {
    /// Loads certificates and keys; an error is what is wrong, in words.
    pub(crate) fn load(&self, loaded: &mut Loaded) -> Result<Ssl, String> {
        let ssl = Ssl {
            tls: None,
            rejects: self.reject_handshake,
            verify: self.verify,
        };
        let Some(last) = self.certificates.last() else {
            return Ok(ssl);
        };
        if self.keys.len() < self.certificates.len() {
            return Err(format!(
                "no \"ssl_certificate_key\" is defined for certificate \"{}\"",
                last.display()
            ));
        }
        let spec = self.spec()?;
        let known = loaded.0.iter().find(|(known, _)| *known == spec);
        let tls = match known {
            Some((_, tls)) => tls.clone(),
            None => {
                let tls = Earlier::load(&spec);
                let tls = tls.map_err(|error| format!("cannot load TLS: {error}"))?;
                loaded.0.push((spec, tls.clone()));
                tls
            }
        };
        Ok(Ssl {
            tls: Some(tls),
            ..ssl
        })
    }

    fn spec(&self) -> Result<ServerSpec, String> {
        let files = [&self.client_certificate, &self.trusted_certificate];
        let authorities: Vec<PathBuf> = files.into_iter().flatten().cloned().collect();
        let client = match self.verify {
            Verify::Off => None,
            Verify::On | Verify::Optional if authorities.is_empty() => {
                return Err(
                    "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client"
                        .to_owned(),
                );
            }
            _ => Some(ClientAuth {
                hints: usize::from(self.client_certificate.is_some()),
                authorities,
                revoked: self.crl.clone(),
                depth: self.depth,
            }),
        };
        let pairs = self.certificates.iter().cloned();
        Ok(ServerSpec {
            certificates: pairs.zip(self.keys.iter().cloned()).collect(),
            passwords: self.passwords.clone(),
            choice: self.choice.clone(),
            prefer_server_ciphers: self.prefer_server_ciphers,
            alpn: self.alpn.clone(),
            tickets: self.tickets,
            cached_sessions: self.cached_sessions,
            client,
        })
    }
}
