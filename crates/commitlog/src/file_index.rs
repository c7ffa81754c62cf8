//! The index of one complete WAL file, as an object: `index/<file>` (`docs/formats/index.md`).
//!
//! It is derived data: where it is missing or damaged, the WAL file is scanned again.

use crate::frame::{Frame, Kind};
use crate::index::{Entry, PAGE_ENTRIES_MAX, Page};
use crate::placed_batch::{batch_of, has_next};
use base::{Packer, StreamId, Truncated, Unpacker};
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use store::{Creation, Objects};

const PREFIX: &str = "index";
const MAGIC: u32 = u32::from_le_bytes(*b"MSI1");
/// Magic, checksum and length of the directory.
const HEADER_LEN: usize = 12;
/// Stream, place, count, two offsets, timestamp and bytes of one page.
const DIRECTORY_ENTRY_LEN: usize = 8 + 8 + 4 + 8 + 8 + 8 + 8;
/// Checksum and count in front of a page's entries.
const PAGE_HEADER_LEN: usize = 8;
const ENTRY_LEN: usize = 28;
/// Memory for pages that readers of old data have loaded, in bytes.
const CACHE_BYTES: u64 = 8 << 20;

/// Reads and writes index objects; pages that were read are kept for a while.
pub(crate) struct FileIndexes {
    objects: Arc<dyn Objects>,
    pages: Cache<(u64, u64), Arc<Vec<Entry>>, PageWeight>,
}

#[derive(Clone)]
struct PageWeight;

impl Weighter<(u64, u64), Arc<Vec<Entry>>> for PageWeight {
    fn weight(&self, _: &(u64, u64), page: &Arc<Vec<Entry>>) -> u64 {
        (page.len() * size_of::<Entry>()) as u64
    }
}

fn name(file: u64) -> String {
    format!("{PREFIX}/{file:020}")
}

/// The object's bytes and its pages, for the entries of each stream in one file.
pub(crate) fn pack(
    file: u64,
    streams: &[(StreamId, Vec<Entry>)],
) -> (Bytes, Vec<(StreamId, Page)>) {
    let chunks: Vec<_> = streams
        .iter()
        .flat_map(|(stream, entries)| {
            entries
                .chunks(PAGE_ENTRIES_MAX)
                .map(|chunk| (*stream, chunk))
        })
        .collect();
    let mut place = (HEADER_LEN + 4 + chunks.len() * DIRECTORY_ENTRY_LEN) as u64;
    let mut pages = Vec::with_capacity(chunks.len());
    let mut directory = Packer::new();
    let mut body = Packer::new();
    directory.count(chunks.len());
    for (stream, entries) in chunks {
        let Some(page) = Page::of(file, place, entries) else {
            continue;
        };
        directory
            .u64(stream.0)
            .u64(page.place)
            .u32(page.count)
            .i64(page.base_offset)
            .i64(page.last_offset)
            .i64(page.max_timestamp)
            .u64(page.bytes);
        pages.push((stream, page));
        let mut packed = Packer::new();
        for entry in entries {
            packed
                .i64(entry.base_offset)
                .i64(entry.max_timestamp)
                .u32(entry.position)
                .u32(entry.len)
                .u32(entry.last_offset_delta);
        }
        let packed = packed.finish();
        body.u32(crc32c::crc32c(&packed)).bytes(&packed);
        place += (PAGE_HEADER_LEN + packed.len()) as u64;
    }
    let directory = directory.finish();
    let mut object = Packer::new();
    object
        .u32(MAGIC)
        .u32(crc32c::crc32c(&directory))
        .bytes(&directory);
    let mut bytes = object.finish().to_vec();
    bytes.extend_from_slice(&body.finish());
    (bytes.into(), pages)
}

