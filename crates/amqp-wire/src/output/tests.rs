use std::io::IoSlice;

use bytes::{Buf, Bytes};

use super::{COPY_MAX, Output};
use crate::methods::basic;
use crate::properties::{Properties, RawProperties};
use crate::short_str::ShortStr;

const FRAME_MAX: u32 = 131_072;

fn body(len: usize) -> Bytes {
    let octets: [u8; 251] = std::array::from_fn(|n| n.to_le_bytes()[0]);
    let mut body = octets.repeat(len / octets.len() + 1);
    body.truncate(len);
    body.into()
}

fn sample() -> Output {
    let mut output = Output::default();
    output.heartbeat();
    for len in [0, 100, 2 * COPY_MAX, 7, 140_000] {
        output
            .content(1, RawProperties::EMPTY, &body(len), FRAME_MAX)
            .unwrap();
    }
    output
}

fn bytes_of(output: &Output) -> Vec<u8> {
    output.chunks().collect::<Vec<_>>().concat()
}

#[test]
fn a_delivery_in_bytes() {
    let deliver = basic::Deliver {
        consumer_tag: ShortStr::literal("ct"),
        delivery_tag: 5,
        redelivered: true,
        exchange: ShortStr::literal("e"),
        routing_key: ShortStr::literal("key"),
    };
    let properties = Properties {
        delivery_mode: Some(2),
        ..Properties::default()
    };
    let properties = properties.to_bytes().unwrap();
    let mut output = Output::with_capacity(100);
    output.method(3, &deliver).unwrap();
    output
        .content(
            3,
            RawProperties::new(&properties),
            &Bytes::from_static(b"hello"),
            0,
        )
        .unwrap();
    let expected = b"\
        \x01\0\x03\0\0\0\x16\0\x3c\0\x3c\x02ct\0\0\0\0\0\0\0\x05\x01\x01e\x03key\xce\
        \x02\0\x03\0\0\0\x0f\0\x3c\0\0\0\0\0\0\0\0\0\x05\x10\0\x02\xce\
        \x03\0\x03\0\0\0\x05hello\xce";
    assert_eq!(bytes_of(&output), expected);
}

#[test]
fn large_bodies_are_shared_and_small_ones_are_not() {
    let check = |len: usize, frame_max: u32, chunks: usize| {
        let body = body(len);
        let mut output = Output::default();
        output
            .content(1, RawProperties::EMPTY, &body, frame_max)
            .unwrap();
        assert_eq!(output.chunks().count(), chunks, "{len} bytes");
        let range = body.as_ptr_range();
        let shared = output
            .chunks()
            .filter(|chunk| range.contains(&chunk.as_ptr()));
        assert_eq!(shared.count(), chunks / 2);
    };
    check(COPY_MAX, FRAME_MAX, 1);
    check(COPY_MAX + 1, FRAME_MAX, 3);
    check(FRAME_MAX as usize - 8, FRAME_MAX, 3);
    check(2 * FRAME_MAX as usize, FRAME_MAX, 5);
    check(3 * FRAME_MAX as usize, FRAME_MAX, 7);
    // Small frames are copied however many there are.
    check(100_000, 4096, 1);
}

#[test]
fn writing_may_stop_anywhere() {
    let whole = bytes_of(&sample());
    assert_eq!(sample().len(), whole.len());
    let places = (0..300)
        .chain((300..whole.len()).step_by(4999))
        .chain([whole.len()]);
    for written in places {
        let mut output = sample();
        output.advance(written);
        assert_eq!(output.remaining(), whole.len() - written);
        assert_eq!(output.is_empty(), output.chunk().is_empty());
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = output.chunks_vectored(&mut slices);
        assert!(slices[..filled].iter().all(|slice| !slice.is_empty()));
        let seen: Vec<u8> = slices[..filled]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect();
        assert_eq!(seen, whole[written..]);
        // And it goes on growing.
        output.heartbeat();
        assert!(bytes_of(&output).ends_with(b"\x08\0\0\0\0\0\0\xce"));
        assert_eq!(output.len(), whole.len() - written + 8);
    }
}

#[test]
fn the_buffer_is_used_again() {
    let mut output = Output::with_capacity(1024);
    let at = output.buffer().as_ptr();
    for round in 0..1000 {
        output
            .content(1, RawProperties::EMPTY, &body(100), FRAME_MAX)
            .unwrap();
        let len = output.len();
        // In one piece and in two.
        output.advance(len / (1 + round % 2));
        output.advance(output.len());
        assert!(output.is_empty());
    }
    output.heartbeat();
    let range = at..at.wrapping_add(1024);
    assert!(range.contains(&output.chunk().as_ptr()));
}

#[test]
#[should_panic(expected = "advanced by 9 of 8 bytes")]
fn more_than_there_is_cannot_be_written() {
    let mut output = Output::default();
    output.heartbeat();
    output.advance(9);
}
