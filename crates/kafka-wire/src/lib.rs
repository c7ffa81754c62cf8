//! Kafka's wire protocol: bytes in, values out, no I/O.

pub mod api_key;
pub mod encoded;
pub mod error;
pub mod error_code;
pub mod message;
pub mod messages;
pub mod reader;
pub mod record_batch;
pub mod str;
pub mod uuid;
pub mod wire;
pub mod writer;

pub use api_key::ApiKey;
pub use encoded::Encoded;
pub use error::{DecodeError, EncodeError};
pub use error_code::ErrorCode;
pub use message::Message;
pub use str::Str;
pub use uuid::Uuid;
