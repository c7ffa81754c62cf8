//! HTTP/1 and the PROXY protocol: bytes in, values out.
//!
//! Heads are offsets into the buffer that was parsed and are reused from message to message, so that one costs no memory in the steady state.
//! Requests are refused where two readers could disagree about their end; elsewhere nginx's tolerance holds. There is no
//! I/O, no clock and no configuration here: limits are arguments.

mod chunked;
pub mod date;
mod error;
pub mod escape;
mod field;
mod framing;
pub mod fuzz;
pub mod hop;
mod host;
mod limits;
mod lines;
mod method;
mod name;
pub mod proxy_protocol;
mod request;
mod request_line;
mod response;
mod span;
pub mod target;

pub use chunked::{BadChunk, CHUNK_END, ChunkedDecoder, LAST_CHUNK, Step, write_chunk_head};
pub use error::{BadRequest, BadResponse};
pub use field::{Field, Fields};
pub use framing::{
    BodyFraming, request_framing, request_keeps_alive, response_framing, response_keeps_alive,
};
pub use host::Host;
pub use limits::{HEAD_LEN_MAX, Limits, ResponseLimits};
pub use method::{Method, Version};
pub use name::FieldName;
pub use request::{Parsed, RequestHead};
pub use response::ResponseHead;
pub use span::Span;

#[cfg(test)]
mod tests;
