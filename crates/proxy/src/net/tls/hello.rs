//! A look at a client's hello without answering it (`ssl_preread`): which name, which protocols, which version.
//!
//! Only what the first flight has is looked at, nothing is verified, and nothing is kept but what is returned. Sources: RFC 8446,
//! section 4.1.2 and 5.1; RFC 6066, section 3; RFC 7301.

/// A hello is no longer: the length of a record. Hellos with keys that resist quantum computers have some 1,800 bytes.
pub(crate) const HELLO_LEN_MAX: usize = 16 << 10;

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_ALPN: u16 = 16;
const EXTENSION_VERSIONS: u16 = 43;

/// What a client's hello says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The name asked for; empty for none (`$ssl_preread_server_name`).
    pub(crate) server_name: String,
    /// The application protocols, separated by commas (`$ssl_preread_alpn_protocols`).
    pub(crate) alpn: Vec<u8>,
    /// The highest version that the client speaks: `TLSv1.3` (`$ssl_preread_protocol`); empty where it is none that is known.
    pub(crate) protocol: &'static str,
}

/// What the first bytes of a connection are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// More bytes are needed.
    Partial,
    /// No hello of TLS, or one that is broken or too long.
    NotTls,
    /// A hello.
    Hello(Hello),
}

/// Looks at the first bytes of a connection. Looked at from the start again when more have come: they are few.
pub(crate) fn look(bytes: &[u8]) -> Look {
    if let Some(looked) = look_old(bytes) {
        return looked;
    }
    let mut message = Vec::new();
    match collect(bytes, &mut message) {
        Some(true) => parse(&message).map_or(Look::NotTls, Look::Hello),
        Some(false) => Look::Partial,
        None => Look::NotTls,
    }
}

/// A hello in the form of SSL 2.0, which says a version and nothing else that is of use (RFC 5246, E.2).
fn look_old(bytes: &[u8]) -> Option<Look> {
    const LONG_RECORD: u8 = 0x80;
    match bytes {
        [first, ..] if first & LONG_RECORD == 0 => None,
        [_, _, CLIENT_HELLO, major, minor, ..] => Some(Look::Hello(Hello {
            protocol: version(u16::from_be_bytes([*major, *minor])),
            ..Hello::default()
        })),
        [] => None,
        [_] | [_, _] | [_, _, CLIENT_HELLO] | [_, _, CLIENT_HELLO, _] => Some(Look::Partial),
        _ => Some(Look::NotTls),
    }
}

/// Puts the records' contents together until a whole message is there; `None` where it is no hello.
fn collect(bytes: &[u8], message: &mut Vec<u8>) -> Option<bool> {
    let mut rest = bytes;
    loop {
        match rest {
            [] => return Some(false),
            [kind, ..] if *kind != RECORD_HANDSHAKE => return None,
            [_, major, ..] if *major != 3 => return None,
            [_, _, _, high, low, content @ ..] => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                if len == 0 || message.len() + len > HELLO_LEN_MAX {
                    return None;
                }
                let there = len.min(content.len());
                message.extend_from_slice(&content[..there]);
                if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
                    return None;
                }
                if let [_, a, b, c, ..] = message[..] {
                    let whole = 4 + u32::from_be_bytes([0, a, b, c]) as usize;
                    if whole > HELLO_LEN_MAX {
                        return None;
                    }
                    if message.len() >= whole {
                        message.truncate(whole);
                        return Some(true);
                    }
                }
                if there < len {
                    return Some(false);
                }
                rest = &content[there..];
            }
            _ => return Some(false),
        }
    }
}

/// A whole hello, its kind and length included.
fn parse(message: &[u8]) -> Option<Hello> {
    const RANDOM_LEN: usize = 32;
    let mut rest = message.get(4..)?;
    let legacy = take(&mut rest, 2)?;
    take(&mut rest, RANDOM_LEN)?;
    short(&mut rest)?;
    long(&mut rest)?;
    short(&mut rest)?;
    let mut hello = Hello {
        protocol: version(u16::from_be_bytes([legacy[0], legacy[1]])),
        ..Hello::default()
    };
    // Old clients have no extensions at all.
    let mut extensions = if rest.is_empty() {
        rest
    } else {
        long(&mut rest)?
    };
    while !extensions.is_empty() {
        let kind = take(&mut extensions, 2)?;
        // One that says that it is longer than what is there is taken for what is there: the server judges, we only route.
        let there = extensions.get(2..);
        let body = match long(&mut extensions) {
            Some(body) => body,
            None => {
                extensions = &[];
                there?
            }
        };
        match u16::from_be_bytes([kind[0], kind[1]]) {
            EXTENSION_SERVER_NAME => hello.server_name = server_name(body)?,
            EXTENSION_ALPN => hello.alpn = alpn(body)?,
            EXTENSION_VERSIONS => hello.protocol = highest(body)?,
            _ => {}
        }
    }
    Some(hello)
}

