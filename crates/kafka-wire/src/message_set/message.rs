//! One message: its fields, its bytes and what can be wrong with them.

use bytes::Bytes;

use crate::compression::{Compression, DecompressError};
use crate::records::BuildError;

/// Length of the offset and the message size, which the size itself does not count.
pub(super) const LOG_OVERHEAD: usize = 12;
/// Length of the checksum, which the checksum does not cover.
pub(super) const CRC_LEN: usize = 4;
/// The smallest message of magic 0: checksum, magic, attributes, and the lengths of key and value.
const SIZE_MIN: usize = 14;
/// Where the attributes stand, from the checksum on.
pub(super) const ATTRIBUTES_AT: usize = 5;
pub(super) const ATTRIBUTE_COMPRESSION: i16 = 0b111;
pub(super) const ATTRIBUTE_LOG_APPEND_TIME: i8 = 1 << 3;

/// The two versions of the message format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Magic {
    /// Without timestamps.
    V0,
    /// With timestamps (KIP-32) and relative offsets (KIP-31).
    V1,
}

impl Magic {
    /// The magic byte.
    #[must_use]
    pub fn byte(self) -> i8 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
        }
    }
}

/// Who set a message's timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The message has none: magic 0.
    None,
    /// The producer.
    CreateTime,
    /// The broker.
    LogAppendTime,
}

/// One message, out of its wrapper where it had one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Offset; in a produced set it is what the client wrote there and means nothing.
    pub offset: i64,
    /// The message's own magic.
    pub magic: Magic,
    /// Milliseconds since 1970, -1 where there is none.
    pub timestamp: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// The key.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
}

/// Why a message set cannot be read or converted: the fault of whoever wrote it, or of the way to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageSetError {
    /// The last message is cut off. That is legal in a fetched set and nowhere else.
    #[error("the last message is cut off")]
    Truncated,
    /// The size is smaller than any message.
    #[error("a message declares a size of {0} bytes")]
    Size(i32),
    /// The magic byte is neither 0 nor 1.
    #[error("a message has magic {0}, not 0 or 1")]
    Magic(i8),
    /// The checksum does not fit the bytes.
    #[error("a message's CRC-32 is {declared:#010x}, its bytes give {actual:#010x}")]
    Crc {
        /// What the message says.
        declared: u32,
        /// What the bytes say.
        actual: u32,
    },
    /// The lengths of key and value do not fit the message.
    #[error("a message's key and value do not fill it")]
    Lengths,
    /// The compression does not exist, or is zstd, which is for record batches only (KIP-110).
    #[error("a message has the compression {0}, which messages of magic 0 and 1 cannot have")]
    Compression(i16),
    /// A wrapper's value does not decompress.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A wrapper has no value or no messages in it.
    #[error("a compressed message holds no messages")]
    EmptyWrapper,
    /// A wrapper holds a wrapper.
    #[error("a compressed message holds a compressed message")]
    Nested,
    /// A wrapper of magic 1 has an offset below that of its last message, and not 0.
    #[error("a compressed message has the offset {wrapper}, its last message {last}")]
    WrapperOffset {
        /// The wrapper's offset.
        wrapper: i64,
        /// The relative offset of the last message in it.
        last: i64,
    },
    /// Only brokers set the timestamp type LogAppendTime.
    #[error("clients may not set the timestamp type LogAppendTime")]
    LogAppendTime,
    /// A timestamp is negative and not -1, which stands for none.
    #[error("a message has the timestamp {0}")]
    Timestamp(i64),
    /// The messages do not make a batch: there are none, or too many.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl MessageSetError {
    /// Kafka's error code for a produced set: 2 `CORRUPT_MESSAGE`, 10 `MESSAGE_TOO_LARGE`, 32
    /// `INVALID_TIMESTAMP`, 76 `UNSUPPORTED_COMPRESSION_TYPE`, 87 `INVALID_RECORD`, or -1
    /// `UNKNOWN_SERVER_ERROR` where compressing the batch failed.
    #[must_use]
    pub fn error_code(&self) -> i16 {
        match self {
            _ if self.is_corruption() => 2,
            Self::Decompress(DecompressError::TooLarge { .. })
            | Self::Build(BuildError::TooLarge) => 10,
            Self::LogAppendTime | Self::Timestamp(_) => 32,
            Self::Compression(_) => 76,
            Self::Build(BuildError::Compress(_)) => -1,
            _ => 87,
        }
    }

    /// Whether the bytes were damaged, so that sending them again may help.
    #[must_use]
    pub fn is_corruption(&self) -> bool {
        matches!(
            self,
            Self::Truncated | Self::Size(_) | Self::Magic(_) | Self::Crc { .. }
        )
    }
}

