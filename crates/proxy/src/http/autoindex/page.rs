//! A listing for people.

use std::io::Write;

use http_wire::escape::{EscapeSet, escape};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::entries::{Entry, Kind};

/// How many characters of a name are shown.
const NAME_MAX: usize = 50;

/// Appends the page.
pub(super) fn write(
    uri: &[u8],
    entries: &[Entry],
    localtime: bool,
    exact_size: bool,
    out: &mut Vec<u8>,
) {
    let zone = if localtime {
        TimeZone::system()
    } else {
        TimeZone::UTC
    };
    out.extend_from_slice(b"<html>\r\n<head><title>Index of ");
    html(uri, out);
    out.extend_from_slice(b"</title></head>\r\n<body>\r\n<h1>Index of ");
    html(uri, out);
    out.extend_from_slice(b"</h1><hr><pre><a href=\"../\">../</a>\r\n");
    for entry in entries {
        line(entry, &zone, exact_size, out);
    }
    out.extend_from_slice(b"</pre><hr></body>\r\n</html>\r\n");
}

fn line(entry: &Entry, zone: &TimeZone, exact_size: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<a href=\"");
    escape(&entry.name, EscapeSet::Component, out);
    let is_folder = entry.kind == Kind::Folder;
    if is_folder {
        out.push(b'/');
    }
    out.extend_from_slice(b"\">");
    let text = String::from_utf8_lossy(&entry.name);
    let mut shown = text.chars().count();
    if shown > NAME_MAX {
        let head: String = text.chars().take(NAME_MAX - 3).collect();
        html(head.as_bytes(), out);
        out.extend_from_slice(b"..&gt;</a>");
        shown = NAME_MAX;
    } else {
        html(text.as_bytes(), out);
        if is_folder && shown < NAME_MAX {
            out.push(b'/');
            shown += 1;
        }
        out.extend_from_slice(b"</a>");
    }
    out.resize(out.len() + NAME_MAX - shown + 1, b' ');
    let time = Timestamp::from_second(entry.modified).unwrap_or_default();
    let time = time.to_zoned_datetime(zone.clone());
    // Writing to a vector does not fail.
    let _ = write!(out, "{} ", time.strftime("%d-%b-%Y %H:%M"));
    let _ = match (is_folder, exact_size) {
        (true, true) => write!(out, "{:>19}", "-"),
        (true, false) => write!(out, "{:>7}", "-"),
        (false, true) => write!(out, "{:>19}", entry.len),
        (false, false) => write!(out, "{}", rounded(entry.len)),
    };
    out.extend_from_slice(b"\r\n");
}

fn rounded(len: u64) -> String {
    const K: u64 = 1 << 10;
    let in_units = |unit: u64, letter: char| format!("{:>6}{letter}", (len + unit / 2) / unit);
    match len {
        0..=9999 => format!(" {len:>6}"),
        10_000..0x10_0000 => in_units(K, 'K'),
        0x10_0000..0x4000_0000 => in_units(K * K, 'M'),
        _ => in_units(K * K * K, 'G'),
    }
}

/// Appends text so that it is nothing but text in a page.
pub(super) fn html(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries::{Entry, Kind};
    use super::{TimeZone, line, rounded};

    #[test]
    fn lines() {
        let check = |name: &str, kind, exact, wanted: &str| {
            let entry = Entry {
                name: name.into(),
                kind,
                modified: 784_111_777,
                len: 123_456,
            };
            let mut out = Vec::new();
            line(&entry, &TimeZone::UTC, exact, &mut out);
            let text = String::from_utf8(out).unwrap();
            let text: Vec<_> = text.split_whitespace().collect();
            assert_eq!(text.join(" "), wanted);
        };
        check(
            "a b",
            Kind::File,
            true,
            "<a href=\"a%20b\">a b</a> 06-Nov-1994 08:49 123456",
        );
        check(
            "f",
            Kind::Folder,
            true,
            "<a href=\"f/\">f/</a> 06-Nov-1994 08:49 -",
        );
        check(
            "<&",
            Kind::File,
            false,
            "<a href=\"%3C%26\">&lt;&amp;</a> 06-Nov-1994 08:49 121K",
        );
        let long = "x".repeat(60);
        let shown = format!(
            "<a href=\"{long}\">{}..&gt;</a> 06-Nov-1994 08:49 123456",
            &long[..47]
        );
        check(&long, Kind::File, true, &shown);
    }

    #[test]
    fn sizes() {
        for (len, wanted) in [
            (0, "      0"),
            (9999, "   9999"),
            (10_000, "    10K"),
            (1_572_864, "     2M"),
            (5 << 30, "     5G"),
        ] {
            assert_eq!(rounded(len), wanted, "{len}");
        }
    }
}
