//! Message sets of magic 0 and 1, the formats before Kafka 0.11: reading them, and converting them from
//! and to record batches of magic 2.
//!
//! A message set is messages one after the other, each with an offset, a CRC-32 (IEEE) and, from magic 1
//! on, a timestamp (KIP-32). A compressed message, the *wrapper*, holds a message set as its value, one
//! level deep. The messages in a wrapper of magic 0 have absolute offsets, those in one of magic 1
//! offsets relative to the first (KIP-31), the wrapper having the offset of the last.
//!
//! Up-conversion ([`up_convert`]) makes **one** batch of a whole set, whichever magics and wrappers it
//! has, in the compression of its first wrapper, as Kafka's `LogValidator` does. Messages of magic 0 get
//! the timestamp -1. Offsets are given anew.
//!
//! Down-conversion ([`down_convert`]) writes uncompressed messages, which every client can read whatever
//! the batches' compression, zstd included (Kafka refuses that one). Headers and control batches are left
//! out; offsets are kept, so that there may be gaps. Records of aborted transactions are converted like
//! any others: a caller that wants to hide them does not pass their batches.
//!
//! Which form a produced set has is told by its magic byte and not by the version of Produce: Kafka
//! accepts batches of magic 2 in versions 0 to 2 as well. See [`magic_of`].

mod down;
mod message;
mod reader;
mod up;

pub use down::{Cut, DownConvert, DownConverted, down_convert};
pub use message::{Magic, Message, MessageSetError, TimestampType};
pub use reader::{Messages, magic_of};
pub use up::up_convert;

#[cfg(test)]
mod tests;
