//! The compressions of record batches and message sets, as Kafka's clients write them.
//!
//! Reading takes every form that a client is known to produce: gzip with several members, snappy both
//! raw (librdkafka) and in the blocks of snappy-java (the Java client, kafka-python, sarama), lz4
//! frames with linked or independent blocks and with any of the optional fields, and zstd; lz4 and zstd
//! also as several frames one after the other. Writing takes the form that the Java client writes.
//!
//! Decompression is bounded by [`Limits`]: no declared size is believed before it has been compared with
//! what the input can hold, and what the limits do not allow is refused before memory is reserved for it.
//!
//! Nothing here compresses or decompresses on the way of a produced batch into the log: a broker needs
//! it for up-conversion, down-conversion, compaction and searches by time only.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::borrow::Cow;
use std::fmt;

/// A compression, by the number that stands in the lowest three bits of the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// The records as they are.
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy, in the block framing of snappy-java where we write it.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// RFC 8878; KIP-110, for record batches of magic 2 only.
    Zstd,
}

/// How much memory one decompression may fill.
///
/// The output may have `ratio_max` times the length of the input or `ratio_free_bytes`, whichever is
/// more, but never more than `output_bytes_max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest output, in bytes.
    pub output_bytes_max: usize,
    /// The largest quotient of output and input.
    pub ratio_max: usize,
    /// An output up to this length, in bytes, passes whatever its ratio is.
    pub ratio_free_bytes: usize,
}

impl Default for Limits {
    /// 100 MiB, the largest Kafka request that a broker takes by default; 100:1, which text does not
    /// reach; and 4 MiB, four times the default batch of the clients with the largest one (librdkafka,
    /// 1 MB), because batches of equal records do reach thousands to one.
    fn default() -> Self {
        Self {
            output_bytes_max: 100 << 20,
            ratio_max: 100,
            ratio_free_bytes: 4 << 20,
        }
    }
}

impl Limits {
    /// The largest output that an input of `input_bytes` may have, in bytes.
    #[must_use]
    pub fn output_max(&self, input_bytes: usize) -> usize {
        input_bytes
            .saturating_mul(self.ratio_max)
            .max(self.ratio_free_bytes)
            .min(self.output_bytes_max)
    }
}

/// Why compressed bytes could not be read. Both are the fault of whoever wrote them, and neither goes
/// away by trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// The bytes are not what the compression's format allows.
    #[error("{compression} data is corrupt: {reason}")]
    Corrupt {
        /// The compression that the attributes name.
        compression: Compression,
        /// What is wrong.
        reason: &'static str,
    },
    /// The output would be larger than the [`Limits`] allow.
    #[error("{compression} data decompresses to more than {bytes_max} bytes")]
    TooLarge {
        /// The compression that the attributes name.
        compression: Compression,
        /// What the limits allow for this input.
        bytes_max: usize,
    },
}

/// The compressor failed, which only the lack of memory explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} could not compress the records")]
pub struct CompressError(pub Compression);

impl Compression {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The compression of a number; `None` for 5 to 7, which no version of Kafka defines.
    #[must_use]
    pub fn from_id(id: i16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|compression| compression.id() == id)
    }

    /// The number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    #[must_use]
    pub fn id(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name that Kafka's configuration `compression.type` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Compresses at the compression's default level; [`Self::None`] borrows the input.
    pub fn compress(self, input: &[u8]) -> Result<Cow<'_, [u8]>, CompressError> {
        let output = match self {
            Self::None => return Ok(Cow::Borrowed(input)),
            Self::Gzip => gzip::compress(input),
            Self::Snappy => snappy::compress(input),
            Self::Lz4 => lz4::compress(input),
            Self::Zstd => zstd::compress(input),
        };
        output.map(Cow::Owned).ok_or(CompressError(self))
    }

    /// Decompresses the records of a batch of magic 2; [`Self::None`] borrows the input.
    pub fn decompress(
        self,
        input: &[u8],
        limits: Limits,
    ) -> Result<Cow<'_, [u8]>, DecompressError> {
        self.run(
            input,
            limits.output_max(input.len()),
            lz4::HeaderChecksum::Verify,
        )
    }

    /// Decompresses the value of a message of magic 0 or 1 into at most `bytes_max`; the lz4 header
    /// checksum, which clients before 0.10 computed over the wrong bytes (KAFKA-3160), is not looked at.
    pub(crate) fn decompress_message(
        self,
        input: &[u8],
        bytes_max: usize,
    ) -> Result<Cow<'_, [u8]>, DecompressError> {
        self.run(input, bytes_max, lz4::HeaderChecksum::Ignore)
    }

    fn run(
        self,
        input: &[u8],
        bytes_max: usize,
        lz4_header_checksum: lz4::HeaderChecksum,
    ) -> Result<Cow<'_, [u8]>, DecompressError> {
        let output = match self {
            Self::None => return Ok(Cow::Borrowed(input)),
            Self::Gzip => gzip::decompress(input, bytes_max),
            Self::Snappy => snappy::decompress(input, bytes_max),
            Self::Lz4 => lz4::decompress(input, bytes_max, lz4_header_checksum),
            Self::Zstd => zstd::decompress(input, bytes_max),
        };
        match output {
            Ok(output) => Ok(Cow::Owned(output)),
            Err(Refused::Corrupt(reason)) => Err(DecompressError::Corrupt {
                compression: self,
                reason,
            }),
            Err(Refused::TooLarge) => Err(DecompressError::TooLarge {
                compression: self,
                bytes_max,
            }),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one format's decoder reports; [`Compression`] adds its name and the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Corrupt(&'static str),
    TooLarge,
}

/// Takes `len` bytes off the front of the input.
fn take<'a>(input: &mut &'a [u8], len: usize) -> Result<&'a [u8], Refused> {
    let (head, tail) = input
        .split_at_checked(len)
        .ok_or(Refused::Corrupt("it ends inside a declared length"))?;
    *input = tail;
    Ok(head)
}

#[cfg(test)]
mod tests;
