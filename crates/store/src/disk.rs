//! A directory tree of mutable files.

use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// One directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name inside its directory.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
}

/// A file system below one root. Paths are relative to it, with `/` between their parts.
///
/// Calls block. A new file, a link and a removal survive a power loss only once
/// [`Self::sync_dir`] has returned for their directory; bytes only once
/// [`DiskFile::sync_data`] has.
pub trait Disk: Send + Sync + 'static {
    /// Creates a directory and its parents, durably; it may exist.
    fn create_dir(&self, dir: &str) -> io::Result<()>;

    /// Creates an empty file; `AlreadyExists` where there is one.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// The files of a directory, sorted by name; none where the directory does not exist.
    fn list(&self, dir: &str) -> io::Result<Vec<Entry>>;

    /// Gives an existing file a second name; `AlreadyExists` where the name is taken.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Bytes that can still be written.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Writes all of `bytes` at `position`, beyond the end too.
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads up to `len` bytes at `position`; fewer only at the end of the file.
    fn read_at(&self, position: u64, len: usize) -> io::Result<Bytes>;

    /// The file's length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file off at `len` bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Returns when the bytes and the length are on the medium. After an error nothing is known of
    /// what was written since the last success, and a second call proves nothing: do not retry.
    fn sync_data(&self) -> io::Result<()>;
}
