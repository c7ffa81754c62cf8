//! AMQP 0-9-1 as RabbitMQ speaks it: bytes in, values out, no I/O.
//!
//! - [`RawFrame::parse`] and [`decode_frame`] cut frames from what was read, [`ProtocolHeader`] judges the
//!   octets before the first of them.
//! - [`Method::decode`] reads a method frame's payload, [`ContentHeader::decode`] a header frame's. Both borrow
//!   from the payload and allocate nothing.
//! - [`RawTable`] and [`RawProperties`] stay bytes and are read as far as somebody asks; [`Table`] and [`Value`]
//!   are owned, for what is built or changed.
//! - [`encode_method`] and its siblings append to a buffer; an [`Output`] also takes large bodies without a copy.
//!
//! What is read borrows from the frame. A part that must outlive it is kept by [`bytes::Bytes::slice_ref`] on the
//! frame's payload, which shares the memory, or copied.
//!
//! No input panics, and nothing that is read takes more than four times its size (and a constant) in memory.
//! What a method *means*, and which reply code an error deserves, is for the crates above.

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod content_header;
pub mod encode;
pub mod error;
pub mod field;
pub mod frame;
pub mod fuzz;
pub mod method;
pub mod methods;
pub mod output;
pub mod properties;
pub mod protocol_header;
mod reader;
pub mod reply_code;
pub mod short_str;
pub mod table;
mod writer;

pub use content_header::ContentHeader;
pub use encode::{encode_body, encode_content_header, encode_heartbeat, encode_method};
pub use error::{DecodeError, EncodeError, FrameError};
pub use frame::{Frame, FrameKind, RawFrame, decode_frame};
pub use method::{Method, MethodFields};
pub use methods::{access, basic, channel, confirm, connection, exchange, queue, tx};
pub use output::Output;
pub use properties::{Properties, RawProperties};
pub use protocol_header::{PROTOCOL_HEADER, ProtocolHeader};
pub use reply_code::{ReplyCode, Severity};
pub use short_str::{ShortBytes, ShortStr};
pub use table::{RawArray, RawTable, RawValue, Table, Value};

#[cfg(test)]
mod tests;
