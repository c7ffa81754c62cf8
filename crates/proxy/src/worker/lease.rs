//! Which configuration a connection is served under, so that those of an old one can be ended (`worker_shutdown_timeout`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

/// One connection's hold on a configuration.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The number of the configuration that it is served under.
    of: Cell<u64>,
    current: Rc<Cell<u64>>,
    ended: Cell<bool>,
}

impl Lease {
    /// The connection goes on under the configuration in force.
    pub(crate) fn renew(&self) {
        self.of.set(self.current.get());
    }

    /// The connection is to end.
    pub(super) fn is_ended(&self) -> bool {
        self.ended.get()
    }
}

/// A lease, and the task that is woken at its end.
type Held = (Rc<Lease>, Waker);

/// The leases of a worker.
#[derive(Debug, Default)]
pub(super) struct Leases {
    current: Rc<Cell<u64>>,
    held: RefCell<Vec<Option<Held>>>,
    free: RefCell<Vec<usize>>,
}

impl Leases {
    /// One under the configuration in force.
    pub(super) fn lease(&self) -> Rc<Lease> {
        Rc::new(Lease {
            of: Cell::new(self.current.get()),
            current: Rc::clone(&self.current),
            ended: Cell::new(false),
        })
    }

    /// Notes a lease and the task that is to be woken at its end; gives back its place.
    pub(super) fn hold(&self, lease: &Rc<Lease>, waker: &Waker) -> usize {
        let entry = Some((Rc::clone(lease), waker.clone()));
        let mut held = self.held.borrow_mut();
        if let Some(place) = self.free.borrow_mut().pop() {
            held[place] = entry;
            return place;
        }
        held.push(entry);
        held.len() - 1
    }

    /// Gives a place back.
    pub(super) fn release(&self, place: usize) {
        self.held.borrow_mut()[place] = None;
        self.free.borrow_mut().push(place);
    }

    /// Another configuration is in force; gives back its number.
    pub(super) fn advance(&self) -> u64 {
        self.current.set(self.current.get() + 1);
        self.current.get()
    }

    /// Ends what is still served under a configuration before that number.
    pub(super) fn end_before(&self, number: u64) {
        for (lease, waker) in self.held.borrow().iter().flatten() {
            if lease.of.get() < number {
                lease.ended.set(true);
                waker.wake_by_ref();
            }
        }
    }
}
