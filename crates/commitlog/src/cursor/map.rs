//! A block's bits: which of its 4,096 offsets are settled.

use super::BLOCK_LEN;
use std::ops::Range;

const WORD_BITS: usize = u64::BITS as usize;
const BITS: usize = 4096;
const WORDS: usize = BITS / WORD_BITS;
const _: () = assert!(BITS as i64 == BLOCK_LEN, "one bit for each offset");

/// The bits of a block, on the heap: a cursor holds them in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map(Box<[u64; WORDS]>);

impl Default for Map {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

/// The bits of `range` that lie in the word with this number.
fn mask(word: usize, range: &Range<usize>) -> u64 {
    let start = range.start.clamp(word * WORD_BITS, (word + 1) * WORD_BITS) - word * WORD_BITS;
    let end = range.end.clamp(word * WORD_BITS, (word + 1) * WORD_BITS) - word * WORD_BITS;
    let below = |bits: usize| match bits {
        WORD_BITS => u64::MAX,
        bits => (1 << bits) - 1,
    };
    below(end) & !below(start)
}

impl Map {
    /// Memory of one, in bytes.
    pub(super) const BYTES: usize = BITS / 8;

    /// Makes one of words that are given one after the other.
    pub(super) fn of<E>(mut next: impl FnMut() -> Result<u64, E>) -> Result<Self, E> {
        let mut map = Self::default();
        for word in &mut *map.0 {
            *word = next()?;
        }
        Ok(map)
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    pub(super) fn set(&mut self, range: Range<usize>) {
        for word in range.start / WORD_BITS..range.end.div_ceil(WORD_BITS) {
            self.0[word] |= mask(word, &range);
        }
    }

    /// How many bits are set.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.iter().all(|word| *word == u64::MAX)
    }

    /// How many bits are set from `start` on and before `end`.
    pub(super) fn count(&self, start: usize, end: usize) -> usize {
        let words = self.0.iter().enumerate();
        let inside = words.map(|(at, word)| word & mask(at, &(start..end.max(start))));
        inside.map(|word| word.count_ones() as usize).sum()
    }

    /// The first bit from `from` on that is not set.
    pub(super) fn next_unset(&self, from: usize) -> Option<usize> {
        (from / WORD_BITS..WORDS).find_map(|at| {
            let unset = !self.0[at] & mask(at, &(from..BITS));
            (unset != 0).then(|| at * WORD_BITS + unset.trailing_zeros() as usize)
        })
    }
}
