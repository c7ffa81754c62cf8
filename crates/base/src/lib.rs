//! The vocabulary that every crate shares: identifiers, positions in time, and the reader and writer
//! of our own binary formats.
//!
//! Nothing here performs I/O, reads a clock or draws a random number; those are inputs.

mod environment;
mod id;
mod pack;
mod time;

pub use environment::{BoxFuture, Clock, Entropy};
pub use id::{Epoch, Incarnation, Offset, ShardId, StreamId};
pub use pack::{Packer, Truncated, Unpacker};
pub use time::{Monotonic, Timestamp};
