//! The path of a request: brought to the form that locations are matched with, and that a file or an upstream is found by.
//!
//! A path is normalised once, as nginx does it: escapes are undone, `.` and `..` are resolved, slashes are merged, a
//! fragment is cut off. What leaves the root, has a zero byte or a broken escape is refused.

use std::ops::Range;

use memchr::memchr;
use thiserror::Error;

use crate::escape::{escaped_byte, unescape};

/// What a path and query came to; the path itself is in the buffer that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normal {
    /// The query, of the bytes that were given; empty where there is none.
    pub args: Range<usize>,
    /// Whether there is a `?`, were it the last character.
    pub has_query: bool,
    /// Whether the path differs from what was sent: it cannot be passed on without being escaped anew.
    pub changed: bool,
    /// Whether the path had an escape.
    pub escaped: bool,
}

/// A path that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadTarget {
    /// It does not start with a slash.
    #[error("path does not start with \"/\"")]
    NoSlash,
    /// A `%` is not followed by two digits.
    #[error("invalid escape in path")]
    Escape,
    /// There is a zero byte.
    #[error("zero byte in path")]
    Zero,
    /// A `..` leads above the root.
    #[error("path leaves the root")]
    AboveRoot,
}

/// Normalises a path with a query, as [`crate::RequestHead::path_and_query`] gives it, into `path`, whose content is replaced.
/// A query without a path belongs to the path `/`.
///
/// # Errors
/// What is wrong with it; 400 for the client.
pub fn normalise(raw: &[u8], merge_slashes: bool, path: &mut Vec<u8>) -> Result<Normal, BadTarget> {
    let (sent, args, has_query) = split(raw);
    path.clear();
    path.push(b'/');
    let mut rest = match sent.split_first() {
        Some((b'/', rest)) => rest,
        None if has_query => sent,
        _ => return Err(BadTarget::NoSlash),
    };
    let escaped = memchr(b'%', sent).is_some();
    // Where the segment starts that is being written.
    let mut segment = 1;
    loop {
        let plain = rest.iter().take_while(|byte| is_plain(**byte)).count();
        path.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let Some(first) = rest.first() else {
            break;
        };
        let mut byte = *first;
        let mut is_separator = byte == b'/';
        let mut taken = 1;
        if byte == b'%' {
            byte = escaped_byte(rest).ok_or(BadTarget::Escape)?;
            is_separator = byte == b'/';
            taken = 3;
        }
        rest = &rest[taken..];
        if byte == b'\0' {
            return Err(BadTarget::Zero);
        }
        if is_separator {
            segment = end_segment(path, segment, Some(merge_slashes))?;
        } else {
            path.push(byte);
        }
    }
    end_segment(path, segment, None)?;
    Ok(Normal {
        changed: path != sent,
        args,
        has_query,
        escaped,
    })
}

/// Resolves the segment that starts there and, unless the path ends, begins the next one, whose start is returned.
fn end_segment(
    path: &mut Vec<u8>,
    segment: usize,
    merge_slashes: Option<bool>,
) -> Result<usize, BadTarget> {
    match &path[segment..] {
        b"." => path.truncate(segment),
        b".." => {
            let parent = path[..segment - 1].iter().rposition(|byte| *byte == b'/');
            path.truncate(parent.ok_or(BadTarget::AboveRoot)? + 1);
        }
        b"" if merge_slashes == Some(true) => {}
        _ if merge_slashes.is_some() => path.push(b'/'),
        _ => {}
    }
    Ok(path.len())
}

const fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'/' | b'%' | b'\0')
}

/// The path, the query's place and whether there is one; a fragment belongs to neither.
fn split(raw: &[u8]) -> (&[u8], Range<usize>, bool) {
    let end = memchr(b'#', raw).unwrap_or(raw.len());
    match memchr(b'?', &raw[..end]) {
        Some(mark) => (&raw[..mark], mark + 1..end, true),
        None => (&raw[..end], end..end, false),
    }
}

/// The path of an internal redirect that an upstream asks for (X-Accel-Redirect), unescaped into `path`, and its query. Nothing
/// where it has a segment `..` or a zero byte: an upstream may name what it likes, but not step out of it.
#[must_use]
pub fn internal<'a>(uri: &'a [u8], path: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mark = memchr(b'?', uri);
    let sent = &uri[..mark.unwrap_or(uri.len())];
    path.clear();
    unescape(sent, path);
    let climbs = |path: &[u8]| path.split(|byte| *byte == b'/').any(|part| part == b"..");
    let is_unsafe = sent.is_empty() || climbs(path) || memchr(b'\0', path).is_some();
    (!is_unsafe).then(|| mark.map_or(&[][..], |mark| &uri[mark + 1..]))
}
