//! Fields that belong to one connection and are not passed on (RFC 9110 7.6.1).

use crate::field::{Field, Fields};
use crate::name::FieldName;

/// Whether a field of that name never goes further than the connection on which it came.
#[must_use]
pub const fn is_hop_by_hop(id: FieldName) -> bool {
    matches!(
        id,
        FieldName::Connection
            | FieldName::KeepAlive
            | FieldName::ProxyConnection
            | FieldName::Te
            | FieldName::Trailer
            | FieldName::TransferEncoding
            | FieldName::Upgrade
    )
}

/// Whether a field may stand behind a body: what says where a message ends, whom it is for or how its body is to be read comes
/// before it (RFC 9110 6.5.1).
#[must_use]
pub const fn may_trail(id: FieldName) -> bool {
    let comes_before = matches!(
        id,
        FieldName::ContentLength
            | FieldName::Host
            | FieldName::ContentType
            | FieldName::ContentEncoding
            | FieldName::ContentRange
    );
    !comes_before && !is_hop_by_hop(id)
}

/// The tokens of a list such as that of Connection, without empty ones.
pub fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let tokens = value.split(|byte| *byte == b',');
    tokens
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// Whether the Connection fields of a message list more than the usual words about the connection itself. Where they do not,
/// [`is_listed`] is false for every field.
#[must_use]
pub fn lists_fields(fields: &Fields, buf: &[u8]) -> bool {
    if !fields.has(FieldName::Connection) {
        return false;
    }
    let mut listed = fields.find_all(FieldName::Connection);
    listed.any(|connection| {
        let value = connection.value.of(buf);
        let usual = |word: &[u8]| value.eq_ignore_ascii_case(word);
        !(usual(b"keep-alive") || usual(b"close") || usual(b"upgrade"))
    })
}

/// Whether the Connection field of the same message lists this field. It cannot list what says whom the request is for, where the
/// message ends or who asks: a client could otherwise have the proxy drop what the upstream decides by.
#[must_use]
pub fn is_listed(fields: &Fields, buf: &[u8], field: &Field) -> bool {
    if !fields.has(FieldName::Connection) || is_protected(field.id) {
        return false;
    }
    let name = field.name.of(buf);
    fields
        .find_all(FieldName::Connection)
        .flat_map(|connection| tokens(connection.value.of(buf)))
        .any(|token| token.eq_ignore_ascii_case(name))
}

const fn is_protected(id: FieldName) -> bool {
    matches!(
        id,
        FieldName::Host
            | FieldName::ContentLength
            | FieldName::ContentType
            | FieldName::ContentEncoding
            | FieldName::ContentRange
            | FieldName::Authorization
            | FieldName::Cookie
            | FieldName::SetCookie
            | FieldName::CacheControl
            | FieldName::Date
            | FieldName::Range
            | FieldName::Expect
            | FieldName::Forwarded
            | FieldName::XForwardedFor
            | FieldName::XForwardedHost
            | FieldName::XForwardedProto
            | FieldName::XRealIp
    )
}
