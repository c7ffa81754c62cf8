//! The acknowledgement cursor: which offsets of a stream are settled, and how often the others came back.
//!
//! A queue is a stream that is read through one. *Settled* means that nobody will ever want the
//! message again. All offsets below the *floor* are settled; above it each block of 4,096 offsets has a
//! map of as many bits, from its first settled offset until all of it is. Settling twice is settling
//! once, in any order, so replaying more than a checkpoint knows changes nothing. It does not know
//! where its stream ends: whoever asks says so.

mod map;

use base::{Offset, Packer, Truncated, Unpacker};
use map::Map;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::iter;
use std::ops::Range;

/// Offsets of one map. A map takes 512 bytes, so offsets that are settled at random cost one bit each.
const BLOCK_LEN: Offset = 4096;
/// No offset from here on is ever settled: the end of the last whole block. No log gets so far.
const OFFSETS_END: Offset = Offset::MAX - (BLOCK_LEN - 1);
/// Delivery counts that one cursor remembers (some 6 MiB). A message that comes back when there are so
/// many gets none, and so more tries before it counts as poison than it would have had.
const RETURNED_MAX: usize = 1 << 18;

/// What is settled of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    floor: Offset,
    /// Runs of blocks above the floor that are settled as a whole: first offset, and the one behind the
    /// last. They do not touch each other.
    full: BTreeMap<Offset, Offset>,
    /// Blocks that are settled in part, by their first offset. What lies below the floor counts as settled.
    maps: BTreeMap<Offset, Map>,
    /// Delivery counts of unsettled offsets that came back.
    returned: BTreeMap<Offset, u32>,
}

fn block_of(offset: Offset) -> Offset {
    offset - offset.rem_euclid(BLOCK_LEN)
}

/// The place of an offset in its block, or in the block before where it lies on the border.
fn place(block: Offset, offset: Offset) -> usize {
    usize::try_from((offset - block).clamp(0, BLOCK_LEN)).expect("a block is short")
}

fn offset_at(block: Offset, place: usize) -> Offset {
    block + Offset::try_from(place).expect("a block is short")
}

impl Cursor {
    /// A cursor for a stream whose first unsettled offset is `floor`.
    #[must_use]
    pub fn new(floor: Offset) -> Self {
        Self {
            floor: floor.clamp(0, OFFSETS_END),
            ..Self::default()
        }
    }

    /// The first offset that is not settled.
    #[must_use]
    pub fn floor(&self) -> Offset {
        self.floor
    }

    /// Settles all offsets of a range.
    pub fn settle(&mut self, range: Range<Offset>) {
        let (start, end) = (range.start.max(self.floor), range.end.min(OFFSETS_END));
        if start >= end {
            return;
        }
        if !self.returned.is_empty() {
            self.returned
                .extract_if(start..end, |_, _| true)
                .for_each(drop);
        }
        if start == self.floor {
            self.floor = end;
            self.rise();
            return;
        }
        let mut at = start;
        while at < end {
            let block = block_of(at);
            if at == block && end - block >= BLOCK_LEN {
                at = block_of(end);
                self.fill(block..at);
            } else {
                let to = end.min(block + BLOCK_LEN);
                self.mark(block, at..to);
                at = to;
            }
        }
    }

    /// Notes that an unsettled offset came back for the `count`th time. Counts only grow; settled
    /// offsets have none.
    pub fn note_returned(&mut self, offset: Offset, count: u32) {
        if count == 0 || !(0..OFFSETS_END).contains(&offset) || self.is_settled(offset) {
            return;
        }
        let has_room = self.returned.len() < RETURNED_MAX;
        match self.returned.entry(offset) {
            Entry::Occupied(mut known) => {
                let count = count.max(*known.get());
                known.insert(count);
            }
            Entry::Vacant(place) if has_room => {
                place.insert(count);
            }
            Entry::Vacant(_) => {}
        }
    }

    /// How often an offset came back.
    #[must_use]
    pub fn returned(&self, offset: Offset) -> u32 {
        self.returned.get(&offset).copied().unwrap_or(0)
    }

    /// Whether an offset is settled.
    #[must_use]
    pub fn is_settled(&self, offset: Offset) -> bool {
        self.next_unsettled(offset) > offset
    }

    /// Whether all offsets of a range are settled.
    #[must_use]
    pub fn are_settled(&self, range: Range<Offset>) -> bool {
        self.next_unsettled(range.start) >= range.end
    }

    /// The first unsettled offset at or after `from`. The stream may end before it.
    #[must_use]
    pub fn next_unsettled(&self, from: Offset) -> Offset {
        let mut at = from.max(self.floor);
        loop {
            if let Some(end) = self.full_until(at) {
                at = end;
                continue;
            }
            let block = block_of(at);
            let Some(map) = self.maps.get(&block) else {
                return at;
            };
            match map.next_unset(place(block, at)) {
                Some(unset) => return offset_at(block, unset),
                None => at = block + BLOCK_LEN,
            }
        }
    }

    /// The unsettled offsets of a range, ascending.
    pub fn unsettled(&self, range: Range<Offset>) -> impl Iterator<Item = Offset> {
        let inside = move |offset: &Offset| *offset < range.end;
        let next = |offset: &Offset| Some(self.next_unsettled(offset.checked_add(1)?));
        iter::successors(Some(self.next_unsettled(range.start)), next).take_while(inside)
    }

