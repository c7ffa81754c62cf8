//! Reading batches back: the tail from memory, older data from the WAL's files through a bounded cache.
//!
//! Bytes that come from a file are compared with their checksum before anybody gets them. A batch
//! that does not fit is reported, counted and skipped; the batches after it are served.

use crate::commit::{PLACE_LEN, PLACES_COUNT_LEN, PLACES_MAX, Place, unpack_deposit};
use crate::file_index::{self, FileIndexes};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, Kind};
use crate::index::{Entry, Found, Page, up_to};
use crate::stream::{Bounds, Stream};
use crate::wal::{Address, Tail as FileTail, Wal, scan};
use base::{Offset, StreamId};
use bytes::{Bytes, BytesMut};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The newest blocks, kept in memory because most readers want just these, in bytes.
const TAIL_BYTES_MAX: usize = 32 << 20;
/// What is read of a file at once, in bytes: batches of a stream lie between those of others.
const CHUNK_LEN: u32 = 256 << 10;
/// Memory for chunks of files that were read, in bytes.
const CHUNK_CACHE_BYTES: u64 = 32 << 20;

/// How often a batch is looked for whose file went meanwhile: before a file goes the index forgets
/// it, so only another file can be missed the next time.
const TRIES: u32 = 4;
/// Length of the places behind a batch at most, in bytes.
const PLACES_BYTES_MAX: usize = PLACES_COUNT_LEN + PLACES_MAX * PLACE_LEN;

/// Why a read gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset lies before the log start or beyond the high watermark.
    #[error("the offset is outside {log_start}..={high_watermark}")]
    OutOfRange {
        /// The first offset that can be read.
        log_start: Offset,
        /// The offset behind the last durable record.
        high_watermark: Offset,
    },
    /// The medium or the store did not answer.
    #[error("the log cannot be read: {0}")]
    Io(#[from] io::Error),
}

#[derive(Default)]
struct Tail {
    blocks: VecDeque<(Address, Bytes)>,
    bytes: usize,
    /// File and position up to which everything is durable and will not change.
    end: (u64, u64),
}

#[derive(Clone)]
struct ChunkWeight;

impl Weighter<(u64, u32), Bytes> for ChunkWeight {
    fn weight(&self, _: &(u64, u32), chunk: &Bytes) -> u64 {
        chunk.len() as u64
    }
}

fn out_of_range(bounds: Bounds) -> ReadError {
    ReadError::OutOfRange {
        log_start: bounds.log_start,
        high_watermark: bounds.high_watermark,
    }
}

/// Reads batches.
pub(crate) struct Reader {
    wal: Arc<dyn Wal>,
    indexes: Arc<FileIndexes>,
    tail: RwLock<Tail>,
    chunks: Cache<(u64, u32), Bytes, ChunkWeight>,
    damaged_batches: AtomicU64,
}

impl Reader {
    pub(crate) fn new(wal: Arc<dyn Wal>, indexes: Arc<FileIndexes>) -> Self {
        // Until this incarnation has written, every file is a predecessor's and does not change.
        let tail = RwLock::new(Tail {
            end: (u64::MAX, 0),
            ..Tail::default()
        });
        let chunks = Cache::with_weighter(256, CHUNK_CACHE_BYTES, ChunkWeight);
        Self {
            wal,
            indexes,
            tail,
            chunks,
            damaged_batches: AtomicU64::new(0),
        }
    }

    /// Keeps a durable block for those who read the tail.
    pub(crate) fn remember(&self, at: Address, block: Bytes) {
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        tail.bytes += block.len();
        tail.end = (at.file, u64::from(at.position) + block.len() as u64);
        tail.blocks.push_back((at, block));
        while tail.bytes > TAIL_BYTES_MAX {
            let Some((_, oldest)) = tail.blocks.pop_front() else {
                break;
            };
            tail.bytes -= oldest.len();
        }
    }

    /// How many batches were found damaged when they were read.
    pub(crate) fn damaged_batches(&self) -> u64 {
        self.damaged_batches.load(Ordering::Relaxed)
    }