/// The entries of a file's batches by stream, for an index that must be made again. A batch that was
/// moved stands by itself: it is not in the order of the others.
pub(crate) fn entries_of(file: u64, frames: &[(u32, Frame)]) -> Vec<(StreamId, Vec<Entry>)> {
    let mut streams: BTreeMap<StreamId, Vec<Entry>> = BTreeMap::new();
    let mut all = Vec::new();
    for (position, frame) in frames {
        let Some(batch) = batch_of(file, *position, frame) else {
            continue;
        };
        for (stream, entry) in batch.entries() {
            if frame.kind == Kind::Moved {
                all.push((stream, vec![entry]));
            } else {
                streams.entry(stream).or_default().push(entry);
            }
        }
    }
    all.extend(streams);
    all
}

fn unpack_directory(file: u64, bytes: Bytes) -> Result<Vec<(StreamId, Page)>, Truncated> {
    let mut input = Unpacker::new(bytes);
    let (magic, crc) = (input.u32()?, input.u32()?);
    let directory = input.bytes()?;
    if magic != MAGIC || crc32c::crc32c(&directory) != crc {
        return Err(Truncated);
    }
    let mut input = Unpacker::new(directory);
    let mut pages = Vec::new();
    for _ in 0..input.count(DIRECTORY_ENTRY_LEN)? {
        let stream = StreamId(input.u64()?);
        let page = Page {
            file,
            place: input.u64()?,
            count: input.u32()?,
            base_offset: input.i64()?,
            last_offset: input.i64()?,
            max_timestamp: input.i64()?,
            bytes: input.u64()?,
        };
        pages.push((stream, page));
    }
    Ok(pages)
}

