//! Where the batches of a stream lie: entries in memory for files that are being written, pages on
//! the disk for files that are complete.

use crate::moved::{Moved, MovedBatches};
use base::Offset;
use std::collections::VecDeque;

/// Entries of one page at most: what a reader loads and keeps to find one batch (112 KiB).
pub(crate) const PAGE_ENTRIES_MAX: usize = 4096;

/// One batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) base_offset: Offset,
    /// Largest timestamp of the batch's records, milliseconds since 1970.
    pub(crate) max_timestamp: i64,
    /// Position of the batch in its WAL file.
    pub(crate) position: u32,
    /// Length of the batch in bytes.
    pub(crate) len: u32,
    pub(crate) last_offset_delta: u32,
}

impl Entry {
    pub(crate) fn last_offset(&self) -> Offset {
        self.base_offset + Offset::from(self.last_offset_delta)
    }
}

/// What is kept in memory of a page of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// The WAL file whose batches it lists.
    pub(crate) file: u64,
    /// Position of the page in the file's index object.
    pub(crate) place: u64,
    pub(crate) count: u32,
    pub(crate) base_offset: Offset,
    pub(crate) last_offset: Offset,
    pub(crate) max_timestamp: i64,
    /// Length of all its batches in bytes.
    pub(crate) bytes: u64,
}

impl Page {
    /// Sums up `entries`, which are not empty.
    pub(crate) fn of(file: u64, place: u64, entries: &[Entry]) -> Option<Self> {
        let (first, last) = (entries.first()?, entries.last()?);
        Some(Self {
            file,
            place,
            count: u32::try_from(entries.len()).ok()?,
            base_offset: first.base_offset,
            last_offset: last.last_offset(),
            max_timestamp: entries.iter().map(|entry| entry.max_timestamp).max()?,
            bytes: entries.iter().map(|entry| u64::from(entry.len)).sum(),
        })
    }
}

/// The entries of one stream in one file that is not complete yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) file: u64,
    pub(crate) entries: VecDeque<Entry>,
}

impl Run {
    fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(entry.len)).sum()
    }
}

/// A stream's index: pages of complete files first, then runs of the files after them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pages: VecDeque<Page>,
    runs: VecDeque<Run>,
    moved: MovedBatches,
    bytes: u64,
}

/// Where a search begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// In a page, which must be loaded.
    Page(Page),
    /// In memory: entries of one file, up to the limit that was asked for.
    Entries { file: u64, entries: Vec<Entry> },
}

