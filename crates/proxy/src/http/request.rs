//! One request and what becomes of it.

use std::cell::RefCell;
use std::sync::Arc;

use super::{Config, Location, Server};
use crate::script::{Captures, Definition, Slots, UserId};

/// A request from its first byte to its line in the access log.
///
/// Everything that modules need to know about it is here; what moves its bytes is not.
pub(crate) struct Request {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<Server>,
    pub(crate) location: Arc<Location>,
    /// Values of the configuration's variables.
    pub(crate) slots: Slots,
    /// What the last regular expression captured.
    pub(crate) captures: RefCell<Captures>,
}

impl Request {
    pub(super) fn append_capture(&self, index: u8, out: &mut Vec<u8>) -> bool {
        let captures = self.captures.borrow();
        let captured = captures.get(usize::from(index));
        out.extend_from_slice(captured.unwrap_or_default());
        captured.is_some()
    }

    pub(super) fn append_user(&self, id: UserId, out: &mut Vec<u8>) -> bool {
        if let Some(known) = self.slots.get(id) {
            out.extend_from_slice(known.as_deref().unwrap_or_default());
            return known.is_some();
        }
        match self.config.definitions.get(usize::from(id.0)) {
            Some(Definition::Computed(_)) | Some(Definition::Assigned) | None => false,
        }
    }
}
