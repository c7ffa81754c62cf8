//! InitProducerId (key 22): asks for a producer id.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks for a producer id.
    request InitProducerIdRequest 0..=6, flexible 2.. {
        /// The producer's transactional id, null where it uses no transactions.
        transactional_id: Option<Str> [0..];
        /// How long a transaction may stay open, in milliseconds.
        transaction_timeout_ms: i32 [0..];
        /// The producer's id, -1 if it has none.
        producer_id: i64 [3..] = -1;
        /// The epoch of the producer's id, -1 if it has none.
        producer_epoch: i16 [3..] = -1;
        /// Whether the producer takes part in two-phase commits (KIP-939).
        enable2_pc: bool [6..];
        /// Whether a prepared transaction is to be kept (KIP-939).
        keep_prepared_txn: bool [6..];
    }

    /// The producer id.
    response InitProducerIdResponse 0..=6, flexible 2.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The producer's id, -1 if it has none.
        producer_id: i64 [0..] = -1;
        /// The epoch of the producer's id, -1 if it has none.
        producer_epoch: i16 [0..];
        /// The id of the prepared transaction's producer, -1 for none.
        ongoing_txn_producer_id: i64 [6..] = -1;
        /// The epoch of that id, -1 for none.
        ongoing_txn_producer_epoch: i16 [6..] = -1;
    }
}
