//! What the one user of a queue knows to be ready in it, and so what must come next.

use crate::batch::Label;
use crate::violation::{Violation, ensure};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Messages in the order of delivery: the highest level first, then in the order of publishing. Each with
/// its deadline, milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Expected(BTreeMap<(Reverse<u8>, u64), Option<i64>>);

impl Expected {
    /// A message is ready.
    pub(crate) fn ready(&mut self, level: u8, label: Label, deadline: Option<i64>) {
        self.0.insert((Reverse(level), label.number), deadline);
    }

    /// A message was delivered: nothing that would have been before it was ready.
    pub(crate) fn took(&mut self, level: u8, label: Label, now_ms: i64) -> Result<(), Violation> {
        let key = (Reverse(level), label.number);
        let alive = |deadline: &Option<i64>| deadline.is_none_or(|deadline| deadline > now_ms);
        let better = self.0.range(..key).find(|(_, deadline)| alive(deadline));
        ensure(better.is_none(), "order", || {
            format!("{label:?} of level {level} was delivered, and {better:?} was ready")
        })?;
        self.0.remove(&key);
        Ok(())
    }

    /// Nothing was there to be delivered.
    pub(crate) fn took_none(&self, now_ms: i64) -> Result<(), Violation> {
        let mut alive = self.0.iter();
        let alive = alive.find(|(_, deadline)| deadline.is_none_or(|deadline| deadline > now_ms));
        ensure(alive.is_none(), "A1", || {
            format!("the queue is said to be empty, and {alive:?} is ready")
        })
    }

    /// From now on everything may be gone; returns the numbers of what was ready.
    pub(crate) fn clear(&mut self) -> Vec<u64> {
        let taken = std::mem::take(&mut self.0);
        taken.into_keys().map(|(_, number)| number).collect()
    }
}
