//! Queues: the machines that hold them, one for each shard, and the tasks that drive those.
//!
//! A queue is a stream of the log (or one for each priority) that is read through an acknowledgement
//! cursor. Its host gives out the offsets, keeps in memory what is about to be delivered and what is with
//! consumers, and lets the log keep everything else. Sessions reach it by [`crate::mail`] only.

mod alarm;
mod catalog_directory;
mod consumers;
mod dead_letter;
mod directory;
mod driver;
mod handle;
mod host;
mod io;
mod kept;
pub(crate) mod keyed;
mod level;
mod outbox;
mod pressure;
mod queue;
mod ranges;
mod registry;
mod report;
pub(crate) mod sessions;
mod settings;
mod unacked;

pub use catalog_directory::declared;
pub use directory::Directory;
pub use handle::{Attached, Gone, Ground, Opened, Queues, TRANSIENT_BYTES_MAX_DEFAULT};
pub use host::Host;
pub use io::{Batches, Effect, HostMail, Input, Read};
pub use level::LevelState;
pub use queue::Tally;
pub use report::{ConsumerReport, QueueReport};
pub use settings::{DELIVERY_LIMIT_DEFAULT, DeadLetterTo, Declared, Overflow, Settings};
