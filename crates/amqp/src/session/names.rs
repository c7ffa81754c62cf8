//! Names that the server makes up: `amq.gen-…` for queues, `amq.ctag-…` for consumers.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Digits of base 64 that 128 bits take.
const DIGITS: u32 = 22;

/// A name that begins with `prefix` and ends with these random bits.
pub(crate) fn generated(prefix: &str, random: u128) -> String {
    let mut name = String::with_capacity(prefix.len() + DIGITS as usize);
    name.push_str(prefix);
    for digit in (0..DIGITS).rev() {
        let index = ((random >> (6 * digit)) & 63) as usize;
        name.push(char::from(ALPHABET[index]));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::generated;

    #[test]
    fn all_bits_are_in_a_name() {
        assert_eq!(generated("a-", 0), format!("a-{}", "A".repeat(22)));
        assert_eq!(generated("", u128::MAX), format!("D{}", "_".repeat(21)));
        assert_ne!(generated("", 1), generated("", 2));
    }
}
