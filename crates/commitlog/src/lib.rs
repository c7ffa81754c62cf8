//! The commit log: streams of record batches and small durable cells over one write-ahead log.
//!
//! It promises that what it acknowledged is there after any crash, at the offset that it said, and
//! that nothing is shown to a reader before it is durable. It owns no task, clock or socket: `Log::open`
//! returns its tasks for a driver to run. It does not know topics, groups or queues.

mod cell;
mod checkpoint;
mod commit;
mod cursor;
mod file_index;
mod frame;
pub mod fuzz;
mod index;
mod log;
mod moved;
mod placed_batch;
mod producers;
mod reader;
mod recovery;
mod shard;
mod stream;
mod streams;
mod wal;
mod writer;

pub use cell::{Cell, Cells};
pub use commit::{
    COMMIT_BYTES_MAX, CommitError, CommitOutcome, Deposit, Entry, PLACES_MAX, Place, Settle,
};
pub use cursor::Cursor;
pub use frame::{Frame, Kind};
pub use log::{Figures, Ground, Log, Opened, Options, ShardHandle, UpkeepError};
pub use reader::ReadError;
pub use recovery::{OpenError, RecoveryProgress, Report};
pub use shard::{AppendOutcome, Appended, Batch, Refusal};
pub use stream::{Bounds, Policy, Stream};
pub use wal::{Address, FileWal, Wal, WalError};
pub use writer::Closed;
