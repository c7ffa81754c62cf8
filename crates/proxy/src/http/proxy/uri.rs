//! The URI that a server is asked for.

use http_wire::escape::{EscapeSet, escape};

use super::super::Request;

/// Appends it. `uri` is that of `proxy_pass`; `is_whole` says that it had variables, so that it is all there is; `prefix` is
/// what it takes the place of.
pub(crate) fn append(
    request: &Request,
    uri: &[u8],
    is_whole: bool,
    prefix: &[u8],
    out: &mut Vec<u8>,
) {
    if is_whole && !uri.is_empty() {
        return clean(uri, out);
    }
    if uri.is_empty() && request.is_raw_uri_valid {
        return clean(request.raw_target(), out);
    }
    let skipped = if request.is_prefix_valid && !uri.is_empty() {
        prefix.len().min(request.uri.len())
    } else {
        0
    };
    if request.is_prefix_valid {
        clean(uri, out);
    }
    let rest = &request.uri[skipped..];
    if request.is_uri_normalised || request.internal {
        escape(rest, EscapeSet::Uri, out);
    } else {
        clean(rest, out);
    }
    if !request.args.is_empty() {
        out.push(b'?');
        clean(&request.args, out);
    }
}

/// Appends bytes; those that would end the line, or a word of it, are escaped whatever the configuration has made of them.
fn clean(bytes: &[u8], out: &mut Vec<u8>) {
    let ends = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    if !bytes.iter().any(ends) {
        return out.extend_from_slice(bytes);
    }
    for byte in bytes {
        if ends(byte) {
            escape(std::slice::from_ref(byte), EscapeSet::Uri, out);
        } else {
            out.push(*byte);
        }
    }
}
