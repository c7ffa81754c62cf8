//! What all sessions of one thread share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::Config;
use crate::log::Writer;
use crate::shared::Shared;

/// One worker's part of the TCP face.
pub(crate) struct Worker {
    /// What all workers share.
    pub(crate) shared: Arc<Shared>,
    /// Buffers in front of access logs.
    pub(crate) logs: Rc<Writer>,
    config: RefCell<Arc<Config>>,
    random: Cell<u64>,
}

impl Worker {
    /// A worker; `seed` is random.
    pub(crate) fn new(
        shared: Arc<Shared>,
        logs: Rc<Writer>,
        config: Arc<Config>,
        seed: u64,
    ) -> Self {
        Self {
            shared,
            logs,
            config: RefCell::new(config),
            random: Cell::new(seed | 1),
        }
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// Takes a new configuration.
    pub(crate) fn configure(&self, config: Arc<Config>) {
        *self.config.borrow_mut() = config;
    }

    /// Random bits, good enough to spread load and not to keep secrets (xorshift64*).
    pub(crate) fn random(&self) -> u64 {
        let mut state = self.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.set(state);
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
