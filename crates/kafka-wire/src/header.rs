//! Frames: the headers of requests and responses, and the bodies behind them.
//!
//! A frame is a length of four bytes, a header, a body. What is decoded here is a frame without its
//! length; what is encoded has it. How long a frame may be is for the connection to decide.
//!
//! The header's version follows from the body's: a flexible body has tagged fields in its header too.
//! The one exception is the response to ApiVersions, whose header never has them, because a client
//! that asks for versions cannot know yet which one the broker answers in (KIP-511).

use bytes::Bytes;

use crate::api::{ApiMessage, ApiRequest, RequestBody, api};
use crate::api_key::ApiKey;
use crate::encoded::Encoded;
use crate::error::{DecodeError, EncodeError};
use crate::message::Message;
use crate::reader::{Format, Reader};
use crate::str::Str;
use crate::wire::Wire;
use crate::writer::Writer;

/// What precedes the body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API.
    pub api_key: ApiKey,
    /// The version of the body, and of the body of the response.
    pub api_version: i16,
    /// The client's number for the request, which the response repeats.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<Str>,
}

/// A request as a broker receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What precedes the body.
    pub header: RequestHeader,
    /// The body.
    pub body: RequestBody,
    /// How many bytes follow the body. Kafka's own brokers pass over them, and so does this; some
    /// clients were never told that they send too much.
    pub trailing: usize,
}

/// Why a frame is not a request that can be carried out.
///
/// Always the client's fault, and the same frame will never do. All but [`Self::Header`] can be
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The header cannot be read, so that there is no telling what an answer would answer.
    #[error("malformed request header: {0}")]
    Header(DecodeError),
    /// There are no messages for the API.
    #[error("unknown API {api_key}, version {api_version}")]
    UnknownApi {
        /// The API's number.
        api_key: i16,
        /// The version asked for.
        api_version: i16,
        /// The request's number.
        correlation_id: i32,
    },
    /// There are messages for the API, but not in this version. An ApiVersions request is to be
    /// answered with error 35 in the layout of version 0, so that the client can choose again.
    #[error("{api_key} has no version {api_version}")]
    UnsupportedVersion {
        /// The API.
        api_key: ApiKey,
        /// The version asked for.
        api_version: i16,
        /// The request's number.
        correlation_id: i32,
    },
    /// The header is sound, the body is not.
    #[error("malformed {api_key} request, version {api_version}: {error}")]
    Body {
        /// The API.
        api_key: ApiKey,
        /// The version of the body.
        api_version: i16,
        /// The request's number.
        correlation_id: i32,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// Reads a request.
///
/// # Errors
/// See [`RequestError`].
pub fn decode_request(frame: &Bytes) -> Result<Request, RequestError> {
    let (header, mut reader) = decode_request_header(frame)?;
    let body =
        RequestBody::read(header.api_key, &mut reader).map_err(|error| RequestError::Body {
            api_key: header.api_key,
            api_version: header.api_version,
            correlation_id: header.correlation_id,
            error,
        })?;
    Ok(Request {
        header,
        body,
        trailing: reader.remaining(),
    })
}

/// Reads the header of a request, and leaves the reader at the body and in its version.
///
/// # Errors
/// Every [`RequestError`] but [`RequestError::Body`].
pub fn decode_request_header(frame: &Bytes) -> Result<(RequestHeader, Reader<'_>), RequestError> {
    let mut reader = Reader::new(frame, 0, PLAIN);
    let number = reader.i16().map_err(RequestError::Header)?;
    let api_version = reader.i16().map_err(RequestError::Header)?;
    let correlation_id = reader.i32().map_err(RequestError::Header)?;

    let Some(api) = api(number) else {
        return Err(RequestError::UnknownApi {
            api_key: number,
            api_version,
            correlation_id,
        });
    };
    let api_key = api.key;
    let Some(format) = api.request_format(api_version) else {
        return Err(RequestError::UnsupportedVersion {
            api_key,
            api_version,
            correlation_id,
        });
    };

    // The client's id kept its old encoding in flexible versions, so that brokers can read it before
    // they know the API.
    let client_id = reader.string().map_err(RequestError::Header)?;
    reader.set_format(format);
    if format.flexible {
        reader.skip_tags().map_err(RequestError::Header)?;
    }
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id,
        client_id,
    };
    Ok((header, reader))
}

/// Writes a request, length and header included.
///
/// # Errors
/// For a version that does not exist, and for values too long for their fields.
pub fn encode_request<R: ApiRequest>(
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    body: &R,
) -> Result<Encoded, EncodeError> {
    let mut writer = frame_writer::<R>(version)?;
    R::KEY.code().write(&mut writer);
    version.write(&mut writer);
    correlation_id.write(&mut writer);
    writer.string(client_id);
    write_body(body, version, R::format(version).flexible, writer)
}

/// Writes a response, length and header included. `version` is that of the request; a response to an
/// ApiVersions request of an unknown version is written as version 0.
///
/// # Errors
/// For a version that does not exist, and for values too long for their fields.
pub fn encode_response<M: ApiMessage>(
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<Encoded, EncodeError> {
    let mut writer = frame_writer::<M>(version)?;
    correlation_id.write(&mut writer);
    write_body(
        body,
        version,
        response_header_is_flexible::<M>(version),
        writer,
    )
}

/// Reads the response to a request of type `R` and the number of that request.
///
/// # Errors
/// For a version that does not exist, and where the bytes end too early, say nonsense, or go on after
/// the message.
pub fn decode_response<R: ApiRequest>(
    frame: &Bytes,
    version: i16,
) -> Result<(i32, R::Response), DecodeError> {
    if !R::Response::VERSIONS.contains(&version) {
        return Err(DecodeError::Version {
            message: R::Response::NAME,
            version,
        });
    }
    let mut reader = Reader::new(frame, 0, PLAIN);
    let correlation_id = reader.i32()?;
    reader.set_format(R::Response::format(version));
    if response_header_is_flexible::<R::Response>(version) {
        reader.skip_tags()?;
    }
    let body = R::Response::read(&mut reader)?;
    reader.finish()?;
    Ok((correlation_id, body))
}

/// The layout of the parts that are in every version of a header.
const PLAIN: Format = Format {
    version: 0,
    flexible: false,
};

fn response_header_is_flexible<M: ApiMessage>(version: i16) -> bool {
    M::format(version).flexible && M::KEY != ApiKey::ApiVersions
}

fn frame_writer<M: ApiMessage>(version: i16) -> Result<Writer, EncodeError> {
    if !M::VERSIONS.contains(&version) {
        return Err(EncodeError::Version {
            message: M::NAME,
            version,
        });
    }
    let mut writer = Writer::new(PLAIN);
    writer.reserve_length();
    Ok(writer)
}

fn write_body<M: ApiMessage>(
    body: &M,
    version: i16,
    header_is_flexible: bool,
    mut writer: Writer,
) -> Result<Encoded, EncodeError> {
    if header_is_flexible {
        writer.varint(0);
    }
    writer.set_format(M::format(version));
    body.write(&mut writer);
    writer.finish_frame()
}

#[cfg(test)]
mod tests;
