//! What is written reads as what it was.

use bytes::{Bytes, BytesMut};

use super::frame_of;
use crate::arbitrary::{Pool, Random};
use crate::content_header::ContentHeader;
use crate::encode::{encode_body, encode_content_header};
use crate::frame::{Frame, FrameKind, RawFrame, decode_frame};
use crate::method::{Method, MethodFields};
use crate::output::Output;
use crate::properties::{Properties, RawProperties};
use crate::table::{RawTable, Table, Value};

#[test]
fn every_method() {
    for seed in 0..200 {
        let pool = Pool::new(seed);
        for method in pool.methods(seed) {
            let frame = frame_of(7, &method);
            assert_eq!((frame.kind, frame.channel), (FrameKind::Method, 7));
            assert_eq!(frame.payload.len(), 4 + method.size());
            assert_eq!(
                Method::decode(&frame.payload),
                Ok(method),
                "{}",
                method.info()
            );
        }
    }
}

#[test]
fn properties() {
    for seed in 0..2000 {
        let pool = Pool::new(seed / 50);
        let properties = pool.properties(seed);
        let bytes = properties.to_bytes().unwrap();
        assert_eq!(bytes.len(), properties.size());
        assert_eq!(RawProperties::new(&bytes).validate(), Ok(properties));
    }
    let none = Properties::default().to_bytes().unwrap();
    assert_eq!(RawProperties::new(&none), RawProperties::EMPTY);
}

#[test]
fn tables() {
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let table = random.table();
        let bytes = table.to_bytes().unwrap();
        let raw = RawTable::new(&bytes);
        raw.validate().unwrap();
        assert_eq!(Table::decode(raw), Ok(table.clone()));
        for (key, value) in table.iter() {
            let found = raw.get(std::str::from_utf8(key).unwrap()).unwrap().unwrap();
            assert_eq!(Value::decode(found).as_ref(), Ok(value));
        }
        assert_eq!(raw.get("no such name"), Ok(None));
    }
}

/// Reads a content back: the header frame, then body frames until the body is whole.
fn content_of(mut input: BytesMut, frame_max: u32) -> (Bytes, Vec<Bytes>) {
    let header = decode_frame(&mut input, 0).unwrap().unwrap();
    assert_eq!((header.kind, header.channel), (FrameKind::Header, 3));
    let content = ContentHeader::decode(&header.payload).unwrap();
    assert_eq!((content.class_id, content.weight), (60, 0));
    let mut pieces = Vec::new();
    while let Some(Frame {
        kind,
        channel,
        payload,
    }) = decode_frame(&mut input, frame_max).unwrap()
    {
        assert_eq!((kind, channel), (FrameKind::Body, 3));
        pieces.push(payload);
    }
    assert!(input.is_empty());
    assert_eq!(content.body_size, pieces.concat().len() as u64);
    (
        header.payload.slice_ref(content.properties.as_bytes()),
        pieces,
    )
}

#[test]
fn contents_of_every_size() {
    let pool = Pool::new(5);
    let properties = pool.properties(5).to_bytes().unwrap();
    let raw = RawProperties::new(&properties);
    let body: Bytes = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    for frame_max in [0, 9, 4096, 4104, 4105, 131_072] {
        for len in [
            0, 1, 100, 4088, 4089, 4096, 4097, 8192, 131_064, 131_065, 300_000,
        ] {
            if frame_max == 9 && len > 200 {
                continue;
            }
            let body = body.slice(..len);
            let mut output = Output::default();
            output.content(3, raw, &body, frame_max).unwrap();
            let written: Vec<u8> = output.chunks().flatten().copied().collect();
            let mut copied = BytesMut::new();
            encode_content_header(&mut copied, 3, len as u64, raw).unwrap();
            encode_body(&mut copied, 3, &body, frame_max);
            assert_eq!(written, copied, "{len} bytes at {frame_max}");
            let (read, pieces) = content_of(copied, frame_max);
            assert_eq!((read, pieces.concat()), (properties.clone(), body.to_vec()));
            let piece_max = if frame_max == 0 {
                len.max(1)
            } else {
                frame_max as usize - 8
            };
            assert_eq!(pieces.len(), len.div_ceil(piece_max));
        }
    }
}

#[test]
fn frames_may_arrive_in_any_pieces() {
    let pool = Pool::new(9);
    let mut stream = BytesMut::new();
    for method in pool.methods(9) {
        crate::encode_method(&mut stream, 1, &method).unwrap();
    }
    let mut random = Random::new(3);
    let mut input = BytesMut::new();
    let mut read = Vec::new();
    while !stream.is_empty() {
        let len = (1 + random.below(40)).min(stream.len());
        input.extend_from_slice(&stream.split_to(len));
        let before = input.clone();
        while let Some(frame) = decode_frame(&mut input, 0).unwrap() {
            read.push(frame.payload);
        }
        assert!(before.ends_with(&input));
        assert_eq!(RawFrame::parse(&input, 0), Ok(None));
    }
    let methods: Vec<_> = read
        .iter()
        .map(|payload| Method::decode(payload).unwrap())
        .collect();
    assert_eq!(methods, pool.methods(9));
}