impl Index {
    /// Length of all batches in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn push(&mut self, file: u64, entry: Entry) {
        self.bytes += u64::from(entry.len);
        match self.runs.back_mut() {
            Some(run) if run.file == file => run.entries.push_back(entry),
            _ => self.runs.push_back(Run {
                file,
                entries: VecDeque::from([entry]),
            }),
        }
    }

    /// Adds a page of a file that was complete before. Pages come in the order of offsets, but for
    /// those of batches that were moved.
    pub(crate) fn push_page(&mut self, page: Page) {
        self.bytes += page.bytes;
        let last = self.pages.back();
        if last.is_some_and(|last| page.base_offset <= last.last_offset) {
            self.forget_origin(page.base_offset);
            self.bytes -= self.moved.insert(Moved::Page(page));
        } else {
            self.pages.push_back(page);
        }
    }

    /// A batch now lies in `file`. What is known of the place where it lay goes: all that was wanted
    /// of a page is moved together.
    pub(crate) fn push_moved(&mut self, file: u64, entry: Entry) {
        self.forget_origin(entry.base_offset);
        self.bytes += u64::from(entry.len);
        self.bytes -= self.moved.insert(Moved::Entry(file, entry));
    }

    /// Forgets the page, or the single batch in memory, that holds `offset`.
    pub(crate) fn forget_origin(&mut self, offset: Offset) {
        let at = self.pages.partition_point(|page| page.last_offset < offset);
        if let Some(page) = self.pages.get(at)
            && page.base_offset <= offset
        {
            self.bytes -= page.bytes;
            self.pages.remove(at);
        }
        for run in &mut self.runs {
            if let Ok(at) = run
                .entries
                .binary_search_by_key(&offset, |entry| entry.base_offset)
                && let Some(entry) = run.entries.remove(at)
            {
                self.bytes -= u64::from(entry.len);
            }
        }
        self.runs.retain(|run| !run.entries.is_empty());
    }

    /// The batches that were moved to `file`, as long as it has no index.
    pub(crate) fn moved_to(&self, file: u64) -> impl Iterator<Item = Entry> {
        self.moved.unsealed(file)
    }

    /// The pages of complete files.
    pub(crate) fn pages(&self) -> impl Iterator<Item = Page> {
        self.pages.iter().copied().chain(self.moved.pages())
    }

    /// The entries in memory that belong to `file`.
    pub(crate) fn run(&self, file: u64) -> Option<&Run> {
        self.runs.iter().find(|run| run.file == file)
    }

    /// Files that have entries in memory.
    pub(crate) fn run_files(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().map(|run| run.file)
    }

    /// Files that still hold a batch of this stream.
    pub(crate) fn files(&self) -> impl Iterator<Item = u64> {
        self.pages
            .iter()
            .map(|page| page.file)
            .chain(self.run_files())
            .chain(self.moved.files())
    }

    /// The entries of `file` have been written to its index object: only the pages stay.
    pub(crate) fn seal(&mut self, file: u64, pages: impl IntoIterator<Item = Page>) {
        let pages: Vec<_> = pages.into_iter().collect();
        let pages = pages.into_iter().filter(|page| !self.moved.seal(*page));
        let pages: Vec<_> = pages.collect();
        let Some(at) = self.runs.iter().position(|run| run.file == file) else {
            return;
        };
        // A trim may have come between the writing of the pages and now.
        let Some(run) = self.runs.remove(at) else {
            return;
        };
        let Some(first) = run.entries.front() else {
            return;
        };
        self.bytes -= run.bytes();
        for page in pages
            .into_iter()
            .filter(|page| page.last_offset >= first.base_offset)
        {
            self.push_page(page);
        }
    }

    /// The first place with a batch that ends at or after `offset`, in memory with up to
    /// `bytes_max` bytes of batches, but one at least.
    pub(crate) fn find(&self, offset: Offset, bytes_max: usize) -> Option<Found> {
        let found = self.find_in_place(offset, bytes_max);
        let Some(moved) = self.moved.find(offset) else {
            return found;
        };
        let first = match &found {
            Some(Found::Page(page)) => Some(page.base_offset),
            Some(Found::Entries { entries, .. }) => entries.first().map(|entry| entry.base_offset),
            None => None,
        };
        // A file's batches of one stream follow each other, so none of another file lies between them.
        if first.is_some_and(|first| first < moved.base_offset()) {
            found
        } else {
            Some(moved.found())
        }
    }

    fn find_in_place(&self, offset: Offset, bytes_max: usize) -> Option<Found> {
        let page = self.pages.partition_point(|page| page.last_offset < offset);
        if let Some(page) = self.pages.get(page) {
            return Some(Found::Page(*page));
        }
        let run = self.runs.iter().find(|run| {
            run.entries
                .back()
                .is_some_and(|last| last.last_offset() >= offset)
        })?;
        let first = run
            .entries
            .partition_point(|entry| entry.last_offset() < offset);
        Some(Found::Entries {
            file: run.file,
            entries: up_to(run.entries.range(first..), bytes_max),
        })
    }

    /// The first place, at or after `from`, with a batch whose largest timestamp is at least `timestamp`.
    pub(crate) fn find_timestamp(&self, timestamp: i64, from: Offset) -> Option<Found> {
        let page = self
            .pages
            .iter()
            .find(|page| page.last_offset >= from && page.max_timestamp >= timestamp);
        if let Some(page) = page {
            return Some(Found::Page(*page));
        }
        self.runs.iter().find_map(|run| {
            let entry = run
                .entries
                .iter()
                .find(|entry| entry.last_offset() >= from && entry.max_timestamp >= timestamp)?;
            Some(Found::Entries {
                file: run.file,
                entries: vec![*entry],
            })
        })
    }

    /// The largest timestamp of any batch.
    pub(crate) fn max_timestamp(&self) -> Option<i64> {
        let pages = self.pages.iter().map(|page| page.max_timestamp);
        pages
            .chain(
                self.runs
                    .iter()
                    .flat_map(|run| &run.entries)
                    .map(|entry| entry.max_timestamp),
            )
            .max()
    }

    /// Forgets every batch that ends before `log_start`. A page goes when all of it does.
    pub(crate) fn trim(&mut self, log_start: Offset) {
        while let Some(page) = self.pages.pop_front_if(|page| page.last_offset < log_start) {
            self.bytes -= page.bytes;
        }
        for run in &mut self.runs {
            while let Some(entry) = run
                .entries
                .pop_front_if(|entry| entry.last_offset() < log_start)
            {
                self.bytes -= u64::from(entry.len);
            }
        }
        self.runs.retain(|run| !run.entries.is_empty());
        self.bytes -= self.moved.forget(|_, last| last < log_start);
    }

    /// Forgets pages and runs for whose first and last offset `is_settled` says so.
    pub(crate) fn forget(&mut self, is_settled: impl Fn(Offset, Offset) -> bool) {
        let bytes = &mut self.bytes;
        self.pages.retain(|page| {
            let goes = is_settled(page.base_offset, page.last_offset);
            *bytes -= if goes { page.bytes } else { 0 };
            !goes
        });
        self.runs.retain(|run| {
            let (first, last) = (run.entries.front(), run.entries.back());
            let goes = first
                .zip(last)
                .is_none_or(|(first, last)| is_settled(first.base_offset, last.last_offset()));
            if goes {
                *bytes -= run.bytes();
            }
            !goes
        });
        self.bytes -= self.moved.forget(is_settled);
    }

    /// The offset up to which retention may trim: batches older than `expired_before` go, and the
    /// oldest beyond `bytes_max`. Only whole pages, or single batches in memory, go. Batches without a
    /// timestamp, as very old clients send them, have the age of the next one that has one.
    pub(crate) fn retention_point(
        &self,
        expired_before: Option<i64>,
        bytes_max: Option<u64>,
    ) -> Option<Offset> {
        let mut left = self.bytes;
        let mut point = None;
        let pages = self
            .pages
            .iter()
            .map(|page| (page.last_offset, page.max_timestamp, page.bytes));
        let entries = self
            .runs
            .iter()
            .flat_map(|run| &run.entries)
            .map(|e| (e.last_offset(), e.max_timestamp, u64::from(e.len)));
        for (last_offset, max_timestamp, bytes) in pages.chain(entries) {
            let expired = expired_before.is_some_and(|limit| max_timestamp < limit);
            let surplus = bytes_max.is_some_and(|limit| left - bytes >= limit);
            let undated = max_timestamp < 0 && !surplus;
            if !undated && !expired && !surplus {
                break;
            }
            left -= bytes;
            if !undated {
                point = Some(last_offset + 1);
            }
        }
        point
    }
}

/// The leading entries with up to `bytes_max` bytes of batches, but one at least.
pub(crate) fn up_to<'a>(entries: impl Iterator<Item = &'a Entry>, bytes_max: usize) -> Vec<Entry> {
    let mut bytes = 0_usize;
    let fits = |entry: &&Entry| {
        let first = bytes == 0;
        bytes = bytes.saturating_add(entry.len as usize);
        first || bytes <= bytes_max
    };
    entries.take_while(fits).copied().collect()
}

#[cfg(test)]
mod tests;
