//! A chunk: messages in memory of consecutive offsets of a stream, shared by the consumers that are there.

use crate::message::Message;
use crate::topic_record;
use base::Offset;
use bytes::Bytes;
use kafka_wire::compression::Limits;
use kafka_wire::record_batch::BatchHeader;
use kafka_wire::records::RecordsError;

/// What is read of a stream at once, in bytes as they are in the log: enough that a read costs little
/// for each message, and little enough that many consumers can be in different places.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of records in a chunk after which no further batch is taken apart: compressed batches grow.
const MESSAGES_BYTES: usize = 1 << 20;
/// What one compressed batch may grow to. Twice AMQP's largest message; a hundredfold is more than text
/// reaches, and small batches of equal records pass by the last limit.
pub(crate) const LIMITS: Limits = Limits {
    output_bytes_max: 32 << 20,
    ratio_max: 100,
    ratio_free_bytes: 4 << 20,
};

/// Consecutive messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The first offset that it speaks for.
    start: Offset,
    /// The offset behind the last one that it speaks for.
    end: Offset,
    /// What there is in between: not every offset has a message.
    messages: Vec<(Offset, Message)>,
}

/// A batch that cannot be shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) base_offset: Offset,
    pub(crate) error: RecordsError,
}

impl Chunk {
    /// Takes apart what a read from offset `start` on gave. Where it gave nothing, there is nothing that can be
    /// read below `end`.
    pub(crate) fn open(
        queue: &str,
        start: Offset,
        end: Offset,
        batches: &[Bytes],
    ) -> (Self, Vec<Unreadable>) {
        let mut chunk = Self {
            start,
            end,
            messages: Vec::new(),
        };
        let (mut unreadable, mut bytes) = (Vec::new(), 0);
        for batch in batches {
            // The log's batches have a header that was looked at when they were appended.
            let Ok(header) = BatchHeader::parse(batch) else {
                continue;
            };
            let base_offset = header.base_offset;
            chunk.start = chunk.start.min(base_offset);
            chunk.end = header.last_offset().saturating_add(1);
            match topic_record::messages_of(queue, base_offset, batch, LIMITS) {
                Ok(messages) => {
                    let lens = messages.iter().map(|(_, message)| message.record().len());
                    bytes += lens.sum::<usize>();
                    chunk.messages.extend(messages);
                }
                Err(error) => unreadable.push(Unreadable { base_offset, error }),
            }
            if bytes >= MESSAGES_BYTES {
                break;
            }
        }
        (chunk, unreadable)
    }

    /// Whether it says what there is at an offset.
    pub(crate) fn covers(&self, offset: Offset) -> bool {
        (self.start..self.end).contains(&offset)
    }

    /// The offset behind the last one that it speaks for.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// The place of the first message at or behind an offset.
    pub(crate) fn place(&self, offset: Offset) -> usize {
        self.messages.partition_point(|(at, _)| *at < offset)
    }

    /// The message at a place.
    pub(crate) fn get(&self, place: usize) -> Option<&(Offset, Message)> {
        self.messages.get(place)
    }

    /// How many messages it has.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, MESSAGES_BYTES};
    use bytes::{Bytes, BytesMut};
    use kafka_wire::compression::Compression;
    use kafka_wire::record_batch;
    use kafka_wire::records::BatchBuilder;

    fn batch(base: i64, compression: Compression, values: &[&[u8]]) -> Bytes {
        let mut builder = BatchBuilder::new(compression);
        for value in values {
            builder
                .push(
                    5,
                    None,
                    Some(value),
                    kafka_wire::records::Headers::default().view(),
                )
                .expect("a small record");
        }
        let mut batch = BytesMut::from(&builder.build().expect("a batch")[..]);
        record_batch::assign(&mut batch, base, 0);
        batch.freeze()
    }

    fn bodies(chunk: &Chunk) -> Vec<(i64, Vec<u8>)> {
        let body = |(offset, message): &(i64, crate::message::Message)| {
            (*offset, message.parts().expect("a message").body.to_vec())
        };
        chunk.messages.iter().map(body).collect()
    }

    #[test]
    fn batches_become_messages_with_their_offsets_and_bad_ones_are_left_out() {
        let first = batch(10, Compression::None, &[b"a", b"b"]);
        let packed = batch(12, Compression::Gzip, &[b"c"]);
        let mut bad = BytesMut::from(&batch(13, Compression::Gzip, &[b"d", b"e"])[..]);
        let len = bad.len();
        bad[len - 9..].fill(0xff);
        let last = batch(15, Compression::Zstd, &[b"f"]);
        let (chunk, unreadable) = Chunk::open("q", 11, 99, &[first, packed, bad.freeze(), last]);
        let wanted: Vec<(i64, Vec<u8>)> = [(10, b"a"), (11, b"b"), (12, b"c"), (15, b"f")]
            .map(|(offset, body)| (offset, body.to_vec()))
            .to_vec();
        assert_eq!(bodies(&chunk), wanted);
        assert_eq!(unreadable.len(), 1);
        assert_eq!(unreadable[0].base_offset, 13);
        assert!(chunk.covers(10) && chunk.covers(14) && !chunk.covers(16) && !chunk.covers(9));
        assert_eq!(
            (chunk.place(11), chunk.place(13), chunk.place(16)),
            (1, 3, 4)
        );
        assert_eq!(chunk.end(), 16);
    }

    #[test]
    fn where_nothing_can_be_read_nothing_is_there() {
        let (chunk, unreadable) = Chunk::open("q", 11, 20, &[]);
        assert!(unreadable.is_empty());
        assert_eq!((chunk.len(), chunk.end()), (0, 20));
        assert!(chunk.covers(11) && chunk.covers(19));
    }

    #[test]
    fn a_chunk_of_batches_that_grow_ends_early() {
        let large = vec![0; MESSAGES_BYTES];
        let one = batch(0, Compression::Zstd, &[&large]);
        let two = batch(1, Compression::Zstd, &[&large]);
        let (chunk, unreadable) = Chunk::open("q", 0, 2, &[one, two]);
        assert_eq!(unreadable, []);
        assert_eq!((chunk.len(), chunk.end()), (1, 1));
    }
}
