//! The families of variables: `$http_…`, `$sent_http_…`, `$arg_…`, `$cookie_…`.

use std::io::Write;

use super::Request;

/// A field of the request; several of one name are joined, as nginx joins them.
pub(crate) fn request_field(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let joint: &[u8] = if name == "cookie" { b"; " } else { b", " };
    let fields = request.fields();
    let values = fields.filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
    join(values.map(|(_, value)| value), joint, out)
}

fn join<'v>(values: impl Iterator<Item = &'v [u8]>, joint: &[u8], out: &mut Vec<u8>) -> bool {
    let mut found = false;
    for value in values {
        if found {
            out.extend_from_slice(joint);
        }
        found = true;
        out.extend_from_slice(value);
    }
    found
}

/// A field of the response, those among them that are made from its other values.
pub(crate) fn sent_field(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let response = &request.response;
    let text = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(bytes);
        !bytes.is_empty()
    };
    match name {
        "content-type" => return text(out, &response.content_type),
        "location" if !response.location.is_empty() => return text(out, &response.location),
        "content-length" => {
            if let Some(len) = response.content_length {
                // Writing to a vector does not fail.
                let _ = write!(out, "{len}");
            }
            return response.content_length.is_some();
        }
        "last-modified" => {
            if let Some(time) = response.last_modified {
                http_wire::date::write_date(u64::try_from(time).unwrap_or(0), out);
                return true;
            }
        }
        "connection" => {
            return text(
                out,
                match (response.status, request.keeps_alive) {
                    (101, _) => b"upgrade",
                    (_, true) => b"keep-alive",
                    (_, false) => b"close",
                },
            );
        }
        "keep-alive" => {
            let time = request.location.core.keepalive_header;
            let time = time.filter(|_| request.keeps_alive);
            if let Some(time) = time {
                let _ = write!(out, "timeout={}", time.as_secs());
            }
            return time.is_some();
        }
        "transfer-encoding" => {
            return text(out, if response.is_chunked { b"chunked" } else { b"" });
        }
        _ => {}
    }
    join(response.fields.all(name.as_bytes()), b", ", out)
}

/// A field behind the response's body.
pub(crate) fn sent_trailer(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let trailers = request.response.trailers.all(name.as_bytes());
    join(trailers, b", ", out)
}

/// An argument of the query: the first of that name, in either case.
pub(crate) fn arg(args: &[u8], name: &str, out: &mut Vec<u8>) -> bool {
    let name = name.as_bytes();
    let value = args.split(|byte| *byte == b'&').find_map(|pair| {
        let (key, value) = pair.split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    });
    out.extend_from_slice(value.unwrap_or_default());
    value.is_some()
}

/// A cookie: the first of that name, in either case.
pub(crate) fn cookie(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let cookies = request
        .fields()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"cookie"))
        .flat_map(|(_, value)| value.split(|byte| *byte == b';'));
    let name = name.as_bytes();
    for pair in cookies {
        let pair = pair.trim_ascii_start();
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        if pair[..at].trim_ascii_end().eq_ignore_ascii_case(name) {
            out.extend_from_slice(pair[at + 1..].trim_ascii_start());
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::arg;

    #[test]
    fn arguments() {
        let check = |args: &str, name: &str, value: Option<&str>| {
            let mut out = Vec::new();
            let found = arg(args.as_bytes(), name, &mut out);
            let got = found.then(|| String::from_utf8(out).unwrap());
            assert_eq!(got.as_deref(), value, "{args} {name}");
        };
        check("a=1&b=2", "b", Some("2"));
        check("a=1&B=2&b=3", "b", Some("2"));
        check("ab=1", "b", None);
        check("a=", "a", Some(""));
        check("a", "a", None);
        check("", "a", None);
    }
}
