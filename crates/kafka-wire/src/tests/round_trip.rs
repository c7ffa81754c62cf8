//! What is written is read again.

use super::{AnyMessage, Check, for_every_message};
use crate::arbitrary::{Shape, message};

const SEEDS: u64 = 50;

struct RoundTrip {
    messages: usize,
}

impl Check for RoundTrip {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        for seed in 0..SEEDS {
            let message: M = message(seed, version, Shape::Mixed);
            let bytes = message.encode(version).unwrap().into_bytes();
            let name = M::NAME;
            assert_eq!(
                M::decode(&bytes, version),
                Ok(message),
                "{name} {version}, seed {seed}"
            );
        }
        self.messages += 1;
    }
}

#[test]
fn every_message_survives_every_version() {
    let mut check = RoundTrip { messages: 0 };
    for_every_message(&mut check);
    assert_eq!(
        check.messages,
        2 * 186 + 8,
        "requests and responses, and the consumers' own"
    );
}

struct OtherVersions;

impl Check for OtherVersions {
    /// A value of the newest version loses fields in an older one, and nothing else: what the older
    /// one reads, it writes to the same bytes.
    fn check<M: AnyMessage>(&mut self, version: i16) {
        for seed in 0..SEEDS {
            let newest: M = message(seed, *M::VERSIONS.end(), Shape::Mixed);
            let bytes = newest.encode(version).unwrap().into_bytes();
            let name = M::NAME;
            let read = M::decode(&bytes, version)
                .unwrap_or_else(|error| panic!("{name} {version}, seed {seed}: {error}"));
            assert_eq!(
                read.encode(version).unwrap().into_bytes(),
                bytes,
                "{name} {version}"
            );
        }
    }
}

#[test]
fn what_a_version_lacks_is_left_out() {
    for_every_message(&mut OtherVersions);
}

struct Absent;

impl Check for Absent {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        if version > *M::VERSIONS.start() {
            return;
        }
        for version in [version - 1, *M::VERSIONS.end() + 1] {
            assert!(M::decode(&bytes::Bytes::new(), version).is_err());
            assert!(M::default().encode(version).is_err());
        }
    }
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    for_every_message(&mut Absent);
}
