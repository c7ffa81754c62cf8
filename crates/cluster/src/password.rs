//! What users' passwords are checked against: argon2id for passwords that are set here, and RabbitMQ's
//! salted SHA-2 for hashes that come from its definitions.
//!
//! Everything here is a pure function of its input. Checking an argon2id hash takes some ten milliseconds of
//! a core and [`MEMORY_KIB`] of memory on purpose: drivers run it on a thread that may block. Digests are
//! compared in constant time. Nothing here prints a password or a hash.

mod verifier;

pub use verifier::{Verifier, VerifyError};

use argon2::password_hash::phc;
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha512};
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Memory that one argon2id computation takes, in KiB: of the parameters that OWASP's Password Storage
/// Cheat Sheet holds for equally strong, those that let many connect at once to a small machine.
const MEMORY_KIB: u32 = 7 << 10;
/// Passes over it.
const PASSES: u32 = 5;
/// Most memory and most passes that a hash made elsewhere may ask for: whoever imports one decides what
/// each log-in costs.
const FOREIGN_MEMORY_KIB_MAX: u32 = 64 << 10;
const FOREIGN_PASSES_MAX: u32 = 16;
/// Length in bytes of the salt in front of RabbitMQ's digests.
const RABBIT_SALT_LEN: usize = 4;

const RABBIT_SHA256: &str = "rabbit_password_hashing_sha256";
const RABBIT_SHA512: &str = "rabbit_password_hashing_sha512";
/// The name that argon2id hashes go by in our definitions.
const ARGON2ID: &str = "mainstay_password_hashing_argon2id";

/// A password's hash with everything that is needed to check it, as a text.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

/// A hash of a kind that is not known, or not of the form of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the password hash is not one of rabbit_password_hashing_sha256, rabbit_password_hashing_sha512 (base 64 of a 4-byte salt and the digest) and mainstay_password_hashing_argon2id (a PHC string)"
)]
pub struct BadHash;

impl PasswordHash {
    /// Hashes a password with argon2id under a salt that must be random. Slow on purpose.
    #[must_use]
    pub fn new(password: &[u8], salt: u128) -> Self {
        let hashed = argon2id().hash_password_with_salt(password, &salt.to_le_bytes());
        let hashed = hashed.expect("parameters and salt are within argon2's bounds");
        Self(hashed.to_string().into())
    }

    /// Hashes a password as RabbitMQ does, which takes no time: for passwords that are no secret.
    #[must_use]
    pub fn rabbit_sha256(password: &[u8], salt: u32) -> Self {
        let mut salted = salt.to_le_bytes().to_vec();
        salted.extend(
            Sha256::new_with_prefix(&salted)
                .chain_update(password)
                .finalize(),
        );
        Self(format!("{RABBIT_SHA256}:{}", BASE64_STANDARD.encode(salted)).into())
    }

