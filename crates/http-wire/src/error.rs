//! Why a message is refused, in the words that operators know from nginx's error log.

use thiserror::Error;

/// Why a request is refused: the client's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum BadRequest {
    #[error("client sent invalid method")]
    Method,
    #[error("client sent invalid request")]
    Line,
    #[error("client sent invalid version")]
    Version,
    #[error("client sent invalid method in HTTP/0.9 request")]
    Http09Method,
    #[error("client sent too long URI")]
    LineTooLong,
    #[error("client sent invalid header line")]
    FieldLine,
    #[error("client sent too long header line")]
    FieldTooLong,
    #[error("client sent too many header lines")]
    TooManyFields,
    #[error("client sent too large request")]
    HeadTooLarge,
    #[error("client sent duplicate header line")]
    DuplicateField,
    #[error("client sent duplicate host header")]
    DuplicateHost,
    #[error("client sent invalid host header")]
    Host,
    #[error("client sent invalid host in request line")]
    TargetHost,
    #[error("client sent HTTP/1.1 request without \"Host\" header")]
    NoHost,
    #[error("client sent invalid \"Content-Length\" header")]
    ContentLength,
    #[error("client sent HTTP/1.0 request with \"Transfer-Encoding\" header")]
    TransferEncodingVersion,
    #[error("client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time")]
    LengthAndEncoding,
    #[error("client sent unknown \"Transfer-Encoding\"")]
    TransferEncoding,
}

impl BadRequest {
    /// What nginx answers; 494 is its own number for a head that is too large, and goes out as 400.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::LineTooLong => 414,
            Self::FieldTooLong | Self::TooManyFields | Self::HeadTooLarge => 494,
            Self::TransferEncoding => 501,
            _ => 400,
        }
    }
}

/// Why a response is refused: the upstream's fault, 502 for the client unless another upstream is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum BadResponse {
    /// It does not start with a status line. nginx takes it as a response of HTTP/0.9: all of it is the body.
    #[error("upstream sent no valid HTTP/1.0 header")]
    NoStatusLine,
    #[error("upstream sent invalid header")]
    FieldLine,
    #[error("upstream sent too big header")]
    HeadTooLarge,
    #[error("upstream sent too many header lines")]
    TooManyFields,
    #[error("upstream sent duplicate header line")]
    DuplicateField,
    #[error("upstream sent invalid \"Content-Length\" header")]
    ContentLength,
    #[error("upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time")]
    LengthAndEncoding,
    #[error("upstream sent unknown \"Transfer-Encoding\"")]
    TransferEncoding,
}
