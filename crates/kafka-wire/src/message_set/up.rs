//! From a produced message set to a record batch.

use bytes::Bytes;

use super::message::{
    ATTRIBUTE_COMPRESSION, ATTRIBUTES_AT, MessageSetError, TimestampType, take_message,
};
use super::reader::Messages;
use crate::compression::{Compression, Limits};
use crate::records::{BatchBuilder, HeadersView};

/// Converts a produced message set into one record batch of magic 2, base offset 0, without a producer.
///
/// Nothing is converted where one message is bad. What is checked is what Kafka's `LogValidator`
/// checks, but several wrappers and mixed magics are accepted, as Kafka before 0.11 accepted them. A
/// message that is cut off is refused: Kafka drops it and acknowledges the rest.
pub fn up_convert(set: &Bytes, limits: Limits) -> Result<Bytes, MessageSetError> {
    let mut batch = BatchBuilder::new(wrapper_compression(set));
    for message in Messages::new(set, limits) {
        let message = message?;
        if message.timestamp_type == TimestampType::LogAppendTime {
            return Err(MessageSetError::LogAppendTime);
        }
        if message.timestamp < -1 {
            return Err(MessageSetError::Timestamp(message.timestamp));
        }
        batch.push(
            message.timestamp,
            message.key.as_deref(),
            message.value.as_deref(),
            HeadersView::default(),
        )?;
    }
    Ok(batch.build()?)
}

/// The compression of the first wrapper, none where there is none. Whether it may be used here is found
/// out when the message is read.
fn wrapper_compression(set: &[u8]) -> Compression {
    let mut rest = set;
    while let Ok((_, message)) = take_message(&mut rest) {
        let attributes = message.get(ATTRIBUTES_AT).copied().unwrap_or_default();
        let compression = Compression::from_id(i16::from(attributes) & ATTRIBUTE_COMPRESSION);
        if let Some(compression) = compression.filter(|&of| of != Compression::None) {
            return compression;
        }
    }
    Compression::None
}