/// A message as it stands in the set, its parts borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) offset: i64,
    pub(super) magic: Magic,
    pub(super) attributes: i8,
    /// -1 in magic 0.
    pub(super) timestamp: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    /// Takes a message off the front of a set and verifies its checksum.
    pub(super) fn read(input: &mut &'a [u8]) -> Result<Self, MessageSetError> {
        let (offset, message) = take_message(input)?;
        let (crc, covered) = split(message)?;
        let declared = u32::from_be_bytes(crc);
        let actual = crc32fast::hash(covered);
        if declared != actual {
            return Err(MessageSetError::Crc { declared, actual });
        }
        let ([magic, attributes], mut rest) = split(covered)?;
        let (magic, attributes) = (magic.cast_signed(), attributes.cast_signed());
        let magic = match magic {
            0 => Magic::V0,
            1 => Magic::V1,
            _ => return Err(MessageSetError::Magic(magic)),
        };
        let mut timestamp = -1;
        if magic == Magic::V1 {
            let (bytes, after) = split(rest)?;
            timestamp = i64::from_be_bytes(bytes);
            rest = after;
        }
        let key = read_bytes(&mut rest)?;
        let value = read_bytes(&mut rest)?;
        if !rest.is_empty() {
            return Err(MessageSetError::Lengths);
        }
        Ok(Self {
            offset,
            magic,
            attributes,
            timestamp,
            key,
            value,
        })
    }

    pub(super) fn compression(&self) -> Result<Compression, MessageSetError> {
        let id = i16::from(self.attributes) & ATTRIBUTE_COMPRESSION;
        match Compression::from_id(id) {
            None | Some(Compression::Zstd) => Err(MessageSetError::Compression(id)),
            Some(compression) => Ok(compression),
        }
    }

    pub(super) fn timestamp_type(&self) -> TimestampType {
        match self.magic {
            Magic::V0 => TimestampType::None,
            Magic::V1 if self.attributes & ATTRIBUTE_LOG_APPEND_TIME != 0 => {
                TimestampType::LogAppendTime
            }
            Magic::V1 => TimestampType::CreateTime,
        }
    }

    /// The message's bytes, offset and size included, as parts that follow each other; `None` where the
    /// size is more than its field can say.
    pub(super) fn encode(&self) -> Option<EncodedEntry<'a>> {
        let mut head = Vec::with_capacity(LOG_OVERHEAD + CRC_LEN + 14);
        head.extend_from_slice(&self.offset.to_be_bytes());
        head.extend_from_slice(&[0; 4 + CRC_LEN]);
        head.extend_from_slice(&self.magic.byte().to_be_bytes());
        head.extend_from_slice(&self.attributes.to_be_bytes());
        if self.magic == Magic::V1 {
            head.extend_from_slice(&self.timestamp.to_be_bytes());
        }
        head.extend_from_slice(&len_or_null(self.key)?.to_be_bytes());
        let encoded = EncodedEntry {
            head,
            key: self.key.unwrap_or_default(),
            value_len: len_or_null(self.value)?.to_be_bytes(),
            value: self.value.unwrap_or_default(),
        };
        encoded.seal()
    }
}

/// The bytes of a message in the order in which they are written.
#[derive(Debug)]
pub(super) struct EncodedEntry<'a> {
    head: Vec<u8>,
    key: &'a [u8],
    value_len: [u8; 4],
    value: &'a [u8],
}

impl EncodedEntry<'_> {
    /// Writes size and checksum into the head.
    fn seal(mut self) -> Option<Self> {
        let size = i32::try_from(self.len() - LOG_OVERHEAD).ok()?;
        let crc_at = LOG_OVERHEAD;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.head[crc_at + CRC_LEN..]);
        crc.update(self.key);
        crc.update(&self.value_len);
        crc.update(self.value);
        self.head[8..crc_at].copy_from_slice(&size.to_be_bytes());
        self.head[crc_at..crc_at + CRC_LEN].copy_from_slice(&crc.finalize().to_be_bytes());
        Some(self)
    }

    pub(super) fn len(&self) -> usize {
        self.head.len() + self.key.len() + self.value_len.len() + self.value.len()
    }

    pub(super) fn parts(&self) -> [&[u8]; 4] {
        [&self.head, self.key, &self.value_len, self.value]
    }
}

/// Takes offset and message off the front; the message is still opaque.
pub(super) fn take_message<'a>(input: &mut &'a [u8]) -> Result<(i64, &'a [u8]), MessageSetError> {
    let (offset, rest) = split(input)?;
    let (size, rest) = split(rest)?;
    let declared = i32::from_be_bytes(size);
    let size = usize::try_from(declared).map_err(|_| MessageSetError::Size(declared))?;
    if size < SIZE_MIN {
        return Err(MessageSetError::Size(declared));
    }
    let (message, rest) = rest
        .split_at_checked(size)
        .ok_or(MessageSetError::Truncated)?;
    *input = rest;
    Ok((i64::from_be_bytes(offset), message))
}

fn split<const N: usize>(input: &[u8]) -> Result<([u8; N], &[u8]), MessageSetError> {
    let (head, rest) = input
        .split_first_chunk()
        .ok_or(MessageSetError::Truncated)?;
    Ok((*head, rest))
}

/// Takes a 32-bit length and that many bytes off the front; the length -1 stands for null.
fn read_bytes<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, MessageSetError> {
    let (len, rest) = input.split_first_chunk().ok_or(MessageSetError::Lengths)?;
    let len = i32::from_be_bytes(*len);
    if len == -1 {
        *input = rest;
        return Ok(None);
    }
    let len = usize::try_from(len).map_err(|_| MessageSetError::Lengths)?;
    let (bytes, rest) = rest.split_at_checked(len).ok_or(MessageSetError::Lengths)?;
    *input = rest;
    Ok(Some(bytes))
}

fn len_or_null(bytes: Option<&[u8]>) -> Option<i32> {
    bytes.map_or(Some(-1), |bytes| i32::try_from(bytes.len()).ok())
}
