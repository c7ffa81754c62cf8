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

        /// In the order of the variants.
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

/// Where a name would be in [`SLOTS`]. The factors are chosen so that no two known names meet, which the compiler checks.
const fn slot(name: &[u8]) -> usize {
    let len = name.len();
    if len == 0 {
        return 0;
    }
    let (first, middle, last) = (name[0], name[len / 2], name[len - 1]);
    (len * 15 + lower(first) * 31 + lower(middle) * 5 + lower(last)) % 256
}

/// A letter in lower case. Other bytes become what they like: the comparison with the name decides.
const fn lower(byte: u8) -> usize {
    (byte | 0x20) as usize
}

/// The name at each slot.
const SLOTS: [FieldName; 256] = {
    let mut slots = [FieldName::Other; 256];
    let mut at = 0;
    while at < NAMES.len() {
        let slot = slot(NAMES[at].0.as_bytes());
        assert!(matches!(slots[slot], FieldName::Other), "two names meet");
        slots[slot] = NAMES[at].1;
        at += 1;
    }
    slots
};

/// Whether a known name and another one are the same but for the case of letters. Eight bytes are compared at once: they may
/// differ in the bit that makes letters small, where the known name, which has nothing but letters and `-`, has a letter.
fn equals(known: &[u8], name: &[u8]) -> bool {
    const SMALL: u64 = 0x2020_2020_2020_2020;
    if known.len() != name.len() {
        return false;
    }
    let (Some(known_end), Some(name_end)) = (known.last_chunk::<8>(), name.last_chunk::<8>())
    else {
        return known.eq_ignore_ascii_case(name);
    };
    let same = |known: &[u8; 8], name: &[u8; 8]| {
        let (known, name) = (u64::from_le_bytes(*known), u64::from_le_bytes(*name));
        // Letters, and they alone, have the bit above.
        let letters = known >> 1 & SMALL;
        (known ^ name) & !letters == 0
    };
    let pairs = known.as_chunks().0.iter().zip(name.as_chunks().0);
    pairs.fold(true, |all, (known, name)| all & same(known, name)) && same(known_end, name_end)
}

impl FieldName {
    /// The known name that equals these bytes, or [`FieldName::Other`].
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Self {
        let known = SLOTS[slot(name)];
        if equals(known.as_str().as_bytes(), name) {
            known
        } else {
            Self::Other
        }
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
