//! Batches of a stream that were moved to a newer file, so that a nearly empty one can go.
//!
//! They are few, and out of the order of files, so each is known by itself.

use crate::index::{Entry, Found, Page};
use base::Offset;
use std::collections::BTreeMap;

/// Where one of them lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// In a file that has no index yet.
    Entry(u64, Entry),
    /// In a complete file, in whose index it has a page of its own.
    Page(Page),
}

/// All of a stream's, by base offset.
#[derive(Debug, Default)]
pub(crate) struct MovedBatches(BTreeMap<Offset, Moved>);

impl Moved {
    pub(crate) fn base_offset(&self) -> Offset {
        match self {
            Self::Entry(_, entry) => entry.base_offset,
            Self::Page(page) => page.base_offset,
        }
    }

    fn last_offset(&self) -> Offset {
        match self {
            Self::Entry(_, entry) => entry.last_offset(),
            Self::Page(page) => page.last_offset,
        }
    }

    fn file(&self) -> u64 {
        match self {
            Self::Entry(file, _) => *file,
            Self::Page(page) => page.file,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Entry(_, entry) => u64::from(entry.len),
            Self::Page(page) => page.bytes,
        }
    }

    pub(crate) fn found(self) -> Found {
        match self {
            Self::Entry(file, entry) => {
                let entries = vec![entry];
                Found::Entries { file, entries }
            }
            Self::Page(page) => Found::Page(page),
        }
    }
}

impl MovedBatches {
    /// Takes the newest place of a batch, and returns the bytes that it had at the one before.
    pub(crate) fn insert(&mut self, moved: Moved) -> u64 {
        let before = self.0.insert(moved.base_offset(), moved);
        before.map_or(0, |before| before.bytes())
    }

    /// The first that ends at or after `offset`.
    pub(crate) fn find(&self, offset: Offset) -> Option<Moved> {
        let before = self.0.range(..=offset).next_back();
        let holding = before.filter(|(_, moved)| moved.last_offset() >= offset);
        let found = holding.or_else(|| self.0.range(offset..).next());
        found.map(|(_, moved)| *moved)
    }

    /// A file is complete: a batch that has this page in its index is found by it from now on.
    pub(crate) fn seal(&mut self, page: Page) -> bool {
        let moved = self.0.get_mut(&page.base_offset);
        let moved =
            moved.filter(|moved| matches!(moved, Moved::Entry(file, _) if *file == page.file));
        moved.map(|moved| *moved = Moved::Page(page)).is_some()
    }

    pub(crate) fn unsealed(&self, file: u64) -> impl Iterator<Item = Entry> {
        self.0.values().filter_map(move |moved| match moved {
            Moved::Entry(of, entry) if *of == file => Some(*entry),
            _ => None,
        })
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = Page> {
        self.0.values().filter_map(|moved| match moved {
            Moved::Page(page) => Some(*page),
            Moved::Entry(..) => None,
        })
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = u64> {
        self.0.values().map(Moved::file)
    }

    /// Forgets those for whose first and last offset `goes` says so, and returns their bytes.
    pub(crate) fn forget(&mut self, goes: impl Fn(Offset, Offset) -> bool) -> u64 {
        let gone = self.0.extract_if(.., |_, moved| {
            goes(moved.base_offset(), moved.last_offset())
        });
        gone.map(|(_, moved)| moved.bytes()).sum()
    }
}
