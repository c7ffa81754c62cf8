//! Listings for programs.

use std::io::Write;

use jiff::Timestamp;

use super::entries::{Entry, Kind};
use super::page::html;

/// Appends a list in JSON, as the argument of a function where one is named.
pub(super) fn json(entries: &[Entry], callback: &[u8], out: &mut Vec<u8>) {
    if !callback.is_empty() {
        out.extend_from_slice(b"/* callback */\r\n");
        out.extend_from_slice(callback);
        out.push(b'(');
    }
    out.push(b'[');
    for (index, entry) in entries.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let name = serde_json::Value::from(String::from_utf8_lossy(&entry.name));
        let kind = kind(entry);
        // Writing to a vector does not fail.
        let _ = write!(
            out,
            "{comma}\r\n{{ \"name\":{name}, \"type\":\"{kind}\", \"mtime\":\""
        );
        http_wire::date::write_date(u64::try_from(entry.modified).unwrap_or(0), out);
        out.push(b'"');
        if entry.kind == Kind::File {
            let _ = write!(out, ", \"size\":{}", entry.len);
        }
        out.extend_from_slice(b" }");
    }
    out.extend_from_slice(b"\r\n]");
    if !callback.is_empty() {
        out.extend_from_slice(b");");
    }
}

/// Appends a list in XML.
pub(super) fn xml(entries: &[Entry], out: &mut Vec<u8>) {
    out.extend_from_slice(b"<?xml version=\"1.0\"?>\r\n<list>\r\n");
    for entry in entries {
        let kind = kind(entry);
        let time = Timestamp::from_second(entry.modified).unwrap_or_default();
        let time = time.strftime("%Y-%m-%dT%H:%M:%SZ");
        let _ = write!(out, "<{kind} mtime=\"{time}\"");
        if entry.kind == Kind::File {
            let _ = write!(out, " size=\"{}\"", entry.len);
        }
        out.push(b'>');
        html(&entry.name, out);
        let _ = write!(out, "</{kind}>\r\n");
    }
    out.extend_from_slice(b"</list>\r\n");
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        Kind::Folder => "directory",
        Kind::File => "file",
        Kind::Other => "other",
    }
}
