//! What the fuzzers under `fuzz/` do with their input. `cargo test` replays their corpus through the
//! same functions.
//!
//! Each function panics where a promise is broken: a message that was read must be writable in the
//! same version, and reading that must give the same message again.

use bytes::Bytes;

use crate::api::{ResponseBody, api};
use crate::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, decode_versioned, encode_versioned,
};
use crate::header::decode_request;
use crate::message::Message;
use crate::reader::{Format, Reader};
use crate::writer::Writer;

/// Takes the input for a request: header and body.
///
/// # Panics
/// Where the decoder and the encoder disagree.
pub fn request(input: &[u8]) {
    let frame = Bytes::copy_from_slice(input);
    let Ok(request) = decode_request(&frame) else {
        return;
    };
    let format = api(request.header.api_key.code())
        .and_then(|api| api.request_format(request.header.api_version))
        .expect("it was decoded in that version");
    let body = reread(
        format,
        |writer| request.body.write(writer),
        |reader| crate::api::RequestBody::read(request.header.api_key, reader),
    );
    assert_eq!(body, request.body);
}

/// Takes two bytes of the input for an API's number and a version, and the rest for the body of a
/// response.
///
/// # Panics
/// Where the decoder and the encoder disagree.
pub fn response(input: &[u8]) {
    let Some((&[key, version], body)) = input.split_first_chunk::<2>() else {
        return;
    };
    let Some(api) = api(i16::from(key)) else {
        return;
    };
    let Some(format) = api.request_format(i16::from(version)) else {
        return;
    };
    let frame = Bytes::copy_from_slice(body);
    let Ok(response) = ResponseBody::read(api.key, &mut Reader::new(&frame, 0, format)) else {
        return;
    };
    let again = reread(
        format,
        |writer| response.write(writer),
        |reader| ResponseBody::read(api.key, reader),
    );
    assert_eq!(again, response);
}

/// Takes the input for both messages of the consumers' own protocol.
///
/// # Panics
/// Where the decoder and the encoder disagree.
pub fn consumer_protocol(input: &[u8]) {
    fn check<M: Message + PartialEq + std::fmt::Debug>(bytes: &Bytes) {
        let Ok((version, message)) = decode_versioned::<M>(bytes) else {
            return;
        };
        let version = version.min(*M::VERSIONS.end());
        let written = encode_versioned(&message, version).expect("what was read can be written");
        let again = decode_versioned::<M>(&written.into_bytes());
        assert_eq!(again, Ok((version, message)));
    }
    let bytes = Bytes::copy_from_slice(input);
    check::<ConsumerProtocolSubscription>(&bytes);
    check::<ConsumerProtocolAssignment>(&bytes);
}

/// Writes a value and reads it again.
fn reread<T, E: std::fmt::Debug>(
    format: Format,
    write: impl FnOnce(&mut Writer),
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, E>,
) -> T {
    let mut writer = Writer::new(format);
    write(&mut writer);
    let bytes = writer
        .finish()
        .expect("what was read can be written")
        .into_bytes();
    let mut reader = Reader::new(&bytes, 0, format);
    let value = read(&mut reader).expect("what was written can be read");
    reader.finish().expect("all of it is read");
    value
}
