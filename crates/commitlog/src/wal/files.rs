//! The WAL as append-only files of a local disk: one write and one sync per block.

use super::{Address, FILE_HEADER_LEN, Wal, WalError, scan};
use crate::frame::BlockHeader;
use base::{BoxFuture, Incarnation};
use bytes::Bytes;
use fail::fail_point;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Disk, DiskFile, Offload, offload};

const DIRECTORY: &str = "wal";
/// Open files kept for reading: enough for many readers far apart, few beside a process's descriptors.
const OPEN_FILES_MAX: usize = 128;

/// The embedded WAL.
pub struct FileWal {
    inner: Arc<Inner>,
    pool: Arc<dyn Offload>,
}

struct Inner {
    disk: Arc<dyn Disk>,
    incarnation: Incarnation,
    file_bytes_max: u32,
    tail: Mutex<Tail>,
    open: Mutex<HashMap<u64, Arc<dyn DiskFile>>>,
}

/// Where the next block goes.
struct Tail {
    next_file: u64,
    active: Option<Active>,
    failed: Option<Arc<io::Error>>,
}

struct Active {
    number: u64,
    file: Arc<dyn DiskFile>,
    len: u32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn path(number: u64) -> String {
    format!("{DIRECTORY}/{number:020}.wal")
}

impl FileWal {
    /// Opens the WAL of a directory. This incarnation's files come after those that are there and
    /// have up to `file_bytes_max` bytes; one is made when the first block arrives.
    pub fn open(
        disk: Arc<dyn Disk>,
        pool: Arc<dyn Offload>,
        incarnation: Incarnation,
        file_bytes_max: u32,
    ) -> io::Result<Self> {
        disk.create_dir(DIRECTORY)?;
        let next_file = numbers(&*disk)?.last().map_or(1, |last| last + 1);
        let tail = Mutex::new(Tail {
            next_file,
            active: None,
            failed: None,
        });
        let inner = Inner {
            disk,
            incarnation,
            file_bytes_max,
            tail,
            open: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            pool,
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let inner = self.inner.clone();
        offload(&*self.pool, move || work(&inner))
            .await
            .unwrap_or_else(|| Err(stopping()))
    }
}

fn stopping() -> io::Error {
    io::Error::other("the process is stopping")
}

/// File numbers in order; names that are not the WAL's are left alone.
fn numbers(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let entries = disk.list(DIRECTORY)?;
    Ok(entries
        .iter()
        .filter_map(|entry| entry.name.strip_suffix(".wal")?.parse().ok())
        .collect())
}

impl Inner {
    fn open(&self, number: u64) -> io::Result<Arc<dyn DiskFile>> {
        // Held while the file is opened, so that a file that is being removed does not stay open.
        let mut open = lock(&self.open);
        if let Some(file) = open.get(&number) {
            return Ok(file.clone());
        }
        let file = self.disk.open(&path(number))?;
        if open.len() >= OPEN_FILES_MAX {
            open.clear();
        }
        open.insert(number, file.clone());
        Ok(file)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let mut open = lock(&self.open);
        self.disk.remove(&path(number))?;
        open.remove(&number);
        drop(open);
        self.disk.sync_dir(DIRECTORY)
    }

    fn append(&self, block: &[u8]) -> Result<Address, WalError> {
        let mut tail = lock(&self.tail);
        if let Some(error) = &tail.failed {
            return Err(WalError::Failed(error.clone()));
        }
        let outcome = self.write_and_sync(&mut tail, block);
        if let Err(WalError::Failed(error)) = &outcome {
            tail.failed = Some(error.clone());
        }
        outcome
    }

