//! Kafka's 128-bit identifiers of topics and directories (KIP-516).

use std::fmt;

/// An identifier of 16 bytes; all zeros means none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// No identifier.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is no identifier.
    #[inline]
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl From<u128> for Uuid {
    fn from(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

impl From<Uuid> for u128 {
    fn from(uuid: Uuid) -> Self {
        Self::from_be_bytes(uuid.0)
    }
}

impl fmt::Display for Uuid {
    /// URL-safe base 64 without padding, 22 characters, as Kafka prints topic ids.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for group in self.0.chunks(3) {
            let mut bits = 0_u32;
            for at in 0..3 {
                bits = (bits << 8) | u32::from(group.get(at).copied().unwrap_or(0));
            }
            for digit in 0..=group.len() {
                let index = ((bits >> (18 - 6 * digit)) & 63) as usize;
                write!(f, "{}", char::from(ALPHABET[index]))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Uuid;

    #[test]
    fn identifiers_print_as_kafka_prints_them() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
        assert_eq!(Uuid::from(1).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
    }

    #[test]
    fn identifiers_are_numbers_too() {
        assert_eq!(u128::from(Uuid::from(77)), 77);
        assert!(Uuid::default().is_zero());
    }
}