    /// The batches from the one that holds `offset` on, each with its base offset, up to `bytes_max`
    /// bytes of them, but one at least; none at the high watermark.
    pub(crate) async fn read(
        &self,
        stream: &Stream,
        offset: Offset,
        bytes_max: usize,
    ) -> Result<Vec<(Offset, Bytes)>, ReadError> {
        let bounds = stream.bounds();
        if offset < bounds.log_start || offset > bounds.high_watermark {
            return Err(out_of_range(bounds));
        }
        for tries_left in (0..TRIES).rev() {
            match self.collect(stream, offset, bytes_max).await {
                Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    // The file may have gone because the stream was trimmed, settled or removed since it
                    // was found.
                    let bounds = stream.bounds();
                    if stream.is_removed() {
                        break;
                    }
                    if offset < bounds.log_start {
                        return Err(out_of_range(bounds));
                    }
                    if tries_left == 0 {
                        return Err(error.into());
                    }
                }
                outcome => return outcome,
            }
        }
        Ok(Vec::new())
    }

    async fn collect(
        &self,
        stream: &Stream,
        offset: Offset,
        bytes_max: usize,
    ) -> Result<Vec<(Offset, Bytes)>, ReadError> {
        let (mut batches, mut next, mut left) = (Vec::new(), offset, bytes_max);
        loop {
            if !batches.is_empty() && left == 0 {
                return Ok(batches);
            }
            let Some((file, entries)) = self.locate(stream, next, left).await? else {
                return Ok(batches);
            };
            for entry in entries {
                let len = entry.len as usize;
                if !batches.is_empty() && len > left {
                    return Ok(batches);
                }
                if let Some(batch) = self.batch(stream.id(), file, &entry).await? {
                    batches.push((entry.base_offset, batch));
                    left = left.saturating_sub(len);
                }
                next = entry.last_offset() + 1;
            }
        }
    }

    /// Entries from `offset` on, of the first file that has any.
    async fn locate(
        &self,
        stream: &Stream,
        offset: Offset,
        bytes_max: usize,
    ) -> Result<Option<(u64, Vec<Entry>)>, ReadError> {
        let mut offset = offset;
        loop {
            match stream.find(offset, bytes_max) {
                None => return Ok(None),
                Some(Found::Entries { file, entries }) => return Ok(Some((file, entries))),
                Some(Found::Page(page)) => {
                    let entries = self.page(stream.id(), &page).await?;
                    let first = entries.partition_point(|entry| entry.last_offset() < offset);
                    let found = up_to(entries[first..].iter(), bytes_max);
                    if !found.is_empty() {
                        return Ok(Some((page.file, found)));
                    }
                    // Index and WAL are damaged in the same place.
                    offset = page.last_offset + 1;
                }
            }
        }
    }

    /// The entries of a page; where the index is damaged they come from the WAL file itself.
    pub(crate) async fn page(&self, stream: StreamId, page: &Page) -> io::Result<Arc<Vec<Entry>>> {
        let error = match self.indexes.page(page).await {
            Ok(entries) => return Ok(entries),
            Err(error) => error,
        };
        if !matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData
        ) {
            return Err(error);
        }
        let (file, position) = (page.file, 0);
        let bytes = self
            .wal
            .read(Address { file, position }, usize::MAX)
            .await?;
        tracing::error!(file, %stream, %error, "an index cannot be read; the WAL file is searched instead");
        let scan = scan(&bytes, FileTail::WasWhole)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let inside = |entry: &Entry| {
            entry.base_offset >= page.base_offset && entry.last_offset() <= page.last_offset
        };
        let entries: Vec<_> = file_index::entries_of(file, &scan.frames)
            .into_iter()
            .filter(|(id, _)| *id == stream)
            .flat_map(|(_, entries)| entries)
            .filter(inside)
            .collect();
        let entries = Arc::new(entries);
        self.indexes.keep(page, entries.clone());
        Ok(entries)
    }

    /// The first batch, at or after `from`, whose largest timestamp is at least `timestamp`.
    pub(crate) async fn at_timestamp(
        &self,
        stream: &Stream,
        timestamp: i64,
        from: Offset,
    ) -> Result<Option<(Offset, Bytes)>, ReadError> {
        let mut from = from;
        while let Some(found) = stream.find_timestamp(timestamp, from) {
            let (file, entry) = match found {
                Found::Entries { file, entries } => (file, entries.first().copied()),
                Found::Page(page) => {
                    let entries = self.page(stream.id(), &page).await?;
                    let fits = |entry: &&Entry| {
                        entry.last_offset() >= from && entry.max_timestamp >= timestamp
                    };
                    let Some(entry) = entries.iter().find(fits) else {
                        from = page.last_offset + 1;
                        continue;
                    };
                    (page.file, Some(*entry))
                }
            };
            let Some(entry) = entry else { return Ok(None) };
            if let Some(batch) = self.batch(stream.id(), file, &entry).await? {
                return Ok(Some((entry.base_offset, batch)));
            }
            from = entry.last_offset() + 1;
        }
        Ok(None)
    }

    /// A batch; `None` where it is damaged.
    pub(crate) async fn batch(
        &self,
        stream: StreamId,
        file: u64,
        entry: &Entry,
    ) -> io::Result<Option<Bytes>> {
        let start = Address {
            file,
            position: entry.position,
        };
        if let Some(batch) = self.find_in_tail(start, entry.len as usize) {
            return Ok(Some(batch));
        }
        let batch = self.frame_batch(stream, file, entry).await?;
        if batch.is_none() {
            self.damaged_batches.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%stream, offset = entry.base_offset, file, position = entry.position, "a batch is damaged and is not served");
        }
        Ok(batch)
    }

    /// The batch as the WAL file has it; `None` where that is not what the index says.
    async fn frame_batch(
        &self,
        stream: StreamId,
        file: u64,
        entry: &Entry,
    ) -> io::Result<Option<Bytes>> {
        let header_len = u32::try_from(FRAME_HEADER_LEN).unwrap_or(0);
        let start = entry.position.saturating_sub(header_len);
        let frame = self.read_file(file, start, header_len + entry.len).await?;
        let Some(header) = FrameHeader::parse_unverified(&frame) else {
            return Ok(None);
        };
        let len = entry.len as usize;
        match header.kind {
            // The index says what must be there; the payload has a checksum of its own.
            Kind::Batch | Kind::Moved
                if header.stream == stream
                    && header.base_offset == entry.base_offset
                    && header.payload_len == len =>
            {
                Ok(header.payload(&frame))
            }
            // The checksum is over the batch and the places behind it.
            Kind::Deposit if (len + 1..=len + PLACES_BYTES_MAX).contains(&header.payload_len) => {
                let whole = header_len + u32::try_from(header.payload_len).unwrap_or(0);
                let frame = self.read_file(file, start, whole).await?;
                let payload = header.payload(&frame);
                let place = Place {
                    stream,
                    offset: entry.base_offset,
                };
                let is_there = |payload: &Bytes| {
                    unpack_deposit(payload)
                        .is_ok_and(|(batch, places)| batch == len && places.contains(&place))
                };
                Ok(payload.filter(is_there).map(|payload| payload.slice(..len)))
            }
            _ => Ok(None),
        }
    }

    fn find_in_tail(&self, at: Address, len: usize) -> Option<Bytes> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let after = tail.blocks.partition_point(|(start, _)| *start <= at);
        let (start, block) = tail.blocks.get(after.checked_sub(1)?)?;
        if start.file != at.file {
            return None;
        }
        let from = usize::try_from(at.position.checked_sub(start.position)?).ok()?;
        (from + len <= block.len()).then(|| block.slice(from..from + len))
    }

    async fn read_file(&self, file: u64, position: u32, len: u32) -> io::Result<Bytes> {
        let end = position + len;
        let first = position / CHUNK_LEN;
        if (end - 1) / CHUNK_LEN == first {
            let chunk = self.chunk(file, first).await?;
            let from = (position - first * CHUNK_LEN) as usize;
            return Ok(chunk.slice(from.min(chunk.len())..(from + len as usize).min(chunk.len())));
        }
        let mut whole = BytesMut::with_capacity(len as usize);
        for number in first..=(end - 1) / CHUNK_LEN {
            let chunk = self.chunk(file, number).await?;
            let chunk_start = number * CHUNK_LEN;
            let from = position.saturating_sub(chunk_start) as usize;
            let to = ((end - chunk_start).min(CHUNK_LEN) as usize).min(chunk.len());
            whole.extend_from_slice(&chunk[from.min(to)..to]);
        }
        Ok(whole.freeze())
    }

    async fn chunk(&self, file: u64, number: u32) -> io::Result<Bytes> {
        if let Some(chunk) = self.chunks.get(&(file, number)) {
            return Ok(chunk);
        }
        // Looked at before the read: what is durable by then does not change any more. A chunk at the
        // end of the file that is being written still does, and is read again next time.
        let (active, end) = self.tail.read().unwrap_or_else(PoisonError::into_inner).end;
        let position = number * CHUNK_LEN;
        let chunk = self
            .wal
            .read(Address { file, position }, CHUNK_LEN as usize)
            .await?;
        let whole = chunk.len() == CHUNK_LEN as usize;
        if file < active || (whole && file == active && u64::from(position + CHUNK_LEN) <= end) {
            self.chunks.insert((file, number), chunk.clone());
        }
        Ok(chunk)
    }
}
