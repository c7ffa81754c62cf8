//! What is in a folder.

use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is listed at most: more would be no help to anybody and cost much memory.
const ENTRIES_MAX: usize = 100_000;

/// A file or a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    /// Seconds since 1970.
    pub(super) modified: i64,
    pub(super) len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Folder,
    File,
    Other,
}

/// Reads a folder: folders first, each kind by name. Names that begin with a dot, and links to nowhere, are left out.
pub(super) fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for found in std::fs::read_dir(folder)?.take(ENTRIES_MAX) {
        let found = found?;
        let name = found.file_name().into_vec();
        if name.starts_with(b".") {
            continue;
        }
        // A link is what it leads to.
        let Ok(metadata) = std::fs::metadata(found.path()) else {
            continue;
        };
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_file() {
            Kind::File
        } else {
            Kind::Other
        };
        entries.push(Entry {
            name,
            kind,
            modified: metadata.mtime(),
            len: metadata.len(),
        });
    }
    entries.sort_by(|a, b| {
        let rank = |entry: &Entry| entry.kind != Kind::Folder;
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(entries)
}
