//! What the fuzzers under `fuzz/` do with their input. `cargo test` replays their corpus through the same
//! functions.
//!
//! Each function panics where a promise is broken: what was read must be writable, and must read as the same
//! again.

use bytes::{Bytes, BytesMut};

use crate::content_header::ContentHeader;
use crate::encode::{encode_content_header, encode_method};
use crate::error::DecodeError;
use crate::frame::{FrameKind, RawFrame, decode_frame};
use crate::method::Method;
use crate::output::Output;
use crate::protocol_header::ProtocolHeader;
use crate::table::{RawTable, Table};

/// The largest frame of the fuzzers: small, so that both sides of the limit are met.
const FRAME_MAX: u32 = 256;

/// Takes the input for a stream of frames, and reads what the frames carry.
///
/// # Panics
/// Where the two ways of reading frames disagree, or the way back does.
pub fn frame(input: &[u8]) {
    let _ = ProtocolHeader::parse(input);
    let mut buffer = BytesMut::from(input);
    loop {
        let before = buffer.clone();
        let raw = RawFrame::parse(&before, FRAME_MAX);
        let decoded = decode_frame(&mut buffer, FRAME_MAX);
        let (raw, frame) = match (raw, decoded) {
            (Ok(Some(raw)), Ok(Some(frame))) => (raw, frame),
            (raw, decoded) => {
                assert_eq!(raw.map(|_| ()), decoded.map(|_| ()));
                assert_eq!(buffer, before);
                return;
            }
        };
        assert_eq!(raw.payload, frame.payload);
        assert_eq!((raw.kind, raw.channel), (frame.kind, frame.channel));
        assert_eq!(buffer.len() + raw.len(), before.len());
        match frame.kind {
            FrameKind::Method => method(&frame.payload),
            FrameKind::Header => content_header(&frame.payload),
            FrameKind::Body | FrameKind::Heartbeat => {}
        }
    }
}

/// Takes the input for the payload of a method frame.
///
/// # Panics
/// Where the decoder and the encoder disagree.
pub fn method(input: &[u8]) {
    let Ok(method) = Method::decode(input) else {
        return;
    };
    let mut out = BytesMut::new();
    encode_method(&mut out, 1, &method).expect("what was read can be written");
    let frame = RawFrame::parse(&out, 0).expect("a frame was written");
    let payload = frame.expect("all of it").payload;
    // The bits that no field uses are not kept; nothing else may differ.
    assert_eq!(payload.len(), input.len());
    assert_eq!(Method::decode(payload), Ok(method));
}

/// Takes the input for the content of a table.
///
/// # Panics
/// Where the ways of reading a table disagree, or the way back does.
pub fn table(input: &[u8]) {
    let raw = RawTable::new(input);
    let entries = raw.iter().take_while(Result::is_ok).count();
    let decoded = Table::decode(raw);
    let table = match (raw.validate(), decoded) {
        (Ok(()), Ok(table)) => table,
        (valid, decoded) => {
            let error = decoded.expect_err("it is not valid, or takes too much memory");
            if !matches!(error, DecodeError::Memory { .. }) {
                assert_eq!(valid, Err(error));
            }
            return;
        }
    };
    assert_eq!(table.len(), entries);
    for (key, _) in table.iter() {
        if let Ok(key) = std::str::from_utf8(key) {
            assert!(matches!(raw.get(key), Ok(Some(_))));
        }
    }
    let bytes = table.to_bytes().expect("what was read can be written");
    assert_eq!(bytes.len(), input.len());
    let again = Table::decode(RawTable::new(&bytes)).expect("what was written can be read");
    // Compared as bytes, because floating point values need not equal themselves.
    assert_eq!(again.to_bytes(), Ok(bytes));
}

/// Takes the input for the payload of a content's header frame.
///
/// # Panics
/// Where the decoder and the encoder disagree.
pub fn content_header(input: &[u8]) {
    let Ok(header) = ContentHeader::decode(input) else {
        return;
    };
    let mut out = BytesMut::new();
    encode_content_header(&mut out, 1, header.body_size, header.properties)
        .expect("what was read can be written");
    assert!(
        out[7 + 4..].starts_with(&input[4..]),
        "what came is passed on unchanged"
    );
    let Ok(properties) = header.properties.decode() else {
        assert!(header.properties.validate().is_err());
        return;
    };
    let _ = header.properties.validate();
    let bytes = properties.to_bytes().expect("what was read can be written");
    assert_eq!(bytes, header.properties.as_bytes());
    let mut output = Output::default();
    let body = Bytes::from_static(&[7; 5000]);
    output
        .content(1, header.properties, &body, FRAME_MAX)
        .expect("what was read can be written");
}
