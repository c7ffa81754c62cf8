//! Which names a topic may have: Kafka's rules.
//!
//! Kafka also refuses a name that differs from another topic's only in `.` and `_`, because it
//! derives metric names from them. Nothing here does, so such names may stand side by side.

/// The longest name, in bytes.
const LEN_MAX: usize = 249;

/// Checks a name.
///
/// # Errors
/// What is wrong, in Kafka's terms.
pub fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("the empty string is not allowed");
    }
    if name == "." || name == ".." {
        return Err("'.' or '..' is not allowed");
    }
    if name.len() > LEN_MAX {
        return Err("the length of the name is longer than the max allowed length 249");
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !name.bytes().all(legal) {
        return Err(
            "it contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn kafkas_rules_hold() {
        for name in ["a", "A.b_c-9", "__consumer_offsets", &"x".repeat(249)] {
            assert_eq!(check(name), Ok(()));
        }
        for name in ["", ".", "..", "a b", "ä", "a/b", "a:b", &"x".repeat(250)] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
