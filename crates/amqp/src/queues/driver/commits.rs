//! Commits on their way to the log, and what to do when one is refused.
//!
//! A commit is refused where somebody removed a queue's streams without its host. Nothing that was written
//! is lost by that, but what the host has in memory no longer fits the log: it starts over from that.

use super::Driver;
use crate::queues::host::Host;
use bytes::Bytes;
use commitlog::{Cell, Closed, CommitError, CommitOutcome, Entry, ShardHandle};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// How often one host starts over. More would hide that something is wrong with it.
const STARTS_MAX: usize = 64;

/// Durable cells of a shard's queues.
pub(crate) type QueueCells = BTreeMap<Bytes, Bytes>;

struct Commit {
    outcome: oneshot::Receiver<CommitOutcome>,
    cells: Vec<Cell>,
}

/// Commits in the order of the log.
pub(super) struct Commits {
    waiting: VecDeque<Commit>,
    /// What is durable of the host but messages.
    cells: QueueCells,
    refused: bool,
    starts: usize,
}

impl Commits {
    pub(super) fn new(cells: QueueCells) -> Self {
        Self {
            waiting: VecDeque::new(),
            cells,
            refused: false,
            starts: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands a commit to the log; waits while too many others wait there.
    pub(super) async fn submit(
        &mut self,
        shard: &ShardHandle,
        entries: Vec<Entry>,
    ) -> Result<(), Closed> {
        let cells = entries.iter().filter_map(|entry| match entry {
            Entry::Cell(cell) => Some(cell.clone()),
            _ => None,
        });
        let cells = cells.collect();
        let outcome = shard.commit(entries).await?;
        self.waiting.push_back(Commit { outcome, cells });
        Ok(())
    }

    /// The oldest commit is durable, or will never be. Pends for ever where there is none.
    pub(super) async fn next(&mut self) -> Result<(), Closed> {
        let outcome = match self.waiting.front_mut() {
            Some(commit) => (&mut commit.outcome).await,
            None => std::future::pending().await,
        };
        self.note(outcome.unwrap_or(Err(CommitError::Closed(Closed))))
    }

    /// As [`Self::next`], where that is known already.
    pub(super) fn try_next(&mut self) -> Option<Result<(), Closed>> {
        let outcome = match self.waiting.front_mut()?.outcome.try_recv() {
            Ok(outcome) => outcome,
            Err(TryRecvError::Closed) => Err(CommitError::Closed(Closed)),
            Err(TryRecvError::Empty) => return None,
        };
        Some(self.note(outcome))
    }

    fn note(&mut self, outcome: CommitOutcome) -> Result<(), Closed> {
        let commit = self.waiting.pop_front();
        match outcome {
            Ok(()) => {
                for cell in commit.into_iter().flat_map(|commit| commit.cells) {
                    match cell.value {
                        Some(value) => drop(self.cells.insert(cell.key, value)),
                        None => drop(self.cells.remove(&cell.key)),
                    }
                }
                Ok(())
            }
            Err(CommitError::Closed(closed)) => Err(closed),
            Err(error) => {
                tracing::error!(%error, "a host of queues was refused a commit, and starts over");
                self.refused = true;
                Err(Closed)
            }
        }
    }

    /// Whether the host can go on from what is durable; waits until that is known.
    async fn settle_down(&mut self) -> bool {
        self.starts += 1;
        let goes_on = std::mem::take(&mut self.refused) && self.starts <= STARTS_MAX;
        while goes_on && !self.is_empty() {
            // Those behind the refused one may have been refused with it.
            if self.next().await.is_err() && !std::mem::take(&mut self.refused) {
                return false;
            }
        }
        goes_on
    }
}

impl Driver {
    /// Begins again with what is durable; returns whether that makes sense.
    pub(super) async fn start_over(&mut self) -> bool {
        if !self.commits.settle_down().await {
            return false;
        }
        let (shard, directory) = (self.parts.machine.shard(), self.parts.directory.clone());
        self.parts.machine = Host::new(shard, directory, self.commits.cells.iter());
        // What was sent to us while we were in doubt is sent again.
        let shards = (0..)
            .zip(self.parts.letters.iter())
            .map(|(number, _)| base::ShardId(number));
        self.parts.machine.ask_all_again(shards);
        self.effects.clear();
        self.wanted.clear();
        self.leaving.clear();
        self.sessions.clear();
        self.asking.clear();
        self.time = None;
        // Reads of before are for a machine that is gone.
        self.reads = futures_util::stream::FuturesUnordered::new();
        true
    }
}
