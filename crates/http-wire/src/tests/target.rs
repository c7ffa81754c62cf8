//! Paths, escapes and dates.

use crate::date::{parse_date, write_date};
use crate::escape::{EscapeSet, escape, unescape};
use crate::target::{internal, normalise};

fn describe(raw: &[u8], merge_slashes: bool) -> String {
    let mut path = b"left over".to_vec();
    match normalise(raw, merge_slashes, &mut path) {
        Ok(normal) => {
            let mut out = path.escape_ascii().to_string();
            if normal.has_query {
                out += &format!(" ?{}", raw[normal.args].escape_ascii());
            }
            if normal.changed {
                out + " changed"
            } else {
                out
            }
        }
        Err(bad) => bad.to_string(),
    }
}

#[test]
fn paths() {
    let cases: &[(&[u8], &str)] = &[
        (b"/", "/"),
        (b"/a/b.c", "/a/b.c"),
        (b"/a?b=/../c", "/a ?b=/../c"),
        (b"/a?", "/a ?"),
        (b"?q", "/ ?q changed"),
        (b"/a#b?c", "/a"),
        (b"/a?b#c", "/a ?b"),
        (b"//a///b/", "/a/b/ changed"),
        (b"/.", "/ changed"),
        (b"/./a/.", "/a/ changed"),
        (b"/a/..", "/ changed"),
        (b"/a/b/../c/../..", "/ changed"),
        (b"/a/../", "/ changed"),
        (b"/a//../b", "/b changed"),
        (b"/a/..b/...", "/a/..b/..."),
        (b"/.a/b..", "/.a/b.."),
        (b"/a/../?x", "/ ?x changed"),
        (b"/%61%2Fb", "/a/b changed"),
        (b"/a%2f%2e%2E/b", "/b changed"),
        (b"/a%3Fb%23c%25d%2e", "/a?b#c%d. changed"),
        (b"/a%0d%0aX:", "/a\\r\\nX: changed"),
        (b"/\xff", "/\\xff"),
        (b"/..", "path leaves the root"),
        (b"/a/../..", "path leaves the root"),
        (b"/%2e%2e/a", "path leaves the root"),
        (b"/a/%2e%2e%2f..", "path leaves the root"),
        (b"/%", "invalid escape in path"),
        (b"/%4", "invalid escape in path"),
        (b"/%4g", "invalid escape in path"),
        (b"/%4?1", "invalid escape in path"),
        (b"/a%00", "zero byte in path"),
        (b"/a\0", "zero byte in path"),
        (b"", "path does not start with \"/\""),
        (b"a", "path does not start with \"/\""),
        (b"a?b", "path does not start with \"/\""),
    ];
    for (raw, expected) in cases {
        assert_eq!(describe(raw, true), *expected, "{}", raw.escape_ascii());
    }
}

#[test]
fn slashes_that_are_not_merged() {
    let cases: &[(&[u8], &str)] = &[
        (b"//a///b/", "//a///b/"),
        (b"/a//../b", "/a/b changed"),
        (b"/a//./b", "/a//b changed"),
        (b"//..", "/ changed"),
        (b"//../..", "path leaves the root"),
    ];
    for (raw, expected) in cases {
        assert_eq!(describe(raw, false), *expected, "{}", raw.escape_ascii());
    }
}

#[test]
fn redirects_that_upstreams_ask_for() {
    let cases: &[(&[u8], &str)] = &[
        (b"/a%20b?c=%20", "/a b ?c=%20"),
        (b"@named", "@named ?"),
        (b"/a..b/..c", "/a..b/..c ?"),
        (b"/a?../", "/a ?../"),
        (b"", "unsafe"),
        (b"?a", "unsafe"),
        (b"../a", "unsafe"),
        (b"/a/..", "unsafe"),
        (b"/a/%2e./b", "unsafe"),
        (b"/a%2f..%2fb", "unsafe"),
        (b"/%00", "unsafe"),
    ];
    for (uri, expected) in cases {
        let mut path = Vec::new();
        let found = match internal(uri, &mut path) {
            Some(args) => format!("{} ?{}", path.escape_ascii(), args.escape_ascii()),
            None => "unsafe".to_owned(),
        };
        assert_eq!(found, *expected, "{}", uri.escape_ascii());
    }
}

/// The printable characters that a set escapes; all others are the same in every set.
fn printable(set: EscapeSet) -> String {
    let printable = (0x21..0x7f).filter(|byte| set.has(*byte));
    printable.map(char::from).collect()
}

#[test]
fn sets_of_escapes() {
    let alphanumeric =
        |set: EscapeSet| (0..=255u8).any(|b| b.is_ascii_alphanumeric() && set.has(b));
    let cases = [
        (EscapeSet::Uri, "\"#%<>?\\^`{|}"),
        (EscapeSet::Args, "\"#%&+;<>?\\^`{|}"),
        (EscapeSet::Component, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}"),
        (EscapeSet::Html, "\"#%'<>\\^`{|}"),
        (EscapeSet::Refresh, "\"'<>\\^`{|~"),
    ];
    for (set, expected) in cases {
        assert_eq!(printable(set), expected, "{set:?}");
        assert!(!alphanumeric(set), "{set:?}");
        let others = (0..=0x20u8).chain(0x7f..=0xff);
        assert!(others.into_iter().all(|byte| set.has(byte)), "{set:?}");
        let every: Vec<u8> = (0..=255).collect();
        let (mut escaped, mut back) = (Vec::new(), Vec::new());
        escape(&every, set, &mut escaped);
        assert!(escaped.iter().all(|byte| matches!(byte, 0x21..0x7f)));
        if set.has(b'%') {
            unescape(&escaped, &mut back);
            assert_eq!(back, every, "{set:?}");
        }
    }
    let mut out = Vec::new();
    escape(b"\r\n\xfe a", EscapeSet::Uri, &mut out);
    assert_eq!(out, b"%0D%0A%FE%20a");
    out.clear();
    unescape(b"%zz%4%41%", &mut out);
    assert_eq!(out, b"%zz%4A%");
}

#[test]
fn dates_that_are_written() {
    let cases = [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_164_799, "Wed, 28 Feb 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ];
    for (seconds, expected) in cases {
        let mut out = Vec::new();
        write_date(seconds, &mut out);
        assert_eq!(out, expected.as_bytes());
        let back = seconds.min(253_402_300_799);
        assert_eq!(parse_date(&out), Some(back), "{expected}");
    }
    for day in 0..150_000 {
        let mut out = Vec::new();
        write_date(day * 86_400, &mut out);
        assert_eq!(parse_date(&out), Some(day * 86_400));
    }
}

#[test]
fn dates_that_are_read() {
    let cases = [
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Sun Nov 16 08:49:37 1994", Some(784_975_777)),
        (" Sun, 06 Nov 1994 08:49:37 GMT ", Some(784_111_777)),
        ("Monday, 01-Jan-69 00:00:00 GMT", Some(3_124_224_000)),
        ("Sun, 06 Nov 1994 08:49:60 GMT", Some(784_111_800)),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 29 Feb 1994 08:49:37 GMT", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1969 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:60:00 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08-49-37 GMT", None),
        ("Sun Nov  6 08:49:37 19945", None),
        ("Sun, ", None),
        ("0", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_date(text.as_bytes()), expected, "{text}");
    }
}
