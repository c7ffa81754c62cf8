//! The methods that the proxy tells apart, and the versions of the protocol.

/// A request's method; the bytes of [`Method::Other`] are found by [`crate::RequestHead::method_name`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(
    missing_docs,
    reason = "the names are those of RFC 9110, 5789 and 4918"
)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Lock,
    Unlock,
    Mkcol,
    Copy,
    Move,
    Propfind,
    Proppatch,
    #[default]
    Other,
}

impl Method {
    /// The method of that name, which is case-sensitive (RFC 9110 9.1).
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"CONNECT" => Self::Connect,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"PATCH" => Self::Patch,
            b"LOCK" => Self::Lock,
            b"UNLOCK" => Self::Unlock,
            b"MKCOL" => Self::Mkcol,
            b"COPY" => Self::Copy,
            b"MOVE" => Self::Move,
            b"PROPFIND" => Self::Propfind,
            b"PROPPATCH" => Self::Proppatch,
            _ => Self::Other,
        }
    }

    /// Whether repeating the request has the effect of one (RFC 9110 9.2.2). nginx counts POST, LOCK and PATCH as
    /// the only ones that are not; of a method that is unknown nothing can be promised, but nginx sends it again.
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Lock | Self::Patch)
    }
}

/// The version of a message. A higher minor one than 1.1 is treated as 1.1 (RFC 9112 2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// A request of one line, without fields.
    Http09,
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1 and what follows it.
    #[default]
    Http11,
}
