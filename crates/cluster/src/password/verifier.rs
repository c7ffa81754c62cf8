//! Checking passwords as a service to sessions: slow checks away from the caller, few at once, and not
//! again for a password that has just been found right.

use super::PasswordHash;
use crate::topology::User;
use base::Entropy;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Offload, offload};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// Users whose last right password is remembered; above it all are forgotten, which costs each one slow check.
const REMEMBERED_MAX: usize = 10_000;
/// Slow checks at once: each takes a core and megabytes of memory.
const CHECKS_MAX: usize = 2;
/// Callers that may wait for one; more are refused rather than kept.
const WAITING_MAX: usize = 1024;

/// Why a password was not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Too many wait already. May be retried.
    #[error("too many passwords are being checked")]
    Busy,
    /// The process ends.
    #[error("the process is stopping")]
    Stopping,
}

/// Checks passwords.
pub struct Verifier {
    pool: Arc<dyn Offload>,
    /// Makes what is remembered useless to whoever sees it without this process's memory.
    key: [u8; 32],
    remembered: Mutex<HashMap<Arc<str>, Remembered>>,
    checks: Semaphore,
    waiting: Semaphore,
}

struct Remembered {
    /// The hash that the password was checked against. Where the user's is another by now, it counts for nothing.
    hash: PasswordHash,
    digest: [u8; 32],
}

impl Verifier {
    /// A verifier that runs slow checks on `pool`.
    #[must_use]
    pub fn new(pool: Arc<dyn Offload>, entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        for half in key.chunks_exact_mut(16) {
            half.copy_from_slice(&entropy.random().to_le_bytes());
        }
        Self {
            pool,
            key,
            remembered: Mutex::default(),
            checks: Semaphore::new(CHECKS_MAX),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    /// Whether `password` is the user's.
    pub async fn verify(&self, user: &User, password: &[u8]) -> Result<bool, VerifyError> {
        if !user.password.is_slow() {
            return Ok(user.password.verify(password));
        }
        let digest = self.digest(password);
        if self.recalls(user, &digest) {
            return Ok(true);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| VerifyError::Busy)?;
        let _check = self.checks.acquire().await;
        // Another connection of the same user may have been faster.
        if self.recalls(user, &digest) {
            return Ok(true);
        }
        let (hash, password) = (user.password.clone(), password.to_vec());
        let right = offload(&*self.pool, move || hash.verify(&password)).await;
        let right = right.ok_or(VerifyError::Stopping)?;
        if right {
            self.remember(user, digest);
        }
        Ok(right)
    }

    /// The digest never leaves this process's memory, so that no more than a key in front is needed.
    fn digest(&self, password: &[u8]) -> [u8; 32] {
        Sha256::new_with_prefix(self.key)
            .chain_update(password)
            .finalize()
            .into()
    }

    fn recalls(&self, user: &User, digest: &[u8; 32]) -> bool {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        remembered
            .get(&user.name)
            .is_some_and(|known| known.hash == user.password && known.digest.ct_eq(digest).into())
    }

    fn remember(&self, user: &User, digest: [u8; 32]) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        let hash = user.password.clone();
        remembered.insert(user.name.clone(), Remembered { hash, digest });
    }
}

#[cfg(test)]
mod tests {
    use super::{PasswordHash, User, Verifier};
    use base::Entropy;
    use futures_util::FutureExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use store::Offload;

    /// Runs jobs in place and counts them.
    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Offload for Counted {
        fn run(&self, job: Box<dyn FnOnce() + Send>) {
            self.0.fetch_add(1, Ordering::Relaxed);
            job();
        }
    }

    struct Fixed;

    impl Entropy for Fixed {
        fn random(&self) -> u128 {
            3
        }
    }

    fn user(password: PasswordHash) -> User {
        User {
            name: "kim".into(),
            password,
            tags: Vec::new(),
        }
    }

    #[test]
    fn only_a_right_password_is_remembered_and_only_until_it_changes() {
        let pool = Arc::new(Counted::default());
        let verifier = Verifier::new(pool.clone(), &Fixed);
        let verify = |user: &User, password: &[u8]| {
            let outcome = verifier.verify(user, password).now_or_never();
            let right = outcome.expect("in place").expect("checked");
            (right, pool.0.load(Ordering::Relaxed))
        };
        let kim = user(PasswordHash::new(b"eins", 1));
        assert_eq!(verify(&kim, b"falsch"), (false, 1));
        assert_eq!(verify(&kim, b"eins"), (true, 2));
        assert_eq!(verify(&kim, b"eins"), (true, 2), "remembered");
        assert_eq!(verify(&kim, b"falsch"), (false, 3));
        let changed = user(PasswordHash::new(b"zwei", 2));
        assert_eq!(
            verify(&changed, b"eins"),
            (false, 4),
            "the old password is out"
        );
        assert_eq!(verify(&changed, b"zwei"), (true, 5));
        let cheap = user(PasswordHash::rabbit_sha256(b"drei", 3));
        assert_eq!(
            verify(&cheap, b"drei"),
            (true, 5),
            "cheap checks need no thread"
        );
    }
}
