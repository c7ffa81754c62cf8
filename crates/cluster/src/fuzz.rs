//! What the fuzzers under `fuzz/` do with the catalog's and the identity's formats. `cargo test`
//! replays their corpus through the same functions.
//!
//! No input makes a decoder panic. A function here panics only where a promise is broken: what was
//! read can be written, and reads back as the same.

use bytes::Bytes;

use crate::identity::{pack, read};
use crate::topic::Topic;

/// Takes the first byte for the length of a topic's name, and the rest for that name and the
/// topic's value in the catalog.
///
/// # Panics
/// Where a topic does not read back.
pub fn catalog_topic(input: &[u8]) {
    let Some((len, rest)) = input.split_first() else {
        return;
    };
    let Some((name, value)) = rest.split_at_checked(usize::from(*len)) else {
        return;
    };
    let name = String::from_utf8_lossy(name).into_owned();
    if let Ok(topic) = Topic::unpack(name.clone(), &Bytes::copy_from_slice(value)) {
        assert_eq!(Topic::unpack(name, &topic.pack()), Ok(topic));
    }
}

/// Takes the input for the object `cluster`, as it is and with a checksum that fits, because damage
/// hardly ever gets past that.
///
/// # Panics
/// Where an identity does not read back.
pub fn identity(input: &[u8]) {
    /// Magic, checksum and length of the body.
    const HEADER_LEN: usize = 12;
    let mut sealed = input.to_vec();
    if let Some((header, body)) = sealed.split_at_mut_checked(HEADER_LEN) {
        let declared = header
            .last_chunk()
            .map_or(0, |len| u32::from_le_bytes(*len));
        let body = body.get(..declared as usize).unwrap_or_default();
        header[4..8].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    }
    for object in [Bytes::copy_from_slice(input), sealed.into()] {
        if let Ok((cluster_id, shards)) = read(object) {
            let again = read(pack(&cluster_id, shards));
            assert!(again.is_ok_and(|again| again == (cluster_id, shards)));
        }
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::{catalog_topic, identity};

    #[test]
    fn topics() {
        replay("catalog_topic", 4, catalog_topic);
    }

    #[test]
    fn identities() {
        replay("identity", 4, identity);
    }
}
