//! A run: consecutive messages with the same targets, encoded into one record batch.
//!
//! It is what a session hands to a host, what the WAL stores and what windows hold slices of, so that
//! a message is copied once on its way from the socket to the disk.

use crate::message::{EXCHANGE, Fields, Mark, Message, NotAMessage, PROPERTIES, ROUTING_KEY};
use amqp_wire::RawProperties;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_wire::record_batch::{BatchHeader, HEADER_LEN, renew_crc};
use std::ops::Range;

/// Messages of one run, so that a session answers often and a batch stays a cheap unit to read.
pub const RUN_MESSAGES_MAX: usize = 256;
/// Bytes after which a run is closed; a larger message makes a run of its own.
pub const RUN_BYTES_MAX: usize = 64 << 10;

/// A sealed run.
#[derive(Debug, Clone)]
pub struct Run {
    batch: Bytes,
    places: Vec<(u32, u32, Mark)>,
}

impl Run {
    /// The run that a batch was sealed from, to be read back from the log.
    ///
    /// # Errors
    /// Where the batch was not made by [`RunBuilder::seal`].
    pub fn open(batch: Bytes) -> Result<Self, NotAMessage> {
        let header = BatchHeader::parse(&batch).map_err(|_| NotAMessage)?;
        let mut fields = Fields::new(&batch, HEADER_LEN);
        let mut places = Vec::new();
        for _ in 0..header.records_count {
            let start = fields.at();
            let len = usize::try_from(fields.varint()?).map_err(|_| NotAMessage)?;
            let end = fields.at().checked_add(len).ok_or(NotAMessage)?;
            if end > batch.len() {
                return Err(NotAMessage);
            }
            let message = Message::from_record(batch.slice(start..end));
            places.push((
                narrow(start),
                narrow(end),
                mark_of(&message, header.base_timestamp)?,
            ));
            fields = Fields::new(&batch, end);
        }
        Ok(Self { batch, places })
    }

    /// The record batch of magic 2, with base offset 0 and its checksum.
    #[must_use]
    pub fn batch(&self) -> &Bytes {
        &self.batch
    }

    /// How many messages it holds; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none, which a sealed run never does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What queues must know of the messages, in order.
    pub fn marks(&self) -> impl ExactSizeIterator<Item = Mark> + '_ {
        self.places.iter().map(|(_, _, mark)| *mark)
    }

    /// A run of the first `len` messages; `None` where that is none.
    #[must_use]
    pub fn first(&self, len: usize) -> Option<Self> {
        self.part(0..len.min(self.len()))
    }

    /// The run cut where the priority changes, in order.
    #[must_use]
    pub fn by_priority(&self) -> Vec<Self> {
        let chunks = self
            .places
            .chunk_by(|left, right| left.2.priority == right.2.priority);
        let parts = chunks.scan(0, |start, chunk| {
            let range = *start..*start + chunk.len();
            *start = range.end;
            Some(self.part(range))
        });
        parts.flatten().collect()
    }

    fn part(&self, range: Range<usize>) -> Option<Self> {
        if range == (0..self.len()) {
            return Some(self.clone());
        }
        let mut builder = RunBuilder::new(self.places.first()?.2.published_ms);
        for (start, end, mark) in &self.places[range] {
            let message = Message::from_record(self.batch.slice(*start as usize..*end as usize));
            // What was put into a run can be taken out of it.
            let parts = message.parts().ok()?;
            builder.push(
                &parts.exchange,
                &parts.routing_key,
                &parts.properties,
                &parts.body,
                mark.priority,
                mark.ttl_ms,
            );
        }
        builder.seal()
    }

    /// The messages in order.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = (Message, Mark)> + '_ {
        self.places.iter().map(|(start, end, mark)| {
            let record = self.batch.slice(*start as usize..*end as usize);
            (Message::from_record(record), *mark)
        })
    }
}

/// Puts a run together.
#[derive(Debug)]
pub struct RunBuilder {
    buffer: BytesMut,
    places: Vec<(u32, u32, Mark)>,
    published_ms: i64,
}

