//! The write-ahead log's seam: an ordered sequence of blocks in numbered files.
//!
//! The embedded back end ([`files::FileWal`]) keeps many blocks in a file of a local disk. A back
//! end over an object store keeps one block in an object; for the log above both are the same.

mod files;
mod scan;

pub use files::FileWal;
pub(crate) use scan::{Blocks, FILE_HEADER_LEN, Scan, Tail, scan};

use base::BoxFuture;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// Where bytes of the WAL lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Number of the file; files are numbered from 1 without reuse.
    pub file: u64,
    /// Byte position inside it.
    pub position: u32,
}

/// Why a block was not made durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WalError {
    /// There is no room. Nothing was written; the same block may be given again.
    #[error("no space is left for the WAL: {0}")]
    Full(Arc<io::Error>),
    /// It is not known what was written. This WAL takes no more blocks; start again from what is stored.
    #[error("the WAL failed: {0}")]
    Failed(Arc<io::Error>),
}

/// The sequence of blocks of one incarnation, and the files of its predecessors.
pub trait Wal: Send + Sync + 'static {
    /// How many blocks may be under way at once.
    fn in_flight_max(&self) -> usize;

    /// Makes `block` durable behind every block given before. Completes with where it starts.
    fn append(&self, block: Bytes) -> BoxFuture<'static, Result<Address, WalError>>;

    /// Reads up to `len` bytes; fewer only at the end of the file.
    fn read(&self, from: Address, len: usize) -> BoxFuture<'_, io::Result<Bytes>>;

    /// The numbers of all files that exist, ascending.
    fn files(&self) -> BoxFuture<'_, io::Result<Vec<u64>>>;

    /// Length of a file in bytes.
    fn len(&self, file: u64) -> BoxFuture<'_, io::Result<u64>>;

    /// Ends the file that is being written; the next block starts another. Returns the number that
    /// the next file will have.
    fn roll(&self) -> u64;

    /// Cuts a file of a predecessor off at `len` bytes, durably; the file goes where nothing is left.
    fn cut(&self, file: u64, len: u32) -> BoxFuture<'_, io::Result<()>>;

    /// Writes bytes that a predecessor left, and may not have synced, once more and syncs them.
    fn settle(&self, at: Address, bytes: Bytes) -> BoxFuture<'_, io::Result<()>>;

    /// Removes a file that nothing refers to any more.
    fn remove(&self, file: u64) -> BoxFuture<'_, io::Result<()>>;

    /// Bytes that can still be written.
    fn free_bytes(&self) -> io::Result<u64>;
}
