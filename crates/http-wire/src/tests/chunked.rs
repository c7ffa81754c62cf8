//! Chunked bodies: what they decode to, and what is refused.

use crate::{BadChunk, CHUNK_END, ChunkedDecoder, LAST_CHUNK, Step, write_chunk_head};

/// Decodes in pieces of that many bytes: the data, and where the body ended.
fn decode(input: &[u8], piece: usize) -> Result<(Vec<u8>, Option<usize>, String), BadChunk> {
    let mut decoder = ChunkedDecoder::default();
    let mut data = Vec::new();
    for (index, buf) in input.chunks(piece.max(1)).enumerate() {
        let mut at = 0;
        loop {
            match decoder.decode(buf, at)? {
                Step::Data(range) => {
                    at = range.end;
                    data.extend_from_slice(&buf[range]);
                }
                Step::More => break,
                Step::End(end) => {
                    let trailers = decoder.trailers().escape_ascii().to_string();
                    return Ok((data, Some(index * piece + end), trailers));
                }
            }
        }
    }
    Ok((data, None, String::new()))
}

fn describe(input: &[u8]) -> String {
    let at_once = decode(input, input.len());
    for piece in [1, 2, 3, 7] {
        assert_eq!(at_once, decode(input, piece), "{}", input.escape_ascii());
    }
    match at_once {
        Ok((data, end, trailers)) => {
            let rest = end.map_or("more".to_owned(), |end| {
                format!("end {}", input[end..].escape_ascii())
            });
            let text = format!("{} {rest} {trailers}", data.escape_ascii());
            text.trim().to_owned()
        }
        Err(bad) => bad.to_string(),
    }
}

fn check(cases: &[(&[u8], &str)]) {
    for (input, expected) in cases {
        assert_eq!(describe(input), *expected, "{}", input.escape_ascii());
    }
}

#[test]
fn bodies() {
    check(&[
        (b"3\r\nabc\r\n0\r\n\r\nnext", "abc end next"),
        (b"A;x=\"y\" \r\n0123456789\r\n00\r\n\r\n", "0123456789 end"),
        (
            b"1\t\r\na\r\n1\r\nb\r\n0;last\r\nA: b\r\nc:\r\n\r\n",
            "ab end  A: b\\r\\nc:\\r\\n",
        ),
        (b"5\r\nab", "ab more"),
        (b"0\r\n", "more"),
    ]);
}

#[test]
fn what_is_refused() {
    check(&[
        (b"\r\n", "invalid chunk size"),
        (b"-1\r\n", "invalid chunk size"),
        (b"0x1\r\n", "invalid chunk size"),
        (b"1\na\r\n", "invalid chunk size"),
        (b"1\r\na\n0\r\n\r\n", "invalid chunk line end"),
        (b"1\r\nab", "invalid chunk line end"),
        (b"1\ra", "invalid chunk line end"),
        (b"1;a\nb", "invalid chunk line end"),
        (b"7fffffffffffffff\r\nx", "x more"),
        (b"8000000000000000\r\n", "too large chunk size"),
        (b"00000000000000001\r\n", "too large chunk size"),
        (b"0\r\n\n", "invalid chunk line end"),
        (b"0\r\na b: c\r\n", "invalid trailer line"),
        (b"0\r\n folded\r\n", "invalid trailer line"),
        (b"0\r\na: b\rc\r\n", "invalid chunk line end"),
        (b"0\r\na: \0\r\n", "invalid chunk line end"),
    ]);
}

#[test]
fn framing_is_bounded() {
    let long_extension = [b"1;".as_slice(), &[b'x'; 20_000]].concat();
    check(&[(&long_extension, "too long chunk extensions")]);
    let tiny = b"1;a-long-extension-for-so-little-of-data\r\na\r\n".repeat(2_000);
    check(&[(&tiny, "too long chunk extensions")]);
    let trailers = [b"0\r\n".as_slice(), &b"a: b\r\n".repeat(2_000)].concat();
    check(&[(&trailers, "too long trailers")]);
    let many = b"1\r\na\r\n".repeat(50_000);
    let (data, end, _) = decode(&many, 4096).unwrap();
    assert_eq!((data.len(), end), (50_000, None));
}

#[test]
fn what_is_encoded_is_decoded() {
    for len in [1, 9, 10, 15, 16, 255, 256, 4095, 65_536] {
        let body = vec![b'x'; len];
        let mut out = Vec::new();
        write_chunk_head(len, &mut out);
        assert_eq!(out, format!("{len:x}\r\n").as_bytes());
        out.extend_from_slice(&body);
        out.extend_from_slice(CHUNK_END);
        out.extend_from_slice(LAST_CHUNK);
        let expected = (body, Some(out.len()), String::new());
        assert_eq!(decode(&out, 1000), Ok(expected));
    }
}