    /// How many offsets below `end`, the stream's end, are not settled.
    #[must_use]
    pub fn unsettled_count(&self, end: Offset) -> u64 {
        let full = self.full.range(..end.max(self.floor));
        let full: Offset = full.map(|(start, to)| end.min(*to) - start).sum();
        let maps = self.maps.range(..end.max(self.floor));
        let marked: usize = maps
            .map(|(block, map)| map.count(place(*block, self.floor), place(*block, end)))
            .sum();
        let span = u64::try_from(end.saturating_sub(self.floor)).unwrap_or(0);
        span.saturating_sub(u64::try_from(full).unwrap_or(0) + marked as u64)
    }

    /// About how much memory it takes, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        /// A key, a value of a word and the tree's own share.
        const NODE_BYTES: usize = 24;
        let nodes = self.full.len() + self.maps.len() + self.returned.len();
        size_of::<Self>() + nodes * NODE_BYTES + self.maps.len() * Map::BYTES
    }

    /// The end of the run of full blocks that `offset` lies in.
    fn full_until(&self, offset: Offset) -> Option<Offset> {
        let (_, end) = self.full.range(..=offset).next_back()?;
        (*end > offset).then_some(*end)
    }

    /// Settles a part of a block that lies above the floor.
    fn mark(&mut self, block: Offset, range: Range<Offset>) {
        if self.full_until(block).is_some() {
            return;
        }
        let below = place(block, self.floor);
        let map = self.maps.entry(block).or_insert_with(|| {
            let mut map = Map::default();
            map.set(0..below);
            map
        });
        map.set(place(block, range.start)..place(block, range.end));
        if map.is_full() {
            self.fill(block..block + BLOCK_LEN);
        }
    }

    /// Settles whole blocks that lie above the floor.
    fn fill(&mut self, blocks: Range<Offset>) {
        self.maps
            .extract_if(blocks.clone(), |_, _| true)
            .for_each(drop);
        let Range { mut start, mut end } = blocks;
        if let Some((before, until)) = self.full.range(..=start).next_back()
            && *until >= start
        {
            start = *before;
        }
        while let Some((touching, until)) = self.full.range(start..=end).next() {
            end = end.max(*until);
            let touching = *touching;
            self.full.remove(&touching);
        }
        self.full.insert(start, end);
    }

    /// Moves the floor, below which all is settled, over what is settled above it.
    fn rise(&mut self) {
        loop {
            while let Some(run) = self.full.first_entry()
                && *run.key() <= self.floor
            {
                self.floor = self.floor.max(run.remove());
            }
            let block = block_of(self.floor);
            while self
                .maps
                .first_entry()
                .is_some_and(|map| *map.key() < block)
            {
                self.maps.pop_first();
            }
            let Some(map) = self.maps.get_mut(&block) else {
                return;
            };
            let below = place(block, self.floor);
            map.set(0..below);
            let Some(unset) = map.next_unset(below) else {
                self.maps.remove(&block);
                self.floor = block + BLOCK_LEN;
                continue;
            };
            self.floor = offset_at(block, unset);
            if map.len() == unset {
                self.maps.remove(&block);
            }
            return;
        }
    }

    /// Writes it as part of a checkpoint (`docs/formats/checkpoint.md`).
    pub(crate) fn pack(&self, packer: &mut Packer) {
        packer.i64(self.floor).count(self.full.len());
        for (start, end) in &self.full {
            packer.i64(*start).i64(*end);
        }
        packer.count(self.maps.len());
        for (block, map) in &self.maps {
            packer.i64(*block);
            map.words().for_each(|word| {
                packer.u64(word);
            });
        }
        packer.count(self.returned.len());
        for (offset, count) in &self.returned {
            packer.i64(*offset).u32(*count);
        }
    }

    /// Reads what [`Self::pack`] wrote. The error also stands for what no cursor looks like.
    pub(crate) fn unpack(input: &mut Unpacker) -> Result<Self, Truncated> {
        let floor = input.i64()?;
        let mut cursor = Self::new(floor);
        let mut sound = cursor.floor == floor;
        // Settled ranges come back as they went only where they are what a cursor keeps.
        for _ in 0..input.count(16)? {
            let (start, end) = (input.i64()?, input.i64()?);
            sound &= start > floor && start < end && end <= OFFSETS_END;
            sound &= start % BLOCK_LEN == 0 && end % BLOCK_LEN == 0;
            let last = cursor.full.last_key_value();
            sound &= last.is_none_or(|(_, before)| *before < start);
            cursor.full.insert(start, end);
        }
        for _ in 0..input.count(8 + Map::BYTES)? {
            let block = input.i64()?;
            let map = Map::of(|| input.u64())?;
            sound &= block % BLOCK_LEN == 0 && (0..OFFSETS_END).contains(&block);
            sound = sound && block + BLOCK_LEN > floor && cursor.full_until(block).is_none();
            let below = if sound { place(block, floor) } else { 0 };
            sound &= map
                .next_unset(0)
                .is_some_and(|unset| below == 0 || unset == below);
            sound &= map.len() > below;
            let last = cursor.maps.last_key_value();
            sound &= last.is_none_or(|(before, _)| *before < block);
            cursor.maps.insert(block, map);
        }
        for _ in 0..input.count(12)? {
            let (offset, count) = (input.i64()?, input.u32()?);
            let known = cursor.returned.len();
            if !sound {
                break;
            }
            cursor.note_returned(offset, count);
            sound = cursor.returned.len() == known + 1;
        }
        if sound { Ok(cursor) } else { Err(Truncated) }
    }
}

#[cfg(test)]
mod tests;
