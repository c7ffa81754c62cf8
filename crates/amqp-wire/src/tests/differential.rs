//! `amq-protocol`, which others wrote, writes the same bytes and reads the same values.

mod their;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame};
use bytes::BytesMut;
use their::{both, their_properties};

use crate::arbitrary::{Pool, Random};
use crate::content_header::ContentHeader;
use crate::encode::{encode_body, encode_content_header, encode_heartbeat, encode_method};
use crate::frame::{FrameKind, RawFrame};
use crate::method::Method;
use crate::properties::{Properties, RawProperties};
use crate::protocol_header::PROTOCOL_HEADER;
use crate::short_str::ShortBytes;
use crate::table::{RawTable, Table, Value};

const SEEDS: u64 = 200;

fn their_bytes(frame: &AMQPFrame) -> Vec<u8> {
    let context = WriteContext::from(Vec::new());
    gen_frame(frame)(context).unwrap().into_inner().0
}

/// Both sides write the same bytes, and the other side reads what it would have written.
fn assert_same(bytes: &[u8], frame: AMQPFrame) {
    assert_eq!(bytes, their_bytes(&frame), "{frame:?}");
    assert_eq!(parse_frame(bytes), Ok((&[][..], frame)));
}

#[test]
fn every_method() {
    for seed in 0..SEEDS {
        let pool = Pool::new(seed);
        for (index, method) in pool.methods(seed).iter().enumerate() {
            let channel = u16::try_from(index).unwrap() * 1000;
            let (mine, other) = both(method);
            let ids = (other.get_amqp_class_id(), other.get_amqp_method_id());
            assert_eq!(ids, (mine.info().class_id, mine.info().method_id));
            let mut out = BytesMut::new();
            encode_method(&mut out, channel, &mine).unwrap();
            assert_same(&out, AMQPFrame::Method(channel, other));
            let frame = RawFrame::parse(&out, 0).unwrap().unwrap();
            assert_eq!((frame.kind, frame.channel), (FrameKind::Method, channel));
            assert_eq!(Method::decode(frame.payload), Ok(mine));
        }
    }
}

#[test]
fn every_set_of_properties() {
    for seed in 0..10 * SEEDS {
        // What they borrow is made anew now and then only.
        let pool = Pool::new(seed / 50);
        let properties = pool.properties(seed);
        let raw = properties.to_bytes().unwrap();
        let body_size = Random::new(seed).number();
        let mut out = BytesMut::new();
        encode_content_header(&mut out, 9, body_size, RawProperties::new(&raw)).unwrap();
        let header = AMQPContentHeader {
            class_id: 60,
            body_size,
            properties: their_properties(properties),
        };
        assert_same(&out, AMQPFrame::Header(9, header));
        let frame = RawFrame::parse(&out, 0).unwrap().unwrap();
        let header = ContentHeader::decode(frame.payload).unwrap();
        assert_eq!(header.body_size, body_size);
        assert_eq!(header.properties.decode(), Ok(properties));
    }
}

#[test]
fn the_other_frames() {
    let mut out = BytesMut::new();
    encode_heartbeat(&mut out);
    assert_same(&out, AMQPFrame::Heartbeat);
    let version = theirs_version();
    assert_same(&PROTOCOL_HEADER, AMQPFrame::ProtocolHeader(version));
    let body = Random::new(6).bytes(5000);
    let mut out = BytesMut::new();
    encode_body(&mut out, 65_535, &body, 0);
    assert_same(&out, AMQPFrame::Body(65_535, body));
}

fn theirs_version() -> amq_protocol::frame::ProtocolVersion {
    amq_protocol::frame::ProtocolVersion::amqp_0_9_1()
}

