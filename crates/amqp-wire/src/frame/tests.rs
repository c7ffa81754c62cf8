use bytes::BytesMut;

use super::{Frame, FrameKind, RawFrame, decode_frame};
use crate::error::FrameError;

/// basic.ack of delivery 5 on channel 1.
const ACK: &[u8] = b"\x01\0\x01\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\0\x05\0\xce";
const HEARTBEAT: &[u8] = b"\x08\0\0\0\0\0\0\xce";

#[test]
fn frames_are_cut_off_one_by_one() {
    let mut input = BytesMut::from(&[ACK, HEARTBEAT, &ACK[..20]].concat()[..]);
    let first = decode_frame(&mut input, 4096).unwrap().unwrap();
    let expected = Frame {
        kind: FrameKind::Method,
        channel: 1,
        payload: ACK[7..20].to_vec().into(),
    };
    assert_eq!(first, expected);
    let second = decode_frame(&mut input, 4096).unwrap().unwrap();
    assert_eq!(
        (second.kind, second.payload.len()),
        (FrameKind::Heartbeat, 0)
    );
    assert_eq!(decode_frame(&mut input, 4096), Ok(None));
    assert_eq!(input, &ACK[..20]);
}

#[test]
fn every_prefix_wants_more() {
    for len in 0..ACK.len() {
        assert_eq!(RawFrame::parse(&ACK[..len], 4096), Ok(None), "{len} bytes");
    }
    let whole = RawFrame::parse(ACK, 4096).unwrap().unwrap();
    assert_eq!(whole.len(), ACK.len());
    assert!(!whole.is_empty());
}

#[test]
fn wrong_frames_are_told_apart_and_left() {
    let check = |input: &[u8], frame_max, expected| {
        let mut buffer = BytesMut::from(input);
        assert_eq!(decode_frame(&mut buffer, frame_max), Err(expected));
        assert_eq!(buffer, input);
    };
    for found in [0, 4, 5, 6, 7, 9, b'A', 255] {
        check(&[found], 0, FrameError::UnknownType { found });
        check(&[found; 20], 0, FrameError::UnknownType { found });
    }
    let mut wrong_end = ACK.to_vec();
    wrong_end[20] = 0xcf;
    check(&wrong_end, 4096, FrameError::End { found: 0xcf });
    let size = 4097;
    let frame_max = 4096;
    // Refused before the payload arrives.
    check(
        b"\x03\0\x01\0\0\x0f\xf9",
        frame_max,
        FrameError::TooLarge { size, frame_max },
    );
    assert_eq!(
        RawFrame::parse(b"\x03\0\x01\0\0\x0f\xf8", frame_max),
        Ok(None)
    );
    assert_eq!(RawFrame::parse(b"\x03\0\x01\xff\xff\xff\xff", 0), Ok(None));
    check(
        b"\x03\0\x01\xff\xff\xff\xff",
        u32::MAX,
        FrameError::TooLarge {
            size: u64::from(u32::MAX) + 8,
            frame_max: u32::MAX,
        },
    );
}

#[test]
fn a_frame_shares_the_buffers_memory() {
    let mut input = BytesMut::with_capacity(64);
    input.extend_from_slice(ACK);
    let at = input.as_ptr() as usize;
    let frame = decode_frame(&mut input, 0).unwrap().unwrap();
    assert_eq!(frame.payload.as_ptr() as usize, at + 7);
}
