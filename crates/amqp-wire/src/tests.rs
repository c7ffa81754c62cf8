//! Promises that hold for every method, for properties and for tables.

mod corpus;
mod differential;
mod hostile;
mod memory;
mod round_trip;
mod spec;

use bytes::BytesMut;

use crate::encode::encode_method;
use crate::frame::{Frame, decode_frame};
use crate::method::MethodFields;

/// A method's frame, read again.
fn frame_of<M: MethodFields>(channel: u16, method: &M) -> Frame {
    let mut out = BytesMut::new();
    encode_method(&mut out, channel, method).unwrap();
    let frame = decode_frame(&mut out, 0).unwrap().unwrap();
    assert!(out.is_empty());
    frame
}
