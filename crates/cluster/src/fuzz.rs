//! What the fuzzers under `fuzz/` do with the catalog's and the identity's formats. `cargo test`
//! replays their corpus through the same functions.
//!
//! No input makes a decoder panic. A function here panics only where a promise is broken: what was
//! read can be written, and reads back as the same.

use bytes::Bytes;

use crate::identity::{pack, read};
use crate::topic::Topic;
use crate::topology::{Binding, Exchange, Permission, Queue, User};
use base::Truncated;
use std::fmt::Debug;

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

/// Takes the first byte for a class of the topology, the second for the length of a cell's key, and the rest for that
/// key and the cell's value.
///
/// # Panics
/// Where a value does not read back.
pub fn catalog_topology(input: &[u8]) {
    let [class, len, rest @ ..] = input else {
        return;
    };
    let Some((key, value)) = rest.split_at_checked(usize::from(*len)) else {
        return;
    };
    let cell = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    match class % 5 {
        0 => again(cell, Exchange::unpack, |read| (read.key(), read.pack())),
        1 => again(cell, Queue::unpack, |read| (read.key(), read.pack())),
        2 => again(cell, Binding::unpack, |read| (read.key(), Binding::pack())),
        3 => again(cell, User::unpack, |read| {
            (Bytes::copy_from_slice(read.name.as_bytes()), read.pack())
        }),
        _ => again(cell, Permission::unpack, |read| {
            (Permission::key(&read.user, &read.vhost), read.pack())
        }),
    }
}

/// What can be read can be written, and reads back as the same.
fn again<T: PartialEq + Debug>(
    (key, value): (Bytes, Bytes),
    unpack: fn(Bytes, Bytes) -> Result<T, Truncated>,
    pack: fn(&T) -> (Bytes, Bytes),
) {
    if let Ok(read) = unpack(key, value) {
        let (key, value) = pack(&read);
        assert_eq!(unpack(key, value), Ok(read));
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
    use super::{catalog_topic, catalog_topology, identity};

    #[test]
    fn topics() {
        replay("catalog_topic", 4, catalog_topic);
    }

    #[test]
    fn topologies() {
        replay("catalog_topology", 7, catalog_topology);
    }

    #[test]
    fn identities() {
        replay("identity", 4, identity);
    }
}