/// Whether all that a frame carries can be read, and all that the other side wants to be text is.
fn is_readable(bytes: &[u8]) -> bool {
    let Ok(Some(frame)) = RawFrame::parse(bytes, 0) else {
        return false;
    };
    match frame.kind {
        FrameKind::Method => match Method::decode(frame.payload) {
            Ok(method) => tables_of(&method).into_iter().all(is_text),
            Err(_) => false,
        },
        FrameKind::Header => {
            let header = ContentHeader::decode(frame.payload);
            header
                .and_then(|header| header.properties.validate())
                .is_ok_and(|properties| {
                    let texts = texts_of(&properties);
                    properties.headers.is_none_or(is_text)
                        && texts
                            .into_iter()
                            .flatten()
                            .all(|text| text.to_str().is_ok())
                })
        }
        FrameKind::Body | FrameKind::Heartbeat => true,
    }
}

fn tables_of<'a>(method: &Method<'a>) -> Option<RawTable<'a>> {
    match *method {
        Method::ConnectionStart(start) => Some(start.server_properties),
        Method::ConnectionStartOk(start) => Some(start.client_properties),
        Method::ExchangeDeclare(declare) => Some(declare.arguments),
        Method::ExchangeBind(bind) => Some(bind.arguments),
        Method::ExchangeUnbind(unbind) => Some(unbind.arguments),
        Method::QueueDeclare(declare) => Some(declare.arguments),
        Method::QueueBind(bind) => Some(bind.arguments),
        Method::QueueUnbind(unbind) => Some(unbind.arguments),
        Method::BasicConsume(consume) => Some(consume.arguments),
        _ => None,
    }
}

fn texts_of<'a>(properties: &Properties<'a>) -> [Option<ShortBytes<'a>>; 10] {
    [
        properties.content_type,
        properties.content_encoding,
        properties.correlation_id,
        properties.reply_to,
        properties.expiration,
        properties.message_id,
        properties.kind,
        properties.user_id,
        properties.app_id,
        properties.cluster_id,
    ]
}

/// Whether a table is sound and has no name that is not UTF-8, which we pass on and the other side refuses.
fn is_text(table: RawTable<'_>) -> bool {
    fn of_value(value: &Value) -> bool {
        match value {
            Value::Table(table) => of_table(table),
            Value::Array(values) => values.iter().all(of_value),
            _ => true,
        }
    }
    fn of_table(table: &Table) -> bool {
        let mut entries = table.iter();
        entries.all(|(key, value)| std::str::from_utf8(key).is_ok() && of_value(value))
    }
    Table::decode(table).is_ok_and(|table| of_table(&table))
}

/// A frame with a byte or two changed, or with a few inserted and its size corrected.
fn damaged(frame: &[u8], random: &mut Random) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for _ in 0..=random.below(2) {
        let at = random.below(frame.len());
        let octet = frame[at];
        frame[at] = [0, 1, 0xff, octet ^ 1, octet.wrapping_add(1), random.octet()][random.below(6)];
    }
    if random.one_in(4) {
        let at = 7 + random.below(frame.len() - 7);
        frame.insert(at, random.octet());
        let size = u32::try_from(frame.len() - 8).unwrap();
        frame[3..7].copy_from_slice(&size.to_be_bytes());
    }
    frame
}

#[test]
fn both_refuse_the_same_frames() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let pool = Pool::new(seed);
        let mut frames = Vec::new();
        for method in pool.methods(seed) {
            let mut out = BytesMut::new();
            encode_method(&mut out, 1, &method).unwrap();
            frames.push(out);
        }
        for _ in 0..20 {
            let properties = pool.properties(random.number()).to_bytes().unwrap();
            let mut out = BytesMut::new();
            encode_content_header(&mut out, 1, 7, RawProperties::new(&properties)).unwrap();
            frames.push(out);
        }
        for frame in frames {
            let damaged = damaged(&frame, &mut random);
            // The other side reads protocol headers in the same place, and passes over unknown properties.
            let flags = damaged.get(20).copied().unwrap_or_default();
            let unknown_property = damaged[0] == 2 && flags & 3 != 0;
            if damaged[0] == b'A' || unknown_property {
                continue;
            }
            let other = parse_frame(&damaged[..]);
            assert_eq!(
                is_readable(&damaged),
                other.is_ok(),
                "{damaged:?}: {other:?}"
            );
            if other.is_ok() {
                accepted += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(accepted > 1000 && refused > 1000, "{accepted} {refused}");
}
