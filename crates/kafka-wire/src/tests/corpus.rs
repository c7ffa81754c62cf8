//! The fuzzers' seeds pass through the fuzzers' functions.
//!
//! `cargo test -p kafka-wire -- --ignored write_seeds` writes the generated ones anew; what a fuzzer
//! finds is added to the same folders by hand.

use std::fs;
use std::path::PathBuf;

use bytes::{Buf, Bytes};

use super::{AnyMessage, sample};
use crate::api::ApiRequest;
use crate::arbitrary::{Arbitrary, Shape, message};
use crate::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, encode_versioned,
};
use crate::header::encode_request;
use crate::messages::api_versions::ApiVersionsRequest;
use crate::messages::fetch::FetchRequest;
use crate::messages::metadata::MetadataRequest;
use crate::messages::produce::ProduceRequest;

/// Shapes that fill every kind of field but keep a seed small.
const SEED: u64 = 2;

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target)
}

fn replay(target: &str, at_least: usize, run: impl Fn(&[u8])) {
    let seeds = fs::read_dir(folder(target))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let replayed = seeds.map(|path| run(&fs::read(path).unwrap())).count();
    assert!(replayed >= at_least, "{target} has {replayed} seeds only");
}

#[test]
fn seeds_of_requests_pass() {
    replay("kafka_request", 60, crate::fuzz::request);
}

#[test]
fn seeds_of_responses_pass() {
    replay("kafka_response", 53, crate::fuzz::response);
}

#[test]
fn seeds_of_the_consumer_protocol_pass() {
    replay("kafka_consumer_protocol", 8, crate::fuzz::consumer_protocol);
}

fn write(target: &str, name: &str, seed: &[u8]) {
    fs::create_dir_all(folder(target)).unwrap();
    fs::write(folder(target).join(name), seed).unwrap();
}

/// A request without its length.
fn frame<R: ApiRequest + Arbitrary + Default>(version: i16, shape: Shape) -> Vec<u8> {
    let body: R = message(SEED, version, shape);
    let mut frame = encode_request(version, 1, Some("fuzz"), &body)
        .unwrap()
        .into_bytes();
    frame.advance(4);
    frame.to_vec()
}

fn write_api<R: ApiRequest + Arbitrary + Default>()
where
    R::Response: AnyMessage,
{
    for version in [*R::VERSIONS.start(), *R::VERSIONS.end()] {
        let name = format!("{}-v{version}", R::KEY.name());
        write("kafka_request", &name, &frame::<R>(version, Shape::Mixed));
        let mut response = vec![
            u8::try_from(R::KEY.code()).unwrap(),
            u8::try_from(version).unwrap(),
        ];
        response.extend_from_slice(&sample::<R::Response>(SEED, version, Shape::Mixed));
        write("kafka_response", &name, &response);
    }
}

fn write_consumer_protocol<M: AnyMessage>() {
    for version in M::VERSIONS {
        let message: M = message(SEED, version, Shape::Mixed);
        let bytes = encode_versioned(&message, version).unwrap().into_bytes();
        write(
            "kafka_consumer_protocol",
            &format!("{}-v{version}", M::NAME),
            &bytes,
        );
    }
}

/// Frames that have brought brokers down, or might.
fn nasty() -> Vec<(&'static str, Vec<u8>)> {
    let dense = |depth| Shape::Dense { depth, count: 300 };
    let mut unknown_version = frame::<ApiVersionsRequest>(4, Shape::Mixed);
    unknown_version[3] = 99;
    let mut truncated = frame::<FetchRequest>(18, Shape::Mixed);
    truncated.truncate(truncated.len() / 2);
    let metadata = b"\0\x03\0\x01\0\0\0\x01\xff\xff";
    let many_tags = b"\0\x12\0\x04\0\0\0\x01\xff\xff\xff\xff\xff\xff\x0f\0\0\0\0\0\0";
    vec![
        ("nasty-empty", Vec::new()),
        ("nasty-half-a-header", b"\0\x12\0\x04\0".to_vec()),
        (
            "nasty-unknown-api",
            b"\x7f\xff\0\0\0\0\0\x01\xff\xff".to_vec(),
        ),
        ("nasty-unknown-version", unknown_version),
        (
            "nasty-negative-version",
            b"\0\x12\xff\xff\0\0\0\x01\xff\xff".to_vec(),
        ),
        ("nasty-truncated-fetch", truncated),
        (
            "nasty-two-billion-topics",
            [metadata, &b"\x7f\xff\xff\xff"[..]].concat(),
        ),
        (
            "nasty-negative-count",
            [metadata, &b"\x80\0\0\0"[..]].concat(),
        ),
        ("nasty-two-billion-tags", many_tags.to_vec()),
        ("nasty-dense-topics", frame::<MetadataRequest>(13, dense(0))),
        (
            "nasty-dense-partitions",
            frame::<ProduceRequest>(13, dense(1)),
        ),
    ]
}

#[test]
#[ignore = "writes the seeds under fuzz/corpus"]
fn write_seeds() {
    macro_rules! each {
        ($(($api:ident, $module:ident, $request:ident, $response:ident))*) => {
            $(write_api::<crate::messages::$module::$request>();)*
        };
    }
    crate::api::for_each_api!(each);
    write_consumer_protocol::<ConsumerProtocolSubscription>();
    write_consumer_protocol::<ConsumerProtocolAssignment>();
    for (name, seed) in nasty() {
        write("kafka_request", name, &seed);
        crate::fuzz::request(&Bytes::from(seed));
    }
}
