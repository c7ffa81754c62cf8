//! What the balancer writes into the log: lines of access logs and changes of health, gathered and appended in batches.
//!
//! Writing a line copies it into memory and never waits. What finds no room, or cannot be appended, is dropped and counted:
//! a log that stands still must not hold up requests.

mod carrier;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use console::{Exposition, Kind};
use tokio::sync::Notify;

pub(crate) use carrier::Carrier;

/// The topic of what happens to upstream servers.
pub const EVENTS_TOPIC: &str = "mainstay.events";

/// Bytes that may wait: at 200 bytes a line they hold some 80,000 lines, which is longer than any sync takes.
const WAITING_BYTES_MAX: usize = 16 << 20;
/// With so many bytes waiting they are appended at once, so that batches stay well below `message.max.bytes`.
const HURRY_BYTES: usize = 256 << 10;
/// The longest line; requests are limited to less, unless their limits are raised.
const LINE_LEN_MAX: usize = 64 << 10;
/// What a line costs beside its bytes.
const LINE_COST: usize = std::mem::size_of::<Mark>();

/// The lines that wait.
#[derive(Debug, Default)]
pub struct Outlet {
    waiting: Mutex<Waiting>,
    hurry: Notify,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    appended: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    topics: BTreeMap<String, Lines>,
    bytes: usize,
}

/// Lines of one topic, one behind the other.
#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Where the line ends in the text.
    end: usize,
    /// When it was written, in milliseconds since 1970.
    timestamp: i64,
}

impl Outlet {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn put(&self, topic: &str, line: &[u8]) {
        let mut waiting = self.waiting();
        let cost = line.len() + LINE_COST;
        if line.len() > LINE_LEN_MAX || waiting.bytes + cost > WAITING_BYTES_MAX {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += cost;
        let hurry = waiting.bytes >= HURRY_BYTES;
        // A topic's name is only copied for its first line.
        let lines = match waiting.topics.get_mut(topic) {
            Some(lines) => lines,
            None => waiting.topics.entry(topic.to_owned()).or_default(),
        };
        lines.text.extend_from_slice(line);
        lines.marks.push(Mark {
            end: lines.text.len(),
            timestamp: now_ms(),
        });
        drop(waiting);
        if hurry {
            self.hurry.notify_one();
        }
    }

    /// Everything that waits.
    fn take(&self) -> BTreeMap<String, Lines> {
        std::mem::take(&mut *self.waiting()).topics
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the outlet's metrics.
    pub(crate) fn metrics(&self, out: &mut Exposition) {
        let counters = &self.counters;
        for (name, help, counter) in [
            (
                "mainstay_outlet_appended_lines",
                "Lines of access logs and events that are in the log.",
                &counters.appended,
            ),
            (
                "mainstay_outlet_dropped_lines",
                "Lines that found no room, because the log took them too slowly or not at all.",
                &counters.dropped,
            ),
            (
                "mainstay_outlet_failed_lines",
                "Lines that the log refused.",
                &counters.failed,
            ),
        ] {
            out.family(name, Kind::Counter, help)
                .sample(&[], counter.load(Ordering::Relaxed));
        }
    }
}

impl proxy::Outlet for Outlet {
    fn event(&self, json: String) {
        self.put(EVENTS_TOPIC, json.as_bytes());
    }

    fn append(&self, topic: &str, line: &[u8]) {
        self.put(topic, line);
    }
}

impl Lines {
    /// Each line with its time.
    fn iter(&self) -> impl Iterator<Item = (i64, &[u8])> {
        let mut start = 0;
        self.marks.iter().map(move |mark| {
            let line = &self.text[start..mark.end];
            start = mark.end;
            (mark.timestamp, line)
        })
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::{LINE_LEN_MAX, Outlet, WAITING_BYTES_MAX};
    use proxy::Outlet as _;
    use std::sync::atomic::Ordering;

    #[test]
    fn lines_wait_by_topic_and_what_finds_no_room_is_counted() {
        let outlet = Outlet::new();
        outlet.append("access", b"one");
        outlet.event("{}".to_owned());
        outlet.append("access", b"");
        outlet.append("access", b"two");
        outlet.append("access", &vec![0; LINE_LEN_MAX + 1]);
        assert_eq!(outlet.counters.dropped.load(Ordering::Relaxed), 1);
        let taken = outlet.take();
        let lines: Vec<&[u8]> = taken["access"].iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [&b"one"[..], b"", b"two"]);
        assert_eq!(taken["mainstay.events"].iter().count(), 1);
        assert!(outlet.take().is_empty());

        let line = vec![0; LINE_LEN_MAX];
        let count = WAITING_BYTES_MAX / LINE_LEN_MAX;
        for _ in 0..count {
            outlet.append("access", &line);
        }
        // What a line costs beside its bytes keeps the last one out.
        assert_eq!(outlet.counters.dropped.load(Ordering::Relaxed), 2);
        assert_eq!(outlet.take()["access"].iter().count(), count - 1);
    }
}
