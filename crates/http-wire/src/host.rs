//! The host of a request: what `$host` is, and what is refused.

/// A host that nginx takes for valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    /// Without the port and a final dot, in the case in which it was sent; an IPv6 address keeps its brackets.
    pub name: &'a [u8],
    /// The port; 0 where there is none.
    pub port: u16,
}

impl<'a> Host<'a> {
    /// Parses the value of a Host field or the host of a target; nothing where it is no host.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let name_len = if value.first() == Some(&b'[') {
            memchr::memchr(b']', value)? + 1
        } else {
            memchr::memchr(b':', value).unwrap_or(value.len())
        };
        let (name, rest) = value.split_at(name_len);
        let port = match rest.split_first() {
            None => 0,
            Some((b':', digits)) => parse_port(digits)?,
            Some(_) => return None,
        };
        let literal = name.first() == Some(&b'[');
        let inner = if literal {
            &name[1..name_len - 1]
        } else {
            name
        };
        let valid = |byte: &u8| is_host_byte(*byte) || *byte == if literal { b':' } else { b'%' };
        if !inner.iter().all(valid) || inner.windows(2).any(|pair| pair == b"..") {
            return None;
        }
        let name = name.strip_suffix(b".").unwrap_or(name);
        (!name.is_empty()).then_some(Self { name, port })
    }

    /// Appends the name in lower case, which is what `$host` shows and what server names are matched with.
    pub fn write_lower(&self, out: &mut Vec<u8>) {
        out.extend(self.name.iter().map(u8::to_ascii_lowercase));
    }
}

/// unreserved and sub-delims of RFC 3986.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')'
        )
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=')
}

/// A port, which may be left out after its colon.
fn parse_port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |port, digit| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        port.checked_mul(10)?.checked_add(digit)
    })
}
