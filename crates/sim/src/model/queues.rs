//! What must be true of queues: each owner's commits are there in order, whole, from the first to the
//! last that was acknowledged at least; and exactly what they leave unsettled is there to be read.
//!
//! The state is kept in plain maps, so that it has nothing in common with the log's own cursor.

use crate::batch::{Label, Recipe, Seen, build};
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use base::{Offset, StreamId, Timestamp};
use bytes::Bytes;
use commitlog::{Cell, Cells, Cursor, Deposit, Entry, Kind, Place, Settle};
use std::collections::{BTreeMap, VecDeque};

/// Queues of one owner. The last of them is hardly ever read.
const QUEUES: usize = 3;
/// Where the ids of queues' streams begin, in units of the number of shards.
const FIRST_ID: u64 = 100_000;
/// Where the labels of owners begin.
const FIRST_PRODUCER: u64 = 2_000_000;

/// One queue after all commits that are known to be durable.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) id: StreamId,
    pub(crate) end: Offset,
    /// What is not settled: each offset, with the batch that holds it and where that begins.
    pub(crate) unsettled: BTreeMap<Offset, (Label, Offset)>,
    returned: BTreeMap<Offset, u32>,
    /// The end when everything submitted is durable.
    planned_end: Offset,
}

/// A batch with its number of records, and queue and base offset of each place.
type Sent = (Label, Offset, Vec<(usize, Offset)>);

/// What one commit does.
#[derive(Debug, Default)]
struct Change {
    deposits: Vec<Sent>,
    settles: Vec<(usize, Settle)>,
}

/// The one who owns some queues, over all lives.
pub(crate) struct Owner {
    key: u64,
    pub(crate) queues: Vec<Queue>,
    /// How many commits are known to be durable.
    done: u64,
    /// Those that were submitted after them.
    pending: VecDeque<Change>,
    next_label: u64,
    sent: BTreeMap<Label, Bytes>,
}

impl Owner {
    pub(crate) fn new(key: u64, shards: u64) -> Self {
        let queue = |number: usize| {
            let number = FIRST_ID + key * QUEUES as u64 + number as u64;
            Queue {
                id: StreamId(number * shards + key % shards),
                end: 0,
                unsettled: BTreeMap::new(),
                returned: BTreeMap::new(),
                planned_end: 0,
            }
        };
        Self {
            key,
            queues: (0..QUEUES).map(queue).collect(),
            done: 0,
            pending: VecDeque::new(),
            next_label: 0,
            sent: BTreeMap::new(),
        }
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        self.pending.is_empty()
    }

    fn cell_key(&self) -> Bytes {
        Bytes::from(format!("owner {}", self.key))
    }

    /// The entries of the next commit.
    pub(crate) fn commit(&mut self, rng: &mut Rng, now: Timestamp) -> Vec<Entry> {
        let mut change = Change::default();
        let mut entries = Vec::new();
        for _ in 0..rng.below(4) {
            entries.push(Entry::Deposit(self.deposit(rng, now, &mut change)));
        }
        for at in 0..QUEUES {
            let rarely = if at + 1 == QUEUES { 12 } else { 2 };
            if rng.one_in(rarely)
                && let Some(settle) = self.settle(rng, at)
            {
                entries.push(Entry::Settle(settle.clone()));
                change.settles.push((at, settle));
            }
        }
        self.pending.push_back(change);
        let ordinal = self.done + self.pending.len() as u64;
        entries.push(Entry::Cell(Cell {
            kind: Kind::Queue,
            key: self.cell_key(),
            value: Some(Bytes::copy_from_slice(&ordinal.to_be_bytes())),
        }));
        entries
    }

    fn deposit(&mut self, rng: &mut Rng, now: Timestamp, change: &mut Change) -> Deposit {
        let label = Label {
            producer: FIRST_PRODUCER + self.key,
            number: self.next_label,
        };
        self.next_label += 1;
        let records = u16::try_from(rng.between(1, 5)).unwrap_or(1);
        let batch = build(&Recipe {
            label,
            idempotent: None,
            records,
            timestamp: now.0,
            filler_len: crate::client::filler_len(rng),
        });
        self.sent.insert(label, batch.clone());
        let first = usize::try_from(rng.below(QUEUES as u64)).unwrap_or(0);
        let mut places = Vec::new();
        for (at, queue) in self.queues.iter_mut().enumerate() {
            if at == first || rng.one_in(3) {
                places.push((at, queue.planned_end));
                queue.planned_end += Offset::from(records);
            }
        }
        let place = |(at, offset): &(usize, Offset)| Place {
            stream: self.queues[*at].id,
            offset: *offset,
        };
        let deposit = Deposit {
            places: places.iter().map(place).collect(),
            batch,
        };
        change.deposits.push((label, Offset::from(records), places));
        deposit
    }

    /// Settles and gives back something of what is durable in a queue.
    fn settle(&self, rng: &mut Rng, at: usize) -> Option<Settle> {
        let queue = &self.queues[at];
        let offsets: Vec<_> = queue.unsettled.keys().copied().collect();
        let mut settle = Settle::range(queue.id, 0..0);
        settle.settled.clear();
        for _ in 0..rng.between(1, 3) {
            // In order from the head on, or anywhere.
            let start = if rng.one_in(2) {
                *offsets.first()?
            } else {
                *rng.pick(&offsets)?
            };
            let len = if rng.one_in(10) {
                200
            } else {
                rng.between(1, 6)
            };
            let end = (start + Offset::try_from(len).unwrap_or(1)).min(queue.end);
            settle.settled.push(start..end);
        }
        if rng.one_in(3) {
            let offset = *rng.pick(&offsets)?;
            let count = queue.returned.get(&offset).copied().unwrap_or(0) + 1;
            settle.returned.push((offset, count));
        }
        Some(settle)
    }

