//! What all connections of one thread share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use balancer::Tried;

use super::gzip::Encoder;
use super::{Config, Request};
use crate::log::Writer;
use crate::shared::Shared;
use crate::upstream::Pool;

/// Requests that wait to be used again. More than this many at once are busy only where memory is there for them.
const SPARE_MAX: usize = 512;

/// One worker's part of the HTTP face.
pub(crate) struct Worker {
    /// What all workers share.
    pub(crate) shared: Arc<Shared>,
    /// Connections to servers that wait.
    pub(crate) pool: Pool,
    /// Buffers in front of access logs.
    pub(crate) logs: Rc<Writer>,
    /// Copies of requests that are under way.
    pub(crate) mirrors: Cell<usize>,
    /// Encoders that wait for the next response.
    #[expect(clippy::vec_box, reason = "they move in and out as boxes")]
    pub(super) encoders: RefCell<Vec<Box<Encoder>>>,
    config: RefCell<Arc<Config>>,
    #[expect(clippy::vec_box, reason = "they move in and out as boxes")]
    spare: RefCell<Vec<Box<Request>>>,
    random: Cell<u64>,
    tried: RefCell<Vec<Tried>>,
    /// Connections that keep their memory for the next request.
    patient: Cell<usize>,
}

/// How many connections may wait for the next request with their memory. Under load a connection waits a moment only, so that
/// more are waiting than are working only where most are idle.
const PATIENT_MAX: usize = 2048;

/// A connection's leave to wait with its memory, until it is dropped.
pub(crate) struct Waits<'w>(&'w Worker);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.patient.set(self.0.patient.get() - 1);
    }
}

impl Worker {
    /// A worker; `seed` is random.
    pub(crate) fn new(shared: Arc<Shared>, config: Arc<Config>, seed: u64) -> Self {
        Self {
            shared,
            pool: Pool::default(),
            logs: Rc::default(),
            mirrors: Cell::new(0),
            encoders: RefCell::default(),
            config: RefCell::new(config),
            spare: RefCell::default(),
            random: Cell::new(seed | 1),
            tried: RefCell::default(),
            patient: Cell::new(0),
        }
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// Whether `config` is the one in force.
    pub(crate) fn is_current(&self, config: &Arc<Config>) -> bool {
        Arc::ptr_eq(&self.config.borrow(), config)
    }

    /// Takes a new configuration.
    pub(crate) fn configure(&self, config: Arc<Config>) {
        *self.config.borrow_mut() = config;
        // They hold the old one.
        self.spare.borrow_mut().clear();
    }

    /// A request that was used before.
    pub(crate) fn take_request(&self) -> Option<Box<Request>> {
        self.spare.borrow_mut().pop()
    }

    /// Keeps a request for the next one.
    pub(crate) fn give_request(&self, request: Box<Request>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE_MAX && self.is_current(&request.config) {
            spare.push(request);
        }
    }

    /// Lets a connection wait with its memory; nothing where too many do.
    pub(crate) fn wait(&self) -> Option<Waits<'_>> {
        let patient = self.patient.get();
        (patient < PATIENT_MAX).then(|| {
            self.patient.set(patient + 1);
            Waits(self)
        })
    }

    /// Memory for what a request has tried.
    pub(crate) fn tried(&self) -> Tried {
        self.tried.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes it back.
    pub(crate) fn give_tried(&self, mut tried: Tried) {
        let mut spare = self.tried.borrow_mut();
        if spare.len() < SPARE_MAX {
            tried.clear();
            spare.push(tried);
        }
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