/// Bytes that a signed number takes in zigzag encoding.
fn varint_len(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let bits = 64 - (zigzag | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn put_varint(out: &mut BytesMut, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        out.put_u8(zigzag.to_le_bytes()[0] | 0x80);
        zigzag >>= 7;
    }
    out.put_u8(zigzag.to_le_bytes()[0]);
}

fn as_len(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

fn bytes_len(bytes: &[u8]) -> usize {
    varint_len(as_len(bytes)) + bytes.len()
}

fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    put_varint(out, as_len(bytes));
    out.put_slice(bytes);
}

impl RunBuilder {
    /// An empty run of messages that are published at `published_ms`, milliseconds since 1970.
    #[must_use]
    pub fn new(published_ms: i64) -> Self {
        Self {
            buffer: BytesMut::zeroed(HEADER_LEN),
            places: Vec::new(),
            published_ms,
        }
    }

    /// Whether nothing has been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether it should be sealed before more is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.places.len() >= RUN_MESSAGES_MAX || self.buffer.len() >= RUN_BYTES_MAX
    }

    /// Adds a message. The caller keeps bodies below AMQP's limits, so that positions fit 32 bits.
    pub fn push(
        &mut self,
        exchange: &[u8],
        routing_key: &[u8],
        properties: &[u8],
        body: &[u8],
        priority: u8,
        ttl_ms: Option<u64>,
    ) {
        let headers = [
            (EXCHANGE, exchange),
            (ROUTING_KEY, routing_key),
            (PROPERTIES, properties),
        ];
        let offset_delta = i64::try_from(self.places.len()).unwrap_or(i64::MAX);
        let headers_len: usize = headers
            .iter()
            .map(|(key, value)| bytes_len(key) + bytes_len(value))
            .sum();
        // Attributes, timestamp delta, a null key and the number of headers are one byte each.
        let len = 4 + varint_len(offset_delta) + bytes_len(body) + headers_len;
        let start = narrow(self.buffer.len());
        self.buffer.reserve(len + 5);
        put_varint(&mut self.buffer, i64::try_from(len).unwrap_or(i64::MAX));
        self.buffer.put_u8(0);
        put_varint(&mut self.buffer, 0);
        put_varint(&mut self.buffer, offset_delta);
        put_varint(&mut self.buffer, -1);
        put_bytes(&mut self.buffer, body);
        put_varint(&mut self.buffer, 3);
        for (key, value) in headers {
            put_bytes(&mut self.buffer, key);
            put_bytes(&mut self.buffer, value);
        }
        let mark = Mark {
            priority,
            ttl_ms,
            body_len: narrow(body.len()),
            published_ms: self.published_ms,
        };
        self.places.push((start, narrow(self.buffer.len()), mark));
    }

    /// Closes the run; `None` where it is empty.
    #[must_use]
    pub fn seal(mut self) -> Option<Run> {
        let count = i32::try_from(self.places.len()).ok().filter(|n| *n > 0)?;
        let header = BatchHeader {
            base_offset: 0,
            len: self.buffer.len(),
            partition_leader_epoch: -1,
            crc: 0,
            attributes: 0,
            last_offset_delta: count - 1,
            base_timestamp: self.published_ms,
            max_timestamp: self.published_ms,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records_count: count,
        };
        self.buffer[..HEADER_LEN].copy_from_slice(&header.encode());
        renew_crc(&mut self.buffer);
        Some(Run {
            batch: self.buffer.freeze(),
            places: self.places,
        })
    }
}

fn mark_of(message: &Message, published_ms: i64) -> Result<Mark, NotAMessage> {
    let parts = message.parts()?;
    let properties = RawProperties::new(&parts.properties)
        .decode()
        .map_err(|_| NotAMessage)?;
    Ok(Mark {
        priority: properties.priority.unwrap_or(0),
        ttl_ms: properties.expiration.and_then(|text| ttl_of(&text)),
        body_len: narrow(parts.body.len()),
        published_ms,
    })
}

/// The milliseconds that an `expiration` property says: decimal digits and nothing else.
#[must_use]
pub fn ttl_of(expiration: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(expiration).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Run, RunBuilder, ttl_of};
    use kafka_wire::records::Records;

    #[test]
    fn a_run_is_a_record_batch_and_its_messages_read_back() {
        let mut run = RunBuilder::new(1_700_000_000_000);
        let body = vec![7; 300];
        run.push(b"", b"tasks", b"\x10\x00\x02", b"one", 0, None);
        // Priority 9 and expiration 60000.
        let properties = b"\x09\x00\x09\x0560000";
        run.push(b"amq.topic", b"", properties, &body, 9, Some(60_000));
        let run = run.seal().expect("two messages");
        let read: Vec<_> = run
            .messages()
            .map(|(message, mark)| (message.parts().expect("a message"), mark))
            .collect();
        assert_eq!(&read[0].0.routing_key[..], b"tasks");
        assert_eq!(&read[0].0.properties[..], b"\x10\x00\x02");
        assert_eq!(&read[0].0.body[..], b"one");
        assert_eq!(
            (&read[1].0.exchange[..], &read[1].0.body[..]),
            (&b"amq.topic"[..], &body[..])
        );
        assert_eq!((read[1].1.priority, read[1].1.ttl_ms), (9, Some(60_000)));
        let opened = Run::open(run.batch().clone()).expect("a run");
        assert_eq!(opened.places, run.places);
        let records: Vec<_> = Records::new(run.batch(), kafka_wire::compression::Limits::default())
            .expect("a batch")
            .collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].as_ref().map(|record| record.offset), Ok(1));
    }

    #[test]
    fn runs_are_cut() {
        let mut run = RunBuilder::new(1_000);
        for (priority, ttl) in [(0, None), (3, None), (3, Some("250")), (1, None)] {
            let properties = amqp_wire::Properties {
                priority: Some(priority),
                expiration: ttl
                    .map(|ttl: &str| amqp_wire::ShortBytes::new(ttl.as_bytes()).unwrap()),
                ..Default::default()
            };
            let properties = properties.to_bytes().expect("short");
            let ttl_ms = ttl.map(|ttl| ttl.parse().expect("a number"));
            run.push(b"x", b"k", &properties, b"body", priority, ttl_ms);
        }
        let run = run.seal().expect("four messages");
        let read = Run::open(run.batch().clone()).expect("a run");
        assert!(run.messages().eq(read.messages()));
        let parts = run.by_priority();
        let lens: Vec<_> = parts.iter().map(Run::len).collect();
        assert_eq!(lens, [1, 2, 1]);
        let marks: Vec<_> = parts.iter().flat_map(Run::marks).collect();
        assert!(run.marks().eq(marks), "nothing is lost when a run is cut");
        let first = run.first(2).expect("two messages");
        let first = Run::open(first.batch().clone()).expect("a run");
        assert!(run.marks().take(2).eq(first.marks()));
        assert!(run.first(0).is_none());
    }

    #[test]
    fn an_expiration_is_decimal_digits() {
        for (text, ttl) in [
            ("0", Some(0)),
            ("60000", Some(60_000)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(ttl_of(text.as_bytes()), ttl, "{text}");
        }
    }
}