/// The entries of a page; the error also stands for a wrong checksum and for impossible offsets.
pub(crate) fn unpack_page(bytes: Bytes) -> Result<Vec<Entry>, Truncated> {
    let mut input = Unpacker::new(bytes);
    let crc = input.u32()?;
    let packed = input.bytes()?;
    if crc32c::crc32c(&packed) != crc {
        return Err(Truncated);
    }
    let mut entries = Vec::with_capacity(packed.len() / ENTRY_LEN);
    let mut input = Unpacker::new(packed);
    while !input.is_empty() {
        let entry = Entry {
            base_offset: input.i64()?,
            max_timestamp: input.i64()?,
            position: input.u32()?,
            len: input.u32()?,
            last_offset_delta: input.u32()?,
        };
        if !has_next(entry.base_offset, entry.last_offset_delta) {
            return Err(Truncated);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Reads an object's directory and the pages that it lists, for the fuzzers; whether all were sound.
pub(crate) fn fuzz_index(file: u64, object: &Bytes) -> bool {
    let Ok(pages) = unpack_directory(file, object.clone()) else {
        return false;
    };
    pages.iter().all(|(_, page)| {
        // As a store does it: a range that begins or ends behind the object is cut short.
        let start = usize::try_from(page.place).map_or(object.len(), |at| at.min(object.len()));
        let end = (start + page_len(page)).min(object.len());
        unpack_page(object.slice(start..end)).is_ok()
    })
}

/// Length of a page with its header, in bytes.
fn page_len(page: &Page) -> usize {
    PAGE_HEADER_LEN + page.count as usize * ENTRY_LEN
}

fn damaged(file: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the index object {} is damaged", name(file)),
    )
}

impl FileIndexes {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        let pages = Cache::with_weighter(128, CACHE_BYTES, PageWeight);
        Self { objects, pages }
    }

    /// Writes the index of a file, in place of one that an earlier process may have left.
    pub(crate) async fn write(&self, file: u64, body: Bytes) -> io::Result<()> {
        if self.objects.create(&name(file), body.clone()).await? == Creation::Exists {
            self.objects.delete(&name(file)).await?;
            self.objects.create(&name(file), body).await?;
        }
        Ok(())
    }

    /// The pages that the index of a file lists.
    pub(crate) async fn directory(&self, file: u64) -> io::Result<Vec<(StreamId, Page)>> {
        let header = self.objects.get_range(&name(file), 0, HEADER_LEN).await?;
        let len = header
            .get(8..12)
            .map(|len| u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize);
        let len = len.ok_or_else(|| damaged(file))?;
        let bytes = self
            .objects
            .get_range(&name(file), 0, HEADER_LEN + len)
            .await?;
        unpack_directory(file, bytes).map_err(|Truncated| damaged(file))
    }

    /// The entries of a page.
    pub(crate) async fn page(&self, page: &Page) -> io::Result<Arc<Vec<Entry>>> {
        let key = (page.file, page.place);
        if let Some(entries) = self.pages.get(&key) {
            return Ok(entries);
        }
        let bytes = self
            .objects
            .get_range(&name(page.file), page.place, page_len(page))
            .await?;
        let entries = Arc::new(unpack_page(bytes).map_err(|Truncated| damaged(page.file))?);
        self.pages.insert(key, entries.clone());
        Ok(entries)
    }

    /// Keeps entries of a page that could not be read and were found in another way.
    pub(crate) fn keep(&self, page: &Page, entries: Arc<Vec<Entry>>) {
        self.pages.insert((page.file, page.place), entries);
    }

    /// Removes indexes of files that are not among `files`, which ascend: a crash may have come between the two removals.
    pub(crate) async fn remove_orphans(&self, files: &[u64]) -> io::Result<()> {
        for name in self.objects.list(PREFIX).await? {
            if let Ok(file) = name.parse()
                && files.binary_search(&file).is_err()
            {
                self.remove(file).await?;
            }
        }
        Ok(())
    }

    /// Removes the index of a file that goes.
    pub(crate) async fn remove(&self, file: u64) -> io::Result<()> {
        self.objects.delete(&name(file)).await
    }
}

#[cfg(test)]
mod tests {
    use super::{FileIndexes, pack};
    use crate::index::{Entry, PAGE_ENTRIES_MAX};
    use base::StreamId;
    use futures_util::FutureExt;
    use std::sync::Arc;
    use store::{InPlace, LocalObjects, SimDisk};

    #[test]
    fn what_is_written_is_found_and_damage_is_noticed() {
        let entry = |base_offset| Entry {
            base_offset,
            max_timestamp: 5 - base_offset,
            position: 64,
            len: 10,
            last_offset_delta: 0,
        };
        let many: Vec<_> = (0..PAGE_ENTRIES_MAX as i64 + 1).map(entry).collect();
        let (body, pages) = pack(
            3,
            &[(StreamId(1), many.clone()), (StreamId(2), vec![entry(9)])],
        );
        assert_eq!(pages.len(), 3);
        assert_eq!(
            (
                pages[0].1.max_timestamp,
                pages[1].1.base_offset,
                pages[2].1.bytes
            ),
            (5, PAGE_ENTRIES_MAX as i64, 10)
        );

        let disk = SimDisk::new();
        let objects =
            LocalObjects::open(Arc::new(disk.clone()), Arc::new(InPlace)).expect("opened");
        let indexes = FileIndexes::new(Arc::new(objects));
        indexes
            .write(3, body.clone())
            .now_or_never()
            .expect("in place")
            .expect("written");
        indexes
            .write(3, body)
            .now_or_never()
            .expect("in place")
            .expect("written over");
        assert_eq!(
            indexes
                .directory(3)
                .now_or_never()
                .expect("in place")
                .expect("sound"),
            pages
        );
        let first = indexes
            .page(&pages[0].1)
            .now_or_never()
            .expect("in place")
            .expect("sound");
        assert_eq!(first[..], many[..PAGE_ENTRIES_MAX]);

        let path = "index/00000000000000000003";
        let place = usize::try_from(pages[2].1.place).expect("small");
        assert!(disk.flip_bit(path, place + 20, 3));
        indexes
            .page(&pages[2].1)
            .now_or_never()
            .expect("in place")
            .expect_err("a damaged page");
        assert!(disk.flip_bit(path, 30, 1));
        indexes
            .directory(3)
            .now_or_never()
            .expect("in place")
            .expect_err("a damaged directory");
    }
}
