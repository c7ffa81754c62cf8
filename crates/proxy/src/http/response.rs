//! The response as it is put together, before its head is sent.

use super::Fields;
use super::conditions::Parts;

/// What is sent to the client. Handlers fill it, `add_header` and its kin act on it, [`Client::send_head`](super::Client)
/// renders it once.
///
/// `Server`, `Date`, `Connection`, `Transfer-Encoding`, `Content-Length`, `Content-Type`, `Last-Modified` and `Location` are
/// not among the fields: they come from the values here. A `Server` or `Date` in the fields takes the place of ours.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// 0 until something answers.
    pub(crate) status: u16,
    /// What the status line says after the code; empty for the usual words.
    pub(crate) reason: Vec<u8>,
    /// The length of the body; `None` where it is not known.
    pub(crate) content_length: Option<u64>,
    /// Empty for none.
    pub(crate) content_type: Vec<u8>,
    /// Seconds since 1970.
    pub(crate) last_modified: Option<i64>,
    /// `Location`, made absolute when it begins with `/`; empty for none.
    pub(crate) location: Vec<u8>,
    /// Everything else.
    pub(crate) fields: Fields,
    /// Sent after a chunked body to clients that may get them.
    pub(crate) trailers: Fields,
    /// There will be trailers.
    pub(crate) owes_trailers: bool,
    /// The head is complete and, unless it waits for the body's first bytes, sent.
    pub(crate) is_head_sent: bool,
    /// The body goes out in chunks.
    pub(crate) is_chunked: bool,
    /// What was sent of the body, without chunk framing (`$body_bytes_sent`).
    pub(crate) body_sent: u64,
    /// What was sent in all (`$bytes_sent`).
    pub(crate) sent: u64,
    /// `limit_rate` and `limit_rate_after`: bytes per second, 0 for no limit, and bytes before it holds. `send_head` takes
    /// them from the location where nobody set them before.
    pub(crate) rate: Option<(u64, u64)>,
    /// The whole body was sent (`$request_completion`).
    pub(crate) is_complete: bool,
    /// Bytes ranges may be taken of the body.
    pub(crate) allow_ranges: bool,
    /// How much the body is compressed on its way, 1 to 9; 0 for not at all.
    pub(crate) gzip_level: u32,
    /// `$gzip_ratio`, in hundredths.
    pub(crate) gzip_ratio: Option<u64>,
    /// `add_header` and its kin have acted on it.
    pub(crate) is_dressed: bool,
    /// The ranges that are sent in place of the whole body.
    pub(crate) parts: Parts,
}

impl Response {
    /// Starts over, for the next request or the next try; memory stays.
    pub(crate) fn clear(&mut self) {
        self.clear_head();
        self.trailers.clear();
        self.owes_trailers = false;
        self.is_head_sent = false;
        self.is_chunked = false;
        self.body_sent = 0;
        self.sent = 0;
        self.rate = None;
        self.is_complete = false;
    }

    /// Takes back everything that a handler or a try has put in; what was sent stays counted.
    pub(crate) fn clear_head(&mut self) {
        self.status = 0;
        self.reason.clear();
        self.content_length = None;
        self.content_type.clear();
        self.last_modified = None;
        self.location.clear();
        self.fields.clear();
        self.trailers.clear();
        self.allow_ranges = false;
        self.is_dressed = false;
        self.gzip_level = 0;
        self.gzip_ratio = None;
        self.parts.clear();
    }

    /// Adds a field.
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) {
        self.fields.push(name, value);
    }

    /// Sets the media type.
    pub(crate) fn set_content_type(&mut self, kind: &[u8]) {
        self.content_type.clear();
        self.content_type.extend_from_slice(kind);
    }
}

/// The usual words of a status (RFC 9110 and the registry); empty where there are none.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}
