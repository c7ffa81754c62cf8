//! The protocol header: the eight octets that open a connection (specification section 4.2.2).

/// What a client of AMQP 0-9-1 sends first, and what a server answers to a wrong header before it closes.
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\0\0\x09\x01";

const NAME: &[u8; 4] = b"AMQP";

/// What the first octets of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolHeader {
    /// AMQP 0-9-1; frames follow after these eight octets.
    Amqp091,
    /// Another version of AMQP: the four octets after the name. AMQP 1.0 sends `[id, 1, 0, 0]` with 3 for
    /// SASL, 2 for TLS and 0 for neither; 0-9 sends `[1, 1, 0, 9]`, 0-8 `[1, 1, 8, 0]`.
    OtherVersion([u8; 4]),
    /// Not AMQP at all.
    Garbage,
}

impl ProtocolHeader {
    /// Judges what a peer has sent so far; `None` where more is needed. What cannot become a header any more
    /// is garbage at once, so that a client of another protocol is not left to wait.
    #[must_use]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let name_len = input.len().min(NAME.len());
        if input[..name_len] != NAME[..name_len] {
            return Some(Self::Garbage);
        }
        let header = input.first_chunk::<8>()?;
        if *header == PROTOCOL_HEADER {
            return Some(Self::Amqp091);
        }
        let [.., a, b, c, d] = *header;
        Some(Self::OtherVersion([a, b, c, d]))
    }
}

#[cfg(test)]
mod tests {
    use super::{PROTOCOL_HEADER, ProtocolHeader};

    #[test]
    fn headers_are_told_apart() {
        let check = |input: &[u8], expected| assert_eq!(ProtocolHeader::parse(input), expected);
        for len in 0..8 {
            check(&PROTOCOL_HEADER[..len], None);
        }
        check(b"AMQP\0\0\x09\x01", Some(ProtocolHeader::Amqp091));
        check(b"AMQP\0\0\x09\x01\x01\0\0", Some(ProtocolHeader::Amqp091));
        for version in [
            [0, 1, 0, 0],
            [3, 1, 0, 0],
            [1, 1, 8, 0],
            [1, 1, 0, 9],
            [0, 0, 9, 2],
        ] {
            let header = [*b"AMQP", version].concat();
            check(&header[..7], None);
            check(&header, Some(ProtocolHeader::OtherVersion(version)));
        }
        check(b"G", Some(ProtocolHeader::Garbage));
        check(b"AMQX", Some(ProtocolHeader::Garbage));
        check(b"GET / HTTP/1.1\r\n", Some(ProtocolHeader::Garbage));
    }
}
