//! What the fuzzers under `fuzz/` do with the entries of groups. `cargo test` replays their corpus
//! through the same functions.
//!
//! No input makes the decoder panic. A function here panics only where a promise is broken: what was
//! read can be written, and reads back as the same.

use bytes::Bytes;

use crate::groups::{Entry, reread};

/// Takes the first byte for the length of an entry's key, the second for whether a value follows
/// (0: it is a tombstone), and the rest for key and value.
///
/// # Panics
/// Where an entry does not read back.
pub fn group_entry(input: &[u8]) {
    let Some((&[key_len, present], rest)) = input.split_first_chunk::<2>() else {
        return;
    };
    let Some((key, value)) = rest.split_at_checked(usize::from(key_len)) else {
        return;
    };
    let entry = Entry {
        key: Bytes::copy_from_slice(key),
        value: (present != 0).then(|| Bytes::copy_from_slice(value)),
    };
    // A malformed entry is an error, and nothing more.
    let _ = reread(entry);
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::group_entry;
    use super::replay::replay;

    #[test]
    fn group_entries() {
        replay("group_entry", 6, group_entry);
    }
}
