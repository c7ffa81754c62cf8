//! How much memory messages take that are in memory only, over all hosts.
//!
//! When it is too much, publishers are to be stopped until a good part of it is gone.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// The sum, and who watches it.
#[derive(Debug)]
pub(crate) struct Pressure {
    bytes: AtomicUsize,
    bytes_max: usize,
    alarm: watch::Sender<bool>,
}

impl Pressure {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            bytes_max,
            alarm: watch::Sender::new(false),
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.alarm.subscribe()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A host's share was `before` and is `now`.
    pub(crate) fn change(&self, before: usize, now: usize) {
        if before == now {
            return;
        }
        self.bytes.fetch_add(now, Ordering::Relaxed);
        let bytes = self.bytes.fetch_sub(before, Ordering::Relaxed) - before;
        self.alarm.send_if_modified(|alarm| {
            // It ends well below where it began, so that publishers are not stopped for every message.
            let raised = bytes > self.bytes_max || (*alarm && bytes > self.bytes_max / 10 * 9);
            std::mem::replace(alarm, raised) != raised
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Pressure;

    #[test]
    fn the_alarm_ends_below_where_it_began() {
        let pressure = Pressure::new(1000);
        let alarm = pressure.watch();
        let mut before = 0;
        for (now, raised) in [
            (900, false),
            (1001, true),
            (950, true),
            (900, false),
            (950, false),
        ] {
            pressure.change(before, now);
            assert_eq!(*alarm.borrow(), raised, "{now}");
            before = now;
        }
        assert_eq!(pressure.bytes(), 950);
    }
}
