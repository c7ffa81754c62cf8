//! The records of a batch of magic 2 (KIP-98, KIP-82): reading them, building a batch of them, and what
//! a broker checks of a batch that a client produced.
//!
//! Reading promises that every length is compared with the bytes that remain, that keys, values and
//! headers are slices of the batch or of its decompressed form, and that a batch yields exactly the
//! number of records that its header declares or an error. The checksum is not verified by reading: see
//! [`BatchHeader::verify`](crate::record_batch::BatchHeader::verify).
//!
//! [`validate()`] is the hot path of Produce: it never decompresses.

mod builder;
mod reader;
mod record;
mod search;
mod validate;
mod varint;

pub use builder::{BatchBuilder, BuildError};
pub use reader::{OpenBatch, Records, RecordsError, Views};
pub use record::{Header, Headers, HeadersView, Record, RecordView};
pub use search::{TimedOffset, first_at_or_after, latest};
pub use validate::{Accepted, Refusal, ZSTD_PRODUCE_VERSION, validate};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
