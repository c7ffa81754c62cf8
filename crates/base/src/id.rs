//! Identifiers of the core.

use std::fmt;

/// A position in a stream: dense, monotonic, starting at 0 (Kafka's *offset*).
pub type Offset = i64;

/// One append-only sequence of record batches: a Kafka partition, or the messages of an AMQP queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// A group of streams and coordinators that is owned by exactly one node at a time and moves as a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// The ordinal of an ownership of a shard. Kafka clients see it as the *leader epoch*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// One start of one process, named by a ULID: 48 bits of milliseconds, 80 bits of randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u128);

impl Incarnation {
    /// Builds a ULID from the wall clock (milliseconds since 1970) and 80 random bits.
    #[must_use]
    pub fn new(unix_ms: u64, random: u128) -> Self {
        const RANDOM_BITS: u32 = 80;
        Self((u128::from(unix_ms) << RANDOM_BITS) | (random & ((1 << RANDOM_BITS) - 1)))
    }
}

impl fmt::Display for Incarnation {
    /// Crockford's base 32, 26 characters, as the ULID specification wants it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        for digit in (0..26).rev() {
            let index = ((self.0 >> (5 * digit)) & 31) as usize;
            write!(f, "{}", char::from(ALPHABET[index]))?;
        }
        Ok(())
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Incarnation;

    #[test]
    fn ulids_print_as_the_specification_says() {
        let ulid = Incarnation::new(1_469_918_176_385, 0x4d65_8f1f_0b1c_93d5_a0c1);
        assert_eq!(ulid.to_string().len(), 26);
        assert!(ulid.to_string().starts_with("01ARYZ6S41"));
        assert_eq!(
            Incarnation(u128::MAX).to_string(),
            "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
        );
    }
}