    /// The oldest commit that was under way is durable.
    pub(crate) fn landed(&mut self) {
        let Some(change) = self.pending.pop_front() else {
            return;
        };
        self.done += 1;
        for (label, records, places) in change.deposits {
            for (at, base) in places {
                let queue = &mut self.queues[at];
                let offsets = base..base + records;
                queue
                    .unsettled
                    .extend(offsets.map(|offset| (offset, (label, base))));
                queue.end = base + records;
            }
        }
        for (at, settle) in change.settles {
            let Queue {
                unsettled,
                returned,
                ..
            } = &mut self.queues[at];
            for offset in settle.settled.into_iter().flatten() {
                unsettled.remove(&offset);
                returned.remove(&offset);
            }
            for (offset, count) in settle.returned {
                if unsettled.contains_key(&offset) {
                    let known = returned.entry(offset).or_default();
                    *known = count.max(*known);
                }
            }
        }
    }

    /// Learns from the cells that were recovered which commits are durable; the others are gone.
    pub(crate) fn recovered(&mut self, cells: Option<&Cells>) -> Result<(), Violation> {
        let key = self.cell_key();
        let mut cells = cells.into_iter().flat_map(|cells| cells.of(Kind::Queue));
        let value = cells.find(|(of, _)| **of == key).map(|(_, value)| value);
        let found = value.map_or(0, |value| {
            value[..].try_into().map_or(u64::MAX, u64::from_be_bytes)
        });
        let last = self.done + self.pending.len() as u64;
        ensure((self.done..=last).contains(&found), "A1", || {
            format!(
                "owner {}: commit {found} is the last, {}..={last} were expected",
                self.key, self.done
            )
        })?;
        while self.done < found {
            self.landed();
        }
        self.pending.clear();
        for queue in &mut self.queues {
            queue.planned_end = queue.end;
        }
        Ok(())
    }

    /// The offsets of a queue, from `from` on, that no commit under way settles either.
    pub(crate) fn wanted(&self, id: StreamId, from: Offset) -> Vec<Offset> {
        let Some(at) = self.queues.iter().position(|queue| queue.id == id) else {
            return Vec::new();
        };
        let settles = self.pending.iter().flat_map(|change| &change.settles);
        let settles: Vec<_> = settles.filter(|(of, _)| *of == at).collect();
        let going = |offset: &Offset| {
            let mut ranges = settles.iter().flat_map(|(_, settle)| &settle.settled);
            ranges.any(|range| range.contains(offset))
        };
        let unsettled = self.queues[at].unsettled.range(from..);
        unsettled
            .map(|(offset, _)| *offset)
            .filter(|offset| !going(offset))
            .collect()
    }

    /// A reader of a queue was given a batch: it is one that was sent.
    pub(crate) fn observed(&self, batch: &Bytes) -> Result<Seen, Violation> {
        let seen = Seen::read(batch).filter(|seen| {
            let sent = self.sent.get(&seen.label);
            sent.is_some_and(|sent| seen.is(sent))
        });
        seen.ok_or_else(|| {
            let detail = format!("owner {}: a reader got what was never sent", self.key);
            Violation::new("A1", detail)
        })
    }
}

impl Queue {
    /// Compares with the cursor that the log has.
    pub(crate) fn check_cursor(&self, cursor: &Cursor) -> Result<(), Violation> {
        let id = self.id;
        let settled = self
            .unsettled
            .keys()
            .find(|offset| cursor.is_settled(**offset));
        ensure(settled.is_none(), "A1", || {
            format!("queue {id}: {settled:?} is settled, and nobody settled it")
        })?;
        let mut again = cursor.unsettled(0..self.end);
        let again = again.find(|offset| !self.unsettled.contains_key(offset));
        ensure(again.is_none(), "A3", || {
            format!("queue {id}: {again:?} was settled and would be delivered again")
        })?;
        let count = cursor.unsettled_count(self.end);
        ensure(count == self.unsettled.len() as u64, "A3", || {
            format!(
                "queue {id}: {count} are counted, {} are there",
                self.unsettled.len()
            )
        })?;
        let wrong = self.unsettled.keys().find(|offset| {
            cursor.returned(**offset) != self.returned.get(offset).copied().unwrap_or(0)
        });
        ensure(wrong.is_none(), "delivery count", || {
            format!(
                "queue {id}: the count of {wrong:?} differs from {:?}",
                self.returned
            )
        })
    }

    /// The first offset that must be readable.
    pub(crate) fn start(&self) -> Offset {
        self.unsettled.keys().next().copied().unwrap_or(self.end)
    }

    /// What was read at `base` is what is unsettled there.
    pub(crate) fn check_batch(&self, base: Offset, seen: &Seen) -> Result<(), Violation> {
        let id = self.id;
        let records = Offset::from(seen.header.last_offset_delta) + 1;
        for (offset, expected) in self.unsettled.range(base..base.saturating_add(records)) {
            ensure(*expected == (seen.label, base), "A1", || {
                format!(
                    "queue {id}: {offset} is of {:?} from {base} on, not of {expected:?}",
                    seen.label
                )
            })?;
        }
        Ok(())
    }
}
