//! Another implementation of the protocol, the crate `kafka-protocol`, reads what we write and writes
//! the same bytes.

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable, Message as Oracle};

use super::AnyMessage;
use crate::arbitrary::{Shape, Source, message};

const SEEDS: u64 = 40;

/// The versions of a message that the other implementation knows; returns how many there are.
fn compare<M: AnyMessage, O: Oracle + Encodable + Decodable>() -> usize {
    let oldest = (*M::VERSIONS.start()).max(O::VERSIONS.min);
    let newest = (*M::VERSIONS.end()).min(O::VERSIONS.max);
    for version in oldest..=newest {
        for seed in 0..SEEDS {
            let place = format!("{} {version}, seed {seed}", M::NAME);
            let ours: M = message(seed, version, Shape::Mixed);
            let bytes = ours.encode(version).unwrap().into_bytes();

            let mut input = bytes.clone();
            let theirs = O::decode(&mut input, version)
                .unwrap_or_else(|error| panic!("{place}: {error} in {ours:?}"));
            assert!(
                input.is_empty(),
                "{place}: {} bytes were not read",
                input.len()
            );
            let mut written = BytesMut::new();
            theirs
                .encode(&mut written, version)
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(written, bytes, "{place}: {ours:?}");
            assert_eq!(M::decode(&written.freeze(), version), Ok(ours), "{place}");

            agree_on_errors::<M, O>(&bytes, version, seed);
        }
    }
    usize::try_from(newest - oldest + 1).unwrap_or(0)
}

/// What we read of a damaged message, the other implementation reads too, and writes alike.
fn agree_on_errors<M: AnyMessage, O: Oracle + Encodable + Decodable>(
    bytes: &Bytes,
    version: i16,
    seed: u64,
) {
    let mut random = Source::new(seed, M::format(version), Shape::Mixed);
    for _ in 0..20 {
        let mut damaged = bytes.to_vec();
        let Some(at) = damaged
            .len()
            .checked_sub(1)
            .map(|last| random.below(last + 1))
        else {
            return;
        };
        damaged[at] = random.number().to_le_bytes()[0] % 4;
        let damaged = Bytes::from(damaged);
        let Ok(ours) = M::decode(&damaged, version) else {
            continue;
        };
        let read = match O::decode(&mut damaged.clone(), version) {
            // KIP-482 has readers pass over tags that they do not know; `kafka-protocol` refuses those
            // that it knows in other versions only.
            Err(error) if error.to_string().contains("is not valid for version") => continue,
            read => read.unwrap_or_else(|error| panic!("{} {version}: {error}", M::NAME)),
        };
        let mut theirs = BytesMut::new();
        read.encode(&mut theirs, version)
            .unwrap_or_else(|error| panic!("{} {version}: {error} in {ours:?}", M::NAME));
        let again = ours.encode(version).unwrap().into_bytes();
        assert_eq!(
            M::decode(&theirs.freeze(), version),
            M::decode(&again, version)
        );
    }
}

macro_rules! compare_all {
    ($(($api:ident, $module:ident, $request:ident, $response:ident))*) => {
        $(
            mod $module {
                use crate::messages::$module as ours;
                use kafka_protocol::messages as theirs;

                #[test]
                fn requests_agree() {
                    assert_ne!(super::compare::<ours::$request, theirs::$request>(), 0);
                }

                #[test]
                fn responses_agree() {
                    assert_ne!(super::compare::<ours::$response, theirs::$response>(), 0);
                }
            }
        )*
    };
}

crate::api::for_each_api!(compare_all);

#[test]
fn consumer_protocols_agree() {
    use crate::consumer_protocol as ours;
    use kafka_protocol::messages as theirs;
    type Subscription = theirs::ConsumerProtocolSubscription;
    type Assignment = theirs::ConsumerProtocolAssignment;
    assert_eq!(
        compare::<ours::ConsumerProtocolSubscription, Subscription>(),
        4
    );
    assert_eq!(compare::<ours::ConsumerProtocolAssignment, Assignment>(), 4);
}
