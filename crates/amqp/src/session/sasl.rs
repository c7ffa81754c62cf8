//! How clients say who they are: `PLAIN` and `AMQPLAIN`.

use amqp_wire::{RawTable, RawValue};

/// The mechanisms that are offered.
pub(super) const MECHANISMS: &str = "PLAIN AMQPLAIN";

/// What a client says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a [u8],
}

/// Reads the response of a mechanism; `None` where the mechanism is not offered.
pub(super) fn read<'a>(mechanism: &str, response: &'a [u8]) -> Option<Option<Login<'a>>> {
    match mechanism {
        "PLAIN" => Some(plain(response)),
        "AMQPLAIN" => Some(amqplain(response)),
        _ => None,
    }
}

/// RFC 4616: whom to act as (unused), who it is, the password, with zeros between.
fn plain(response: &[u8]) -> Option<Login<'_>> {
    let mut parts = response.splitn(3, |byte| *byte == 0);
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Login {
        user: std::str::from_utf8(user).ok()?,
        password,
    })
}

/// A table without its length.
fn amqplain(response: &[u8]) -> Option<Login<'_>> {
    let table = RawTable::new(response);
    let field = |name| match table.get(name) {
        Ok(Some(RawValue::LongStr(bytes))) => Some(bytes),
        _ => None,
    };
    Some(Login {
        user: std::str::from_utf8(field("LOGIN")?).ok()?,
        password: field("PASSWORD")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Login, read};

    #[test]
    fn responses_are_read() {
        let login = |user, password| Some(Some(Login { user, password }));
        assert_eq!(
            read("PLAIN", b"\0guest\0se\0cret"),
            login("guest", b"se\0cret")
        );
        assert_eq!(read("PLAIN", b"other\0guest\0"), login("guest", b""));
        assert_eq!(read("PLAIN", b"guest"), Some(None));
        assert_eq!(read("PLAIN", b"\0\xff\0x"), Some(None));
        let table = b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x03abc";
        assert_eq!(read("AMQPLAIN", table), login("guest", b"abc"));
        assert_eq!(read("AMQPLAIN", &table[..20]), Some(None));
        assert_eq!(read("EXTERNAL", b""), None);
    }
}
