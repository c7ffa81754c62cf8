//! Where a message ends (RFC 9112 6), decided once from its head.

use crate::error::{BadRequest, BadResponse};
use crate::field::Fields;
use crate::hop;
use crate::method::{Method, Version};
use crate::name::FieldName;
use crate::request::RequestHead;
use crate::response::ResponseHead;

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body.
    None,
    /// So many bytes follow; 0 where the length was given as that.
    Length(u64),
    /// Chunks follow.
    Chunked,
    /// The body ends with the connection; of responses only.
    UntilClose,
}

/// The framing of a request's body. A length together with an encoding, an encoding that is not exactly `chunked`, or one in
/// HTTP/1.0 is refused: readers disagree about those, which is how requests are smuggled.
///
/// # Errors
/// What is wrong with the fields that say it.
pub fn request_framing(head: &RequestHead, buf: &[u8]) -> Result<BodyFraming, BadRequest> {
    let length = head.value(buf, FieldName::ContentLength);
    let length = length.map(|value| parse_length(value).ok_or(BadRequest::ContentLength));
    let length = length.transpose()?;
    let Some(encoding) = head.value(buf, FieldName::TransferEncoding) else {
        return Ok(length.map_or(BodyFraming::None, BodyFraming::Length));
    };
    if head.version() < Version::Http11 {
        return Err(BadRequest::TransferEncodingVersion);
    }
    if !encoding.eq_ignore_ascii_case(b"chunked") {
        return Err(BadRequest::TransferEncoding);
    }
    if length.is_some() {
        return Err(BadRequest::LengthAndEncoding);
    }
    Ok(BodyFraming::Chunked)
}

/// The framing of a response's body to a request of that method. 101 has none here: what follows is another protocol.
///
/// # Errors
/// What is wrong with the fields that say it.
pub fn response_framing(
    head: &ResponseHead,
    buf: &[u8],
    request: Method,
) -> Result<BodyFraming, BadResponse> {
    let length = head.value(buf, FieldName::ContentLength);
    let length = length.map(|value| parse_length(value).ok_or(BadResponse::ContentLength));
    let length = length.transpose()?;
    let encoding = head.value(buf, FieldName::TransferEncoding);
    if encoding.is_some_and(|value| !value.eq_ignore_ascii_case(b"chunked")) {
        return Err(BadResponse::TransferEncoding);
    }
    if encoding.is_some() && length.is_some() {
        return Err(BadResponse::LengthAndEncoding);
    }
    let tunnel = request == Method::Connect && matches!(head.status(), 200..=299);
    if request == Method::Head || matches!(head.status(), 100..=199 | 204 | 304) || tunnel {
        return Ok(BodyFraming::None);
    }
    Ok(match (encoding, length) {
        (Some(_), _) => BodyFraming::Chunked,
        (None, Some(length)) => BodyFraming::Length(length),
        (None, None) => BodyFraming::UntilClose,
    })
}

/// Whether the client wants its connection to be kept after this request.
#[must_use]
pub fn request_keeps_alive(head: &RequestHead, buf: &[u8]) -> bool {
    match head.version() {
        Version::Http09 => false,
        Version::Http10 => {
            has_token(head.fields(), buf, b"keep-alive") && !has_token(head.fields(), buf, b"close")
        }
        Version::Http11 => !has_token(head.fields(), buf, b"close"),
    }
}

/// Whether the upstream's connection may be used again after this response. nginx keeps none of HTTP/1.0.
#[must_use]
pub fn response_keeps_alive(head: &ResponseHead, buf: &[u8], framing: BodyFraming) -> bool {
    head.version() == Version::Http11
        && head.status() != 101
        && framing != BodyFraming::UntilClose
        && !has_token(head.fields(), buf, b"close")
}

fn has_token(fields: &Fields, buf: &[u8], token: &[u8]) -> bool {
    fields
        .find_all(FieldName::Connection)
        .flat_map(|field| hop::tokens(field.value.of(buf)))
        .any(|found| found.eq_ignore_ascii_case(token))
}

/// Digits, and nothing but digits; at most what 63 bits hold, as offsets of files do.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    let length = value.iter().try_fold(0u64, |length, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    });
    length.filter(|length| i64::try_from(*length).is_ok())
}
