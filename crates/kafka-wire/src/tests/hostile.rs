//! Bytes that are no message give an error, not a panic.

use bytes::Bytes;

use super::{AnyMessage, Check, for_every_message, sample};
use crate::arbitrary::{Shape, Source};
use crate::error::DecodeError;

struct Prefixes;

impl Check for Prefixes {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        for seed in 0..3 {
            let bytes = sample::<M>(seed, version, Shape::Mixed);
            for len in 0..bytes.len().min(800) {
                let read = M::decode(&bytes.slice(..len), version);
                assert!(
                    read.is_err(),
                    "{} {version}, seed {seed}: {len} bytes",
                    M::NAME
                );
            }
        }
    }
}

#[test]
fn every_prefix_of_a_message_is_an_error() {
    for_every_message(&mut Prefixes);
}

struct Appended;

impl Check for Appended {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        let mut bytes = sample::<M>(1, version, Shape::Mixed).to_vec();
        let at = bytes.len();
        bytes.push(0);
        let read = M::decode(&Bytes::from(bytes), version);
        assert_eq!(
            read,
            Err(DecodeError::Trailing { at, extra: 1 }),
            "{} {version}",
            M::NAME
        );
    }
}

#[test]
fn bytes_after_a_message_are_an_error() {
    for_every_message(&mut Appended);
}

struct Garbage;

impl Check for Garbage {
    fn check<M: AnyMessage>(&mut self, version: i16) {
        let mut random = Source::new(7, M::format(version), Shape::Mixed);
        for _ in 0..200 {
            let len = random.below(80);
            let noise: Vec<u8> = (0..len).map(|_| random.number().to_le_bytes()[0]).collect();
            let _ = M::decode(&Bytes::from(noise), version);
            // Small bytes make plausible lengths, and so reach further.
            let small: Vec<u8> = (0..len)
                .map(|_| random.number().to_le_bytes()[0] % 4)
                .collect();
            let _ = M::decode(&Bytes::from(small), version);
        }
        let whole = sample::<M>(3, version, Shape::Mixed);
        for _ in 0..200 {
            let mut bytes = whole.to_vec();
            if let Some(byte) = bytes.get_mut(random.below(whole.len().max(1))) {
                *byte = random.number().to_le_bytes()[0];
            }
            let _ = M::decode(&Bytes::from(bytes), version);
        }
    }
}

#[test]
fn garbage_never_panics() {
    for_every_message(&mut Garbage);
}
