//! What must be true of one stream.

use crate::batch::{Label, Seen};
use crate::violation::{Violation, ensure};
use base::{Offset, StreamId};
use commitlog::Bounds;
use std::collections::{BTreeMap, BTreeSet};

/// How far the removal of a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nobody wants it.
    No,
    /// Asked for and not acknowledged: the stream may be there or not.
    Asked,
    /// Acknowledged: it must be gone for ever.
    Done,
}

/// What is known of a stream.
pub(crate) struct StreamModel {
    pub(crate) id: StreamId,
    pub(crate) removal: Removal,
    /// It was opened once, so it can be written to.
    pub(crate) open: bool,
    /// Bytes beyond which retention may trim.
    pub(crate) retention_bytes: Option<u64>,
    pub(crate) log_append_time: bool,
    /// Batches that were acknowledged or seen, by offset: they must stay there until trimmed.
    known: BTreeMap<Offset, Label>,
    offsets: BTreeMap<Label, Offset>,
    /// What each producer sent and may be stored, in order, and whether it may have been refused
    /// without the producer's learning it.
    sent: BTreeMap<u64, Vec<(u64, bool)>>,
    /// No log start below this: a trim up to here was acknowledged, or seen.
    log_start_min: Offset,
    /// No log start above this, but for retention: a trim up to here was asked for.
    trim_max: Offset,
    /// No end below this.
    end_min: Offset,
}

impl StreamModel {
    pub(crate) fn new(id: StreamId) -> Self {
        Self {
            id,
            removal: Removal::No,
            open: false,
            retention_bytes: None,
            log_append_time: false,
            known: BTreeMap::new(),
            offsets: BTreeMap::new(),
            sent: BTreeMap::new(),
            log_start_min: 0,
            trim_max: 0,
            end_min: 0,
        }
    }

    pub(crate) fn sent_by(&mut self, label: Label, may_be_refused: bool) {
        let sent = self.sent.entry(label.producer).or_default();
        sent.push((label.number, may_be_refused));
    }

    /// A batch was refused: it is not part of its producer's order.
    pub(crate) fn forget(&mut self, label: Label) {
        if let Some(sent) = self.sent.get_mut(&label.producer) {
            sent.retain(|(number, _)| *number != label.number);
        }
    }

    pub(crate) fn offset_of(&self, label: Label) -> Option<Offset> {
        self.offsets.get(&label).copied()
    }

    pub(crate) fn end_min(&self) -> Offset {
        self.end_min
    }

    /// Something acknowledged or seen: from now on it must be there.
    pub(crate) fn know(&mut self, label: Label, offset: Offset) -> Result<(), Violation> {
        let at = *self.known.entry(offset).or_insert(label);
        ensure(at == label, "K3", || {
            format!("stream {}: {offset} held {at:?}, now {label:?}", self.id)
        })?;
        let place = *self.offsets.entry(label).or_insert(offset);
        ensure(place == offset, "K2", || {
            format!(
                "stream {}: {label:?} is at {place} and at {offset}",
                self.id
            )
        })?;
        self.ends_at_least(offset + 1);
        Ok(())
    }

    pub(crate) fn ends_at_least(&mut self, end: Offset) {
        self.end_min = self.end_min.max(end);
    }

    pub(crate) fn trimming(&mut self, offset: Offset) {
        self.trim_max = self.trim_max.max(offset);
    }

    pub(crate) fn trimmed(&mut self, offset: Offset) {
        self.log_start_min = self.log_start_min.max(offset);
    }

    /// Checks what the log says of the stream's ends.
    pub(crate) fn check_bounds(&mut self, bounds: Bounds) -> Result<(), Violation> {
        let (id, start, end) = (self.id, bounds.log_start, bounds.high_watermark);
        ensure(start <= end, "K3", || format!("stream {id}: {bounds:?}"))?;
        ensure(start >= self.log_start_min, "trim", || {
            format!(
                "stream {id} starts at {start}, was trimmed up to {}",
                self.log_start_min
            )
        })?;
        ensure(
            start <= self.trim_max || self.retention_bytes.is_some(),
            "K1",
            || {
                format!(
                    "stream {id} starts at {start}, nobody trimmed beyond {}",
                    self.trim_max
                )
            },
        )?;
        ensure(end >= self.end_min, "K1", || {
            format!("stream {id} ends at {end}, ended at {} once", self.end_min)
        })?;
        self.log_start_min = start;
        self.ends_at_least(end);
        Ok(())
    }

    /// Checks the whole content, as read from the first offset to the last.
    pub(crate) fn check_content(
        &mut self,
        bounds: Bounds,
        content: &[Seen],
    ) -> Result<(), Violation> {
        let id = self.id;
        let mut next = None;
        for seen in content {
            let header = &seen.header;
            let expected = next.unwrap_or(header.base_offset);
            ensure(header.base_offset == expected, "K3", || {
                format!(
                    "stream {id}: {} follows, expected {expected}",
                    header.base_offset
                )
            })?;
            next = Some(seen.next_offset());
        }
        let first = content
            .first()
            .map_or(bounds.high_watermark, |seen| seen.header.base_offset);
        let end = next.unwrap_or(bounds.log_start);
        ensure(
            first <= bounds.log_start && end == bounds.high_watermark,
            "K3",
            || format!("stream {id}: {first}..{end} was read of {bounds:?}"),
        )?;
        let found: BTreeSet<Offset> = content.iter().map(|seen| seen.header.base_offset).collect();
        let gone = self
            .known
            .range(bounds.log_start..)
            .find(|(offset, _)| !found.contains(offset));
        if let Some((offset, label)) = gone {
            return Err(Violation::new(
                "K1",
                format!("stream {id}: {label:?} at {offset} is gone"),
            ));
        }
        self.check_order(bounds, content)
    }

    /// What is stored of a producer is what it sent, in order, without gap or repetition.
    fn check_order(&self, bounds: Bounds, content: &[Seen]) -> Result<(), Violation> {
        let id = self.id;
        let mut stored: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for seen in content {
            stored
                .entry(seen.label.producer)
                .or_default()
                .push(seen.label.number);
        }
        for (producer, numbers) in stored {
            let sent = self
                .sent
                .get(&producer)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let start = sent
                .iter()
                .position(|(number, _)| numbers.first() == Some(number));
            let start = start.unwrap_or(sent.len());
            let mut left = sent[start..].iter();
            let in_order = |number: &u64| {
                left.find(|(sent, may_be_refused)| sent == number || !may_be_refused)
                    .is_some_and(|(sent, _)| sent == number)
            };
            ensure(numbers.iter().all(in_order), "K2", || {
                format!(
                    "stream {id}, producer {producer}: stored {numbers:?} of {:?}",
                    &sent[start..]
                )
            })?;
            let never_stored = sent[..start]
                .iter()
                .all(|(_, may_be_refused)| *may_be_refused);
            ensure(never_stored || bounds.log_start > 0, "K2", || {
                format!(
                    "stream {id}, producer {producer}: {:?} are missing in front of {}",
                    &sent[..start],
                    numbers[0]
                )
            })?;
        }
        Ok(())
    }
}