    /// The hash of a user that cannot log in with any password.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::from(""))
    }

    /// Reads the fields `hashing_algorithm` and `password_hash` of RabbitMQ's definitions, which know our
    /// argon2id as one more algorithm. An empty hash means that no password fits.
    pub fn import(algorithm: &str, hash: &str) -> Result<Self, BadHash> {
        if hash.is_empty() {
            return Ok(Self::none());
        }
        let stored = match algorithm {
            ARGON2ID => hash.to_owned(),
            _ => format!("{algorithm}:{hash}"),
        };
        match Parsed::of(&stored) {
            Some(_) => Ok(Self(stored.into())),
            None => Err(BadHash),
        }
    }

    /// The fields `hashing_algorithm` and `password_hash` of RabbitMQ's definitions.
    #[must_use]
    pub fn export(&self) -> (&str, &str) {
        match self.0.split_once(':') {
            Some((algorithm, hash)) => (algorithm, hash),
            None if self.0.is_empty() => (RABBIT_SHA256, ""),
            None => (ARGON2ID, &self.0),
        }
    }

    /// Whether `password` is the one; the empty one never is, as in RabbitMQ. May be slow; see the module.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        if password.is_empty() {
            return false;
        }
        match Parsed::of(&self.0) {
            Some(Parsed::Argon2id(hash)) => argon2id().verify_password(password, &*hash).is_ok(),
            Some(Parsed::Sha256(salted)) => fits::<Sha256>(&salted, password),
            Some(Parsed::Sha512(salted)) => fits::<Sha512>(&salted, password),
            None => false,
        }
    }

    /// Whether checking it is so slow that it should not be done where others wait.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        matches!(Parsed::of(&self.0), Some(Parsed::Argon2id(_)))
    }

    /// The text that [`Self::stored`] takes.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What the catalog holds. A text that is no hash fits no password.
    pub(crate) fn stored(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

enum Parsed {
    Argon2id(Box<phc::PasswordHash>),
    Sha256(Vec<u8>),
    Sha512(Vec<u8>),
}

impl Parsed {
    fn of(text: &str) -> Option<Self> {
        let Some((algorithm, hash)) = text.split_once(':') else {
            return Self::phc(text);
        };
        let salted = BASE64_STANDARD.decode(hash).ok()?;
        let digest_len = salted.len().checked_sub(RABBIT_SALT_LEN)?;
        match algorithm {
            RABBIT_SHA256 if digest_len == Sha256::output_size() => Some(Self::Sha256(salted)),
            RABBIT_SHA512 if digest_len == Sha512::output_size() => Some(Self::Sha512(salted)),
            _ => None,
        }
    }

    fn phc(text: &str) -> Option<Self> {
        let hash = phc::PasswordHash::new(text).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let bearable = params.m_cost() <= FOREIGN_MEMORY_KIB_MAX
            && params.t_cost() <= FOREIGN_PASSES_MAX
            && params.p_cost() <= FOREIGN_PASSES_MAX;
        let whole = hash.salt.is_some() && hash.hash.is_some();
        let known = hash.algorithm == ARGON2ID_IDENT;
        (bearable && whole && known).then_some(Self::Argon2id(Box::new(hash)))
    }
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn fits<D: Digest>(salted: &[u8], password: &[u8]) -> bool {
    let Some((salt, digest)) = salted.split_at_checked(RABBIT_SALT_LEN) else {
        return false;
    };
    let found = D::new_with_prefix(salt).chain_update(password).finalize();
    found[..].ct_eq(digest).into()
}

#[cfg(test)]
mod tests {
    use super::{BadHash, PasswordHash};

    #[test]
    fn argon2id_fits_its_password_only_and_survives_export() {
        let hash = PasswordHash::new(b"geheim", 7);
        assert!(hash.verify(b"geheim") && hash.is_slow());
        assert!(!hash.verify(b"Geheim") && !hash.verify(b""));
        assert_ne!(hash, PasswordHash::new(b"geheim", 8), "salted");
        let (algorithm, text) = hash.export();
        assert!(text.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"));
        assert_eq!(PasswordHash::import(algorithm, text), Ok(hash));
    }

    /// The known answer is that of the page 'Credentials and Passwords' of RabbitMQ's documentation.
    #[test]
    fn rabbitmqs_hashes_fit() {
        let published = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
        let hash = PasswordHash::import("rabbit_password_hashing_sha256", published);
        let hash = hash.expect("well-formed");
        assert!(hash.verify(b"test12") && !hash.verify(b"test13") && !hash.is_slow());
        assert_eq!(hash.export(), ("rabbit_password_hashing_sha256", published));

        let salt = u32::from_le_bytes([0x90, 0x8d, 0xc6, 0x0a]);
        assert_eq!(PasswordHash::rabbit_sha256(b"test12", salt), hash);
        assert_eq!(PasswordHash::none().export().1, "");
        assert!(!PasswordHash::none().verify(b""));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let costly = "$argon2id$v=19$m=1048576,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";
        for (algorithm, hash) in [
            ("rabbit_password_hashing_sha256", "AAAA"),
            ("rabbit_password_hashing_sha256", "no base 64!"),
            (
                "rabbit_password_hashing_md5",
                "kI3GCqW5JLMJa4iX1lo7X4D6XbY=",
            ),
            ("mainstay_password_hashing_argon2id", "$argon2id$"),
            ("mainstay_password_hashing_argon2id", costly),
        ] {
            assert_eq!(
                PasswordHash::import(algorithm, hash),
                Err(BadHash),
                "{hash}"
            );
        }
    }
}
