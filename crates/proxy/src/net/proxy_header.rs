//! The PROXY header of a connection: read before anything else, written before anything else.
//!
//! Bytes behind the header stay in the transport. Whether the sender may be believed is not decided here, and there is no
//! deadline in here: `alarm.within(time, read_proxy_header(&mut transport))`.

use std::io;

use http_wire::proxy_protocol::{
    BadProxyHeader, Endpoints, HEADER_LEN_MAX, encode_v1, encode_v2, parse,
};
use tokio::io::AsyncWriteExt;

use super::pool::Buffer;
use super::transport::Transport;

/// The first look; a header without TLVs has 107 bytes at most in version 1 and 232 in version 2.
const LOOK_LEN: usize = 1024;

/// What a header said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Who speaks with whom; none where the sender speaks for itself: the connection's own addresses stand.
    pub(crate) endpoints: Option<Endpoints>,
    /// The TLVs of version 2 (`http_wire::proxy_protocol::tlvs` reads them); empty otherwise, without memory.
    pub(crate) tlvs: Box<[u8]>,
    /// Its checksum is right, or there is none.
    pub(crate) is_intact: bool,
}

/// A connection that has no header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    /// What was sent is no header.
    #[error(transparent)]
    Bad(#[from] BadProxyHeader),
    /// The connection ended or broke; an end before the first byte is `UnexpectedEof`, too.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads the header with which the connection begins.
///
/// # Errors
///
/// [`HeaderError`]; the connection is of no use then.
pub(crate) async fn read_proxy_header(transport: &mut Transport) -> Result<Said, HeaderError> {
    let mut buffer = Buffer::new(LOOK_LEN);
    loop {
        if transport.read_spare(&mut buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if let Some(header) = parse(&buffer)? {
            let tlvs = header.tlvs.of(&buffer).into();
            transport.put_back(&buffer[header.len..]);
            let endpoints = header.endpoints;
            return Ok(Said {
                endpoints,
                tlvs,
                is_intact: header.is_intact,
            });
        }
        if buffer.spare() == 0 {
            if buffer.len() >= HEADER_LEN_MAX {
                return Err(BadProxyHeader::TooLarge.into());
            }
            buffer.grow(HEADER_LEN_MAX);
        }
    }
}

/// Sends a header of version 1; none for `endpoints` says `UNKNOWN`.
///
/// # Errors
///
/// The connection's.
pub(crate) async fn write_proxy_v1(
    transport: &mut Transport,
    endpoints: Option<Endpoints>,
) -> io::Result<()> {
    let mut buffer = Buffer::new(LOOK_LEN);
    encode_v1(endpoints, &mut buffer);
    transport.write_all(&buffer).await
}

/// Sends a header of version 2 with TLVs and a checksum.
///
/// # Errors
///
/// The connection's; `InvalidInput` where the header would be longer than receivers take.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "nothing in a configuration asks for it yet")
)]
pub(crate) async fn write_proxy_v2(
    transport: &mut Transport,
    endpoints: Option<Endpoints>,
    tlvs: &[(u8, &[u8])],
) -> io::Result<()> {
    let mut buffer = Buffer::new(LOOK_LEN);
    encode_v2(endpoints, tlvs, true, &mut buffer)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    transport.write_all(&buffer).await
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;
    use super::*;
    use http_wire::proxy_protocol::find_tlv;
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;

    fn run<F: Future>(work: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    }

    fn pair() -> (Transport, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Transport::unix(ours, Endpoint::unnamed()), theirs)
    }

    fn endpoints() -> Endpoints {
        Endpoints {
            source: "192.0.2.1:1111".parse().unwrap(),
            destination: "192.0.2.2:80".parse().unwrap(),
        }
    }

    /// Sends `pieces` one after the other; returns what was read, and what is left for the next reader.
    fn check(pieces: Vec<Vec<u8>>) -> (Result<Said, HeaderError>, Vec<u8>) {
        run(async {
            let (mut ours, mut theirs) = pair();
            let send = async move {
                for piece in pieces {
                    theirs.write_all(&piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
                drop(theirs);
            };
            let (said, ()) = tokio::join!(read_proxy_header(&mut ours), send);
            let mut rest = Vec::new();
            ours.read_to_end(&mut rest).await.unwrap();
            (said, rest)
        })
    }

    #[test]
    fn what_follows_is_still_there() {
        let line = b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\nGET / HTTP/1.0\r\n";
        let whole = vec![line.to_vec()];
        let bytes = line.iter().map(|byte| vec![*byte]).collect();
        for pieces in [whole, bytes] {
            let (said, rest) = check(pieces);
            let said = said.unwrap();
            assert_eq!(said.endpoints, Some(endpoints()));
            assert_eq!(
                (&*said.tlvs, &rest[..]),
                (&b""[..], &b"GET / HTTP/1.0\r\n"[..])
            );
        }
    }

    #[test]
    fn a_long_header_with_tlvs() {
        let mut header = Vec::new();
        let mut tlvs = vec![0xe0, 0x07, 0xd0];
        tlvs.resize(3 + 2000, b'x');
        encode_v2(Some(endpoints()), &[(0xe0, &tlvs[3..])], false, &mut header).unwrap();
        header.extend_from_slice(b"rest");
        let (said, rest) = check(vec![header]);
        let said = said.unwrap();
        assert_eq!(said.endpoints, Some(endpoints()));
        assert_eq!((&*said.tlvs, &rest[..]), (&tlvs[..], &b"rest"[..]));
    }

    #[test]
    fn what_is_none() {
        for bytes in [&b"GET / HTTP/1.0\r\n"[..], b"PROXY TCP4 192.0.2.1\r\n"] {
            let (said, _) = check(vec![bytes.to_vec()]);
            assert!(matches!(said, Err(HeaderError::Bad(_))), "{said:?}");
        }
        for bytes in [&b""[..], b"PROXY TCP4 "] {
            let (said, _) = check(vec![bytes.to_vec()]);
            assert!(matches!(said, Err(HeaderError::Io(_))), "{said:?}");
        }
    }

    #[test]
    fn the_second_version_there_and_back() {
        run(async {
            let (mut ours, theirs) = pair();
            let mut theirs = Transport::unix(theirs, Endpoint::unnamed());
            let tlvs: &[(u8, &[u8])] = &[(2, b"a.test")];
            write_proxy_v2(&mut ours, Some(endpoints()), tlvs)
                .await
                .unwrap();
            let said = read_proxy_header(&mut theirs).await.unwrap();
            assert_eq!(said.endpoints, Some(endpoints()));
            assert_eq!(find_tlv(&said.tlvs, 2), Some(&b"a.test"[..]));
        });
    }

    #[test]
    fn writing() {
        run(async {
            let (mut ours, mut theirs) = pair();
            write_proxy_v1(&mut ours, Some(endpoints())).await.unwrap();
            write_proxy_v1(&mut ours, None).await.unwrap();
            drop(ours);
            let mut got = String::new();
            theirs.read_to_string(&mut got).await.unwrap();
            let expected = "PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\nPROXY UNKNOWN\r\n";
            assert_eq!(got, expected);
        });
    }
}
