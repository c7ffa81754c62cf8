//! The field names that the proxy knows by sight.
//!
//! A name is looked up once, when its line is parsed; what follows compares numbers.

macro_rules! names {
    ($($variant:ident => $text:literal,)*) => {
        /// The name of a field, without regard to case (RFC 9110 5.1).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the variants are the names")]
        pub enum FieldName {
            $($variant,)*
            /// Any other; the bytes of the head tell which.
            #[default]
            Other,
        }

        /// Sorted by length, which [`STARTS`] relies on.
        const NAMES: &[(&str, FieldName)] = &[$(($text, FieldName::$variant),)*];
    };
}

names! {
    Te => "TE",
    Age => "Age",
    Via => "Via",
    Date => "Date",
    Etag => "ETag",
    Host => "Host",
    Link => "Link",
    Vary => "Vary",
    Allow => "Allow",
    Depth => "Depth",
    Range => "Range",
    Accept => "Accept",
    Cookie => "Cookie",
    Expect => "Expect",
    Origin => "Origin",
    Pragma => "Pragma",
    Server => "Server",
    Status => "Status",
    Expires => "Expires",
    Referer => "Referer",
    Refresh => "Refresh",
    Trailer => "Trailer",
    Upgrade => "Upgrade",
    IfMatch => "If-Match",
    IfRange => "If-Range",
    Location => "Location",
    Forwarded => "Forwarded",
    Overwrite => "Overwrite",
    XRealIp => "X-Real-IP",
    Connection => "Connection",
    KeepAlive => "Keep-Alive",
    SetCookie => "Set-Cookie",
    UserAgent => "User-Agent",
    Destination => "Destination",
    RetryAfter => "Retry-After",
    ContentType => "Content-Type",
    AcceptRanges => "Accept-Ranges",
    Authorization => "Authorization",
    CacheControl => "Cache-Control",
    ContentRange => "Content-Range",
    IfNoneMatch => "If-None-Match",
    LastModified => "Last-Modified",
    ContentLength => "Content-Length",
    AcceptEncoding => "Accept-Encoding",
    AcceptLanguage => "Accept-Language",
    XAccelCharset => "X-Accel-Charset",
    XAccelExpires => "X-Accel-Expires",
    XForwardedFor => "X-Forwarded-For",
    ContentEncoding => "Content-Encoding",
    ContentLanguage => "Content-Language",
    ContentLocation => "Content-Location",
    ProxyConnection => "Proxy-Connection",
    WwwAuthenticate => "WWW-Authenticate",
    XAccelRedirect => "X-Accel-Redirect",
    XForwardedHost => "X-Forwarded-Host",
    IfModifiedSince => "If-Modified-Since",
    TransferEncoding => "Transfer-Encoding",
    XAccelBuffering => "X-Accel-Buffering",
    XForwardedProto => "X-Forwarded-Proto",
    ProxyAuthenticate => "Proxy-Authenticate",
    XAccelLimitRate => "X-Accel-Limit-Rate",
    AuthenticationInfo => "Authentication-Info",
    ContentDisposition => "Content-Disposition",
    IfUnmodifiedSince => "If-Unmodified-Since",
    ProxyAuthorization => "Proxy-Authorization",
    StrictTransportSecurity => "Strict-Transport-Security",
}

/// One more than the longest known name.
const LENS: usize = NAMES[NAMES.len() - 1].0.len() + 1;

/// The bit that makes a letter a small one.
const LOWER: u8 = 0x20;

/// Where the names of each length start in [`NAMES`]; the last is its length.
const STARTS: [usize; LENS + 1] = {
    let mut starts = [0; LENS + 1];
    let mut len = 0;
    while len <= LENS {
        let mut at = 0;
        while at < NAMES.len() && NAMES[at].0.len() < len {
            at += 1;
        }
        starts[len] = at;
        len += 1;
    }
    starts
};

impl FieldName {
    /// The known name that equals these bytes, or [`FieldName::Other`].
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Self {
        let len = name.len();
        let (Some(first), Some(last)) = (name.first(), name.last()) else {
            return Self::Other;
        };
        if len >= LENS {
            return Self::Other;
        }
        // Names of one length seldom share both ends, so that few are compared whole.
        let ends = (first | LOWER, last | LOWER);
        NAMES[STARTS[len]..STARTS[len + 1]]
            .iter()
            .map(|(known, id)| (known.as_bytes(), id))
            .filter(|(known, _)| (known[0] | LOWER, known[len - 1] | LOWER) == ends)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(Self::Other, |(_, id)| *id)
    }

    /// The name as it is commonly written; empty for [`FieldName::Other`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.get(self as usize).map_or("", |(name, _)| name)
    }

    /// Its bit in a set of names; other names have none.
    pub(crate) const fn bit(self) -> u128 {
        match self {
            Self::Other => 0,
            known => 1 << known as u8,
        }
    }

    /// Whether a request may have it once only, as nginx has it.
    pub(crate) const fn is_single_in_request(self) -> bool {
        matches!(
            self,
            Self::IfModifiedSince
                | Self::IfUnmodifiedSince
                | Self::IfMatch
                | Self::IfNoneMatch
                | Self::ContentLength
                | Self::ContentRange
                | Self::IfRange
                | Self::TransferEncoding
                | Self::Expect
                | Self::Authorization
                | Self::ProxyAuthorization
                | Self::Host
        )
    }

    /// Whether only the first of a response's counts and the others are dropped, as nginx has it.
    pub(crate) const fn is_first_wins_in_response(self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::ContentType
                | Self::Date
                | Self::LastModified
                | Self::Etag
                | Self::Server
                | Self::Location
                | Self::Refresh
                | Self::Expires
                | Self::XAccelExpires
                | Self::XAccelRedirect
                | Self::XAccelLimitRate
        )
    }
}
