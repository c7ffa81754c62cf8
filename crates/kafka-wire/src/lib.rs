//! Kafka's wire protocol: bytes in, values out, no I/O.
//!
//! - [`messages`]: the requests and responses, one file per API, all versions from 0.
//! - [`decode_request`], [`encode_response`] for brokers; [`encode_request`], [`decode_response`] for
//!   clients. An [`Encoded`] frame is a list of chunks for a vectored write.
//! - [`message`]: the tables that messages are written as; [`reader`]: what a frame may cost.
//!
//! No input panics, and no frame takes more than four times its size (and a constant) in memory.
//! What a message *means* is for the crates above.

pub mod api;
pub mod api_key;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod chunks;
pub mod compression;
pub mod consumer_protocol;
pub mod encoded;
pub mod error;
pub mod error_code;
pub mod fuzz;
pub mod fuzz_records;
pub mod header;
pub mod message;
pub mod message_set;
pub mod messages;
pub mod reader;
pub mod record_batch;
pub mod records;
pub mod str;
pub mod uuid;
pub mod wire;
pub mod writer;

pub use api::{Api, ApiMessage, ApiRequest, RequestBody, ResponseBody};
pub use api_key::ApiKey;
pub use chunks::Chunks;
pub use encoded::Encoded;
pub use error::{DecodeError, EncodeError};
pub use error_code::ErrorCode;
pub use header::{
    Request, RequestError, RequestHeader, decode_request, decode_request_header, decode_response,
    encode_request, encode_response,
};
pub use message::Message;
pub use str::Str;
pub use uuid::Uuid;

#[cfg(test)]
mod tests;
