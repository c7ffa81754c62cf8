//! Kafka's wire protocol: bytes in, values out, no I/O.

pub mod record_batch;
