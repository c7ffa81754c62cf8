//! Starting again from what is stored: the newest checkpoint, the indexes of complete files, and the
//! frames of the files after the checkpoint.
//!
//! A torn last block is cut off: nobody was told that it was written. Damage before that is reported
//! with its place and never served, and what follows it is kept. Replaying a frame that the
//! checkpoint knows already changes nothing, so a crash at any point of a checkpoint is harmless.

mod replay;

use crate::cell::Cells;
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::file_index::{self, FileIndexes};
use crate::index::Page;
use crate::shard::Head;
use crate::wal::{Address, Blocks, FILE_HEADER_LEN, Scan, Tail, Wal, scan};
use base::{ShardId, StreamId, Timestamp};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::ops::Range;
use store::Objects;

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store does not answer.
    #[error("the log cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A later build wrote it.
    #[error(
        "the data was written by a newer version of Mainstay ({what}): {detail}; use that version, or another data directory"
    )]
    NewerFormat {
        /// The file or object.
        what: String,
        /// The versions.
        detail: String,
    },
    /// Something that cannot be derived from anything else is damaged.
    #[error("{what} is damaged: {detail}")]
    Damaged {
        /// The file or object.
        what: String,
        /// What to do about it.
        detail: String,
    },
}

/// What was found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// WAL files that exist.
    pub files: usize,
    /// Files that had to be read frame by frame.
    pub files_scanned: usize,
    /// Bytes of those.
    pub bytes_scanned: u64,
    /// Frames replayed.
    pub frames: u64,
    /// Streams that exist.
    pub streams: usize,
    /// Bytes of a torn tail that were cut off.
    pub torn_bytes: u64,
    /// Damaged places: file and range of bytes. What was there is not served.
    pub damaged: Vec<(u64, Range<u32>)>,
    /// Blocks that should lie between two files and are in neither: a file was cut short, or is gone.
    pub missing_blocks: u64,
}

/// How far a recovery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// Files read.
    pub done: usize,
    /// Files to read.
    pub total: usize,
}

/// The state of all shards as found.
pub(crate) struct Recovered {
    pub(crate) heads: HashMap<StreamId, (ShardId, Head)>,
    pub(crate) cells: BTreeMap<ShardId, Cells>,
    pub(crate) report: Report,
    pub(crate) checkpoint_next: u64,
    /// The newest checkpoint's replay point: files before it may go when nothing refers to them.
    pub(crate) replay_from: u64,
}

/// Reads everything back.
pub(crate) struct Recovery<'a> {
    pub(crate) wal: &'a dyn Wal,
    pub(crate) objects: &'a dyn Objects,
    pub(crate) indexes: &'a FileIndexes,
    pub(crate) now: Timestamp,
    pub(crate) progress: &'a (dyn Fn(RecoveryProgress) + Sync),
}

