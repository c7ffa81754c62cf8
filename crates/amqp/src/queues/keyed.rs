//! Maps whose keys are small numbers that we gave out ourselves.
//!
//! Nobody outside chooses the keys, so a multiplication spreads them well enough, and costs a tenth of
//! what a hash costs that withstands chosen keys.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are numbers of ours.
pub(crate) type KeyedMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;
/// A set of numbers of ours.
pub(crate) type KeyedSet<K> = HashSet<K, BuildHasherDefault<NumberHasher>>;

/// An odd number without a pattern (the golden ratio's fraction), so that neighbours part.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        // The map takes its bits from both ends.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(SPREAD);
    }
}

#[cfg(test)]
mod tests {
    use super::KeyedSet;
    use crate::mail::Position;

    #[test]
    fn neighbouring_positions_are_told_apart() {
        let mut set = KeyedSet::default();
        for level in 0..4 {
            for offset in 0..10_000 {
                assert!(set.insert(Position { level, offset }));
            }
        }
        assert_eq!(set.len(), 40_000);
    }
}
