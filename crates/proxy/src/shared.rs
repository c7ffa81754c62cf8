//! What all workers of a process share: counters, and where events go.

use crate::outlet::Outlet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts that everybody may read at any time.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Requests whose head was read.
    pub requests: AtomicU64,
    /// Connections that are open.
    pub active: AtomicU64,
    /// Connections that are sending a head.
    pub reading: AtomicU64,
    /// Connections whose request is being answered.
    pub writing: AtomicU64,
}

impl Counters {
    /// Connections that are idle.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        count(&self.active).saturating_sub(count(&self.reading) + count(&self.writing))
    }
}

/// The shared part.
pub(crate) struct Shared {
    /// Counts.
    pub(crate) counters: Arc<Counters>,
    /// Where events and lines for topics go.
    pub(crate) outlet: Arc<dyn Outlet>,
    connections: AtomicU64,
}

impl Shared {
    /// Nothing counted yet.
    pub(crate) fn new(outlet: Arc<dyn Outlet>) -> Self {
        Self {
            counters: Arc::default(),
            outlet,
            connections: AtomicU64::new(0),
        }
    }

    /// The number of a new connection, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}