impl Recovery<'_> {
    pub(crate) async fn run(&self) -> Result<Recovered, OpenError> {
        let mut state = Recovered {
            heads: HashMap::new(),
            cells: BTreeMap::new(),
            report: Report::default(),
            checkpoint_next: 1,
            replay_from: 0,
        };
        let files = self.wal.files().await?;
        self.load_checkpoint(&mut state, &files).await?;
        state.report.files = files.len();
        let mut removed = HashSet::new();
        let mut before: Option<Blocks> = None;
        for (done, file) in files.iter().copied().enumerate() {
            (self.progress)(RecoveryProgress {
                done,
                total: files.len(),
            });
            if file < state.replay_from {
                self.load_index(&mut state, file).await?;
                continue;
            }
            let tail = if done + 1 == files.len() {
                Tail::MayBeTorn
            } else {
                Tail::WasWhole
            };
            let scan = self.scan_file(&mut state.report, file, tail).await?;
            state.report.check_sequence(file, before, scan.blocks);
            before = scan.blocks;
            for (position, frame) in scan.frames {
                state.replay(file, position, frame, self.now, &mut removed);
            }
        }
        state.report.streams = state.heads.len();
        self.indexes.remove_orphans(&files).await?;
        Ok(state)
    }

    /// Takes the newest checkpoint that is sound and whose WAL files are all there.
    async fn load_checkpoint(&self, state: &mut Recovered, files: &[u64]) -> Result<(), OpenError> {
        let names = self.objects.list(checkpoint::PREFIX).await?;
        let numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
        state.checkpoint_next = numbers.last().map_or(1, |last| last + 1);
        for number in numbers.iter().rev() {
            let object = self.objects.get(&checkpoint::name(*number)).await?;
            match Checkpoint::unpack(object) {
                Ok(checkpoint) => {
                    state.replay_from = checkpoint.replay_from;
                    checkpoint
                        .shards
                        .into_iter()
                        .for_each(|shard| state.restore(shard));
                    return Ok(());
                }
                Err(CheckpointError::NewerFormat(version)) => {
                    return Err(OpenError::NewerFormat {
                        what: checkpoint::name(*number),
                        detail: CheckpointError::NewerFormat(version).to_string(),
                    });
                }
                Err(CheckpointError::Damaged) => tracing::error!(
                    checkpoint = number,
                    "a checkpoint is damaged; an older one is tried"
                ),
            }
        }
        // Where every file since the first is there, the WAL alone says everything. Files are removed
        // only after a checkpoint, so without one a missing file is damage, and reported as such.
        let complete = (1..).zip(files).all(|(number, file)| number == *file);
        if complete || (numbers.is_empty() && files.first() == Some(&1)) {
            return Ok(());
        }
        Err(OpenError::Damaged {
            what: checkpoint::name(numbers.last().copied().unwrap_or(0)),
            detail: "no sound checkpoint is left; restore the data directory from a copy, or start with another one".to_owned(),
        })
    }

    /// Loads the index of a complete file, or makes it again from the file.
    async fn load_index(&self, state: &mut Recovered, file: u64) -> Result<(), OpenError> {
        let pages = match self.indexes.directory(file).await {
            Ok(pages) => pages,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                ) =>
            {
                tracing::warn!(file, %error, "the index of a WAL file is made again");
                self.rebuild_index(state, file).await?
            }
            Err(error) => return Err(error.into()),
        };
        for (id, page) in pages {
            if let Some((_, head)) = state.heads.get(&id) {
                head.stream.push_page(page);
            }
        }
        Ok(())
    }

    async fn rebuild_index(
        &self,
        state: &mut Recovered,
        file: u64,
    ) -> Result<Vec<(StreamId, Page)>, OpenError> {
        let scan = self
            .scan_file(&mut state.report, file, Tail::WasWhole)
            .await?;
        let (body, pages) = file_index::pack(file, &file_index::entries_of(file, &scan.frames));
        self.indexes.write(file, body).await?;
        Ok(pages)
    }

    async fn scan_file(
        &self,
        report: &mut Report,
        file: u64,
        tail: Tail,
    ) -> Result<Scan, OpenError> {
        let start = Address { file, position: 0 };
        let bytes = self.wal.read(start, usize::MAX).await?;
        let scan = scan(&bytes, tail).map_err(|error| OpenError::NewerFormat {
            what: format!("WAL file {file}"),
            detail: error.to_string(),
        })?;
        report.files_scanned += 1;
        report.bytes_scanned += bytes.len() as u64;
        for place in &scan.damaged {
            tracing::error!(
                file,
                from = place.start,
                to = place.end,
                "the WAL is damaged; what was there is not served"
            );
            report.damaged.push((file, place.clone()));
        }
        if tail == Tail::MayBeTorn {
            self.mend_tail(report, file, &bytes, &scan).await?;
        }
        Ok(scan)
    }

    /// Cuts a torn tail off, and makes sure of the block before it.
    async fn mend_tail(
        &self,
        report: &mut Report,
        file: u64,
        bytes: &Bytes,
        scan: &Scan,
    ) -> Result<(), OpenError> {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if scan.end < len {
            report.torn_bytes += u64::from(len - scan.end);
            tracing::warn!(
                file,
                from = scan.end,
                to = len,
                "a torn tail is cut off; nobody was told that it was written"
            );
        }
        if scan.end < len || scan.end <= FILE_HEADER_LEN {
            self.wal.cut(file, scan.end).await?;
        }
        // After a failed sync or a kill the page cache may show a block that is not on the medium.
        if let Some(block) = scan.last_block.clone() {
            let position = block.start;
            let bytes = bytes.slice(block.start as usize..block.end as usize);
            self.wal.settle(Address { file, position }, bytes).await?;
        }
        Ok(())
    }
}

impl Report {
    /// The blocks of one incarnation are numbered without gaps, over all of its files.
    fn check_sequence(&mut self, file: u64, before: Option<Blocks>, blocks: Option<Blocks>) {
        let (Some(before), Some(blocks)) = (before, blocks) else {
            return;
        };
        let missing = blocks.first.saturating_sub(before.next);
        if before.incarnation == blocks.incarnation && missing > 0 {
            self.missing_blocks += missing;
            tracing::error!(
                file,
                missing,
                "blocks of the WAL are missing before this file"
            );
        }
    }
}