    fn write_and_sync(&self, tail: &mut Tail, block: &[u8]) -> Result<Address, WalError> {
        let block_len =
            u32::try_from(block.len()).expect("the writer keeps blocks far below 4 GiB");
        // A block that is larger than a file may be has a file of its own.
        if tail.active.as_ref().is_some_and(|active| {
            active.len > FILE_HEADER_LEN
                && active.len.saturating_add(block_len) > self.file_bytes_max
        }) {
            tail.active = None;
        }
        if tail.active.is_none() {
            tail.active = Some(self.create(tail.next_file, block)?);
            tail.next_file += 1;
        }
        let Some(active) = &mut tail.active else {
            unreachable!("an active file was just made")
        };
        let position = active.len;
        if let Err(error) = active.file.write_at(u64::from(position), block) {
            if !is_full(&error) {
                return Err(failed(error));
            }
            // Give the part that was written back, so that readers and deletions have the room. It must
            // not come back after a power loss: the next block may be in another file.
            active.file.truncate(u64::from(position)).map_err(failed)?;
            active.file.sync_data().map_err(failed)?;
            return Err(WalError::Full(Arc::new(error)));
        }
        fail_point!("wal-sync-skipped", |_| {
            active.len += block_len;
            Ok(Address {
                file: active.number,
                position,
            })
        });
        active.file.sync_data().map_err(failed)?;
        active.len += block_len;
        Ok(Address {
            file: active.number,
            position,
        })
    }

    /// Makes a file whose name, header and emptiness are durable before a block goes into it.
    fn create(&self, number: u64, first_block: &[u8]) -> Result<Active, WalError> {
        let first_sequence = BlockHeader::parse(first_block).map_or(0, |header| header.sequence);
        let header = scan::file_header(self.incarnation, number, first_sequence);
        let made = self.disk.create(&path(number)).and_then(|file| {
            file.write_at(0, &header)?;
            file.sync_data()?;
            self.disk.sync_dir(DIRECTORY)?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Active {
                number,
                file,
                len: FILE_HEADER_LEN,
            }),
            Err(error) if is_full(&error) => {
                // The file may not have been made at all.
                let _ = self.disk.remove(&path(number));
                Err(WalError::Full(Arc::new(error)))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn failed(error: io::Error) -> WalError {
    WalError::Failed(Arc::new(error))
}

impl Wal for FileWal {
    fn in_flight_max(&self) -> usize {
        // A block may be torn only while no later one is on the disk: recovery tells a torn tail from
        // damage by that.
        1
    }

    fn append(&self, block: Bytes) -> BoxFuture<'static, Result<Address, WalError>> {
        let inner = self.inner.clone();
        let pool = self.pool.clone();
        Box::pin(async move {
            let done = offload(&*pool, move || inner.append(&block)).await;
            done.unwrap_or_else(|| Err(failed(stopping())))
        })
    }

    fn read(&self, from: Address, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        Box::pin(self.run(move |inner| {
            inner
                .open(from.file)?
                .read_at(u64::from(from.position), len)
        }))
    }

    fn files(&self) -> BoxFuture<'_, io::Result<Vec<u64>>> {
        Box::pin(self.run(|inner| numbers(&*inner.disk)))
    }

    fn len(&self, file: u64) -> BoxFuture<'_, io::Result<u64>> {
        Box::pin(self.run(move |inner| inner.open(file)?.len()))
    }

    fn roll(&self) -> u64 {
        let mut tail = lock(&self.inner.tail);
        tail.active = None;
        tail.next_file
    }

    fn cut(&self, file: u64, len: u32) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.run(move |inner| {
            if len <= FILE_HEADER_LEN {
                inner.remove(file)?;
                // No block was ever in it, so its number is free; without a checkpoint the first file
                // must be number 1.
                let mut tail = lock(&inner.tail);
                if tail.active.is_none() && tail.next_file == file + 1 {
                    tail.next_file = file;
                }
                return Ok(());
            }
            let opened = inner.open(file)?;
            opened.truncate(u64::from(len))?;
            opened.sync_data()
        }))
    }

    fn settle(&self, at: Address, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.run(move |inner| {
            let file = inner.open(at.file)?;
            file.write_at(u64::from(at.position), &bytes)?;
            file.sync_data()?;
            inner.disk.sync_dir(DIRECTORY)
        }))
    }

    fn remove(&self, file: u64) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.run(move |inner| inner.remove(file)))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.inner.disk.free_bytes()
    }
}
