//! Kafka's wire protocol: bytes in, values out, no I/O.

pub mod compression;
pub mod fuzz_records;
pub mod message_set;
pub mod record_batch;
pub mod records;