/// The first name of the kind 'host name', in lower case.
fn server_name(mut body: &[u8]) -> Option<String> {
    let mut names = long(&mut body)?;
    while !names.is_empty() {
        let kind = take(&mut names, 1)?[0];
        let name = long(&mut names)?;
        if kind == 0 {
            // Whatever else stands there is no name of a host, and would go to a log.
            let fits = |byte: &u8| byte.is_ascii_graphic();
            let name = name.iter().all(fits).then_some(name)?;
            return Some(String::from_utf8_lossy(name).to_ascii_lowercase());
        }
    }
    Some(String::new())
}

fn alpn(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut names = long(&mut body)?;
    let mut all = Vec::with_capacity(names.len());
    while !names.is_empty() {
        if !all.is_empty() {
            all.push(b',');
        }
        all.extend_from_slice(short(&mut names)?);
    }
    Some(all)
}

fn highest(mut body: &[u8]) -> Option<&'static str> {
    let versions = short(&mut body)?.chunks_exact(2);
    let known = versions
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .filter(|number| !version(*number).is_empty());
    Some(known.max().map_or("", version))
}

const fn version(number: u16) -> &'static str {
    match number {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        // Drafts count as what they became.
        0x0304 | 0x7f00..=0x7f1c => "TLSv1.3",
        _ => "",
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

/// A field with one byte of length.
fn short<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take(rest, 1)?[0];
    take(rest, usize::from(len))
}

/// A field with two bytes of length.
fn long<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take(rest, 2)?;
    take(rest, usize::from(u16::from_be_bytes([len[0], len[1]])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use std::sync::Arc;

    /// What a real client sends first.
    fn flight(
        name: &str,
        alpn: &[&str],
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = name.to_owned().try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut sent = Vec::new();
        client.write_tls(&mut sent).unwrap();
        sent
    }

    fn hello(server_name: &str, alpn: &str, protocol: &'static str) -> Look {
        Look::Hello(Hello {
            server_name: server_name.to_owned(),
            alpn: alpn.as_bytes().to_vec(),
            protocol,
        })
    }

    /// The same hello in records of at most `len` bytes.
    fn cut(bytes: &[u8], len: usize) -> Vec<u8> {
        let record = |part: &[u8]| {
            let len = u16::try_from(part.len()).unwrap().to_be_bytes();
            [&[22, 3, 1][..], &len, part].concat()
        };
        bytes[5..].chunks(len).flat_map(record).collect()
    }

    #[test]
    fn real_hellos() {
        let both = rustls::ALL_VERSIONS;
        let sent = flight("A.test", &["h2", "http/1.1"], both);
        let expected = hello("a.test", "h2,http/1.1", "TLSv1.3");
        assert_eq!(look(&sent), expected);
        assert_eq!(look(&cut(&sent, 50)), expected);
        assert_eq!(look(&cut(&sent, 1)), expected);
        let old = flight("127.0.0.1", &[], &[&rustls::version::TLS12]);
        assert_eq!(look(&old), hello("", "", "TLSv1.2"));
        let mut more = sent.clone();
        more.extend_from_slice(b"whatever follows");
        assert_eq!(look(&more), expected);
    }

    #[test]
    fn every_beginning_is_partial() {
        let sent = flight("a.test", &["h2"], rustls::ALL_VERSIONS);
        for len in 0..sent.len() {
            assert_eq!(look(&sent[..len]), Look::Partial, "{len}");
        }
    }

    #[test]
    fn what_is_none() {
        for bytes in [
            &b"GET / HTTP/1.0\r\n\r\n"[..],
            &[22, 2],
            &[22, 3, 1, 0, 0],
            &[22, 3, 1, 0, 4, 2, 0, 0, 0],
            &[22, 3, 1, 0, 4, 1, 0, 0, 0],
            &[22, 3, 1, 0, 4, 1, 255, 0, 0],
            &[22, 3, 1, 255, 255],
            &[21, 3, 1, 0, 2, 2, 112],
            &[0x80, 28, 2, 3, 1],
        ] {
            assert_eq!(look(bytes), Look::NotTls, "{bytes:?}");
        }
    }

    #[test]
    fn hellos_of_old() {
        let sent = [0x80, 28, 1, 0, 2, 0, 3];
        assert_eq!(look(&sent), hello("", "", "SSLv2"));
        assert_eq!(look(&[0x80, 28, 1, 3, 1, 0, 3]), hello("", "", "TLSv1"));
        for len in 0..5 {
            assert_eq!(look(&sent[..len]), Look::Partial, "{len}");
        }
    }

    #[test]
    fn damage_is_no_panic() {
        let sent = flight("a.test", &["h2"], rustls::ALL_VERSIONS);
        for at in 0..sent.len() {
            for value in [0, 1, 127, 255] {
                let mut damaged = sent.clone();
                damaged[at] = value;
                let _ = look(&damaged);
            }
        }
    }
}
