//! Reading a file without keeping a worker from its other connections.
//!
//! A worker asks the system for what it has in memory and nothing else (`preadv2` with `RWF_NOWAIT`): that costs it a copy of at
//! most [`PIECE`] bytes between two writes to the client. What would have to come from a disk is read by a thread of the
//! runtime's pool while the worker goes on; a hop to another thread costs more than the copy, so it is made only then. Opening
//! a file is done at once, as nginx does it: names that are asked for are in the system's memory nearly always.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, ReadWriteFlags};

use crate::net::Buffer;

/// What is read at once: the largest buffer that the pool keeps.
const PIECE: usize = 64 << 10;

/// A file that is open, and the piece of it that was read last.
pub(super) struct Reader {
    file: Arc<File>,
    found: Metadata,
    piece: Buffer,
}

impl Reader {
    /// Opens a file, or a folder to see that it is one. A pipe is not waited for.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let found = file.metadata()?;
        Ok(Self {
            file: Arc::new(file),
            found,
            piece: Buffer::default(),
        })
    }

    pub(super) fn is_folder(&self) -> bool {
        self.found.is_dir()
    }

    pub(super) fn is_file(&self) -> bool {
        self.found.is_file()
    }

    pub(super) fn len(&self) -> u64 {
        self.found.len()
    }

    /// When it was changed, in seconds since 1970.
    pub(super) fn modified(&self) -> i64 {
        self.found.mtime()
    }

    /// What was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.piece
    }

    /// Reads a piece at `offset` of at most `wanted` bytes; ready with its length, 0 at the end of the file.
    pub(super) async fn read(&mut self, offset: u64, wanted: u64) -> io::Result<usize> {
        let len = usize::try_from(wanted).unwrap_or(PIECE).min(PIECE);
        self.piece.grow(len);
        self.piece.resize(len, 0);
        let mut into = [IoSliceMut::new(&mut self.piece)];
        let flags = ReadWriteFlags::NOWAIT;
        let count = match rustix::io::preadv2(&*self.file, &mut into, offset, flags) {
            Ok(count) => count,
            Err(Errno::INTR) => return Box::pin(self.read(offset, wanted)).await,
            // It is not in memory, or the file's system cannot say whether it is.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                self.read_elsewhere(offset).await?
            }
            Err(error) => return Err(error.into()),
        };
        self.piece.truncate(count);
        Ok(count)
    }

    async fn read_elsewhere(&mut self, offset: u64) -> io::Result<usize> {
        let file = self.file.clone();
        let mut piece = std::mem::take(&mut *self.piece);
        let read = tokio::task::spawn_blocking(move || {
            let count = std::os::unix::fs::FileExt::read_at(&*file, &mut piece, offset);
            (piece, count)
        });
        let (piece, count) = read.await.map_err(io::Error::other)?;
        *self.piece = piece;
        count
    }
}
