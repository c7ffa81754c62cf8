//! Record batches and message sets to send, and what can be read of those that come back.

use crate::world::START;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_wire::compression::{Compression, Limits};
use kafka_wire::message_set::Messages;
use kafka_wire::records::{BatchBuilder, HeadersView, Records};

/// A batch of these values, stamped with ascending milliseconds from the start on.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    compressed(values, Compression::None)
}

pub(crate) fn compressed(values: &[&str], compression: Compression) -> Bytes {
    filled(BatchBuilder::new(compression), values)
}

/// A batch of an idempotent producer.
pub(crate) fn sequenced(values: &[&str], producer: (i64, i16), base_sequence: i32) -> Bytes {
    let builder = BatchBuilder::new(Compression::None);
    filled(
        builder.producer(producer.0, producer.1, base_sequence),
        values,
    )
}

/// A batch whose records have these timestamps.
pub(crate) fn timed(timestamps: &[i64], compression: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(compression);
    for timestamp in timestamps {
        let value = timestamp.to_string();
        let pushed = builder.push(
            *timestamp,
            None,
            Some(value.as_bytes()),
            HeadersView::default(),
        );
        pushed.expect("it fits");
    }
    builder.build().expect("a batch")
}

pub(crate) fn filled(mut builder: BatchBuilder, values: &[&str]) -> Bytes {
    for (at, value) in (0..).zip(values) {
        let pushed = builder.push(
            START + at,
            None,
            Some(value.as_bytes()),
            HeadersView::default(),
        );
        pushed.expect("it fits");
    }
    builder.build().expect("a batch")
}

/// A message set of magic 0 or 1.
pub(crate) fn message_set(magic: i8, values: &[&str]) -> Bytes {
    let mut set = BytesMut::new();
    for value in values {
        let mut body = BytesMut::new();
        body.put_i8(magic);
        body.put_i8(0);
        if magic == 1 {
            body.put_i64(START);
        }
        body.put_i32(-1);
        body.put_i32(i32::try_from(value.len()).unwrap());
        body.put_slice(value.as_bytes());
        set.put_i64(0);
        set.put_i32(i32::try_from(body.len() + 4).unwrap());
        set.put_u32(crc32fast::hash(&body));
        set.put_slice(&body);
    }
    set.freeze()
}

/// Offsets and values of record batches that follow each other.
pub(crate) fn read_batches(records: &Bytes) -> Vec<(i64, String)> {
    let mut rest = records.clone();
    let mut read = Vec::new();
    while !rest.is_empty() {
        let header = kafka_wire::record_batch::BatchHeader::parse(&rest).expect("a whole batch");
        let batch = rest.split_to(header.len);
        header.verify(&batch).expect("a sound checksum");
        for record in Records::new(&batch, Limits::default()).expect("records") {
            let record = record.expect("a record");
            read.push((record.offset, text(record.value)));
        }
    }
    read
}

/// Offsets and values of a message set; a message that is cut off is left out.
pub(crate) fn read_set(records: &Bytes) -> Vec<(i64, String)> {
    Messages::new(records, Limits::default())
        .map_while(Result::ok)
        .map(|message| (message.offset, text(message.value)))
        .collect()
}

fn text(value: Option<Bytes>) -> String {
    String::from_utf8(value.expect("a value").to_vec()).expect("UTF-8")
}
