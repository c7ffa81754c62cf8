//! `amq-protocol`, which others wrote, writes the same bytes and reads the same values.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame};
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{self as theirs, AMQPClass};
use amq_protocol::types::{
    AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable, LongString, ShortString,
};
use bytes::BytesMut;

use crate::arbitrary::{Pool, Random};
use crate::content_header::ContentHeader;
use crate::encode::{encode_body, encode_content_header, encode_heartbeat, encode_method};
use crate::field::Timestamp;
use crate::frame::{FrameKind, RawFrame};
use crate::method::Method;
use crate::methods as ours;
use crate::properties::{Properties, RawProperties};
use crate::protocol_header::PROTOCOL_HEADER;
use crate::short_str::{ShortBytes, ShortStr};
use crate::table::{RawTable, Table, Value};

const SEEDS: u64 = 200;

/// A field as the other side has it.
trait Their {
    type Type;

    fn their(self) -> Self::Type;
}

macro_rules! same {
    ($($ty:ty),*) => {$(
        impl Their for $ty {
            type Type = Self;

            fn their(self) -> Self {
                self
            }
        }
    )*};
}

same!(bool, u8, u16, u32, u64);

impl Their for Timestamp {
    type Type = u64;

    fn their(self) -> u64 {
        self.0
    }
}

impl Their for ShortStr<'_> {
    type Type = ShortString;

    fn their(self) -> ShortString {
        self.as_str().into()
    }
}

impl Their for ShortBytes<'_> {
    type Type = ShortString;

    fn their(self) -> ShortString {
        self.to_str().unwrap().their()
    }
}

impl Their for &[u8] {
    type Type = LongString;

    fn their(self) -> LongString {
        self.to_vec().into()
    }
}

impl Their for RawTable<'_> {
    type Type = FieldTable;

    fn their(self) -> FieldTable {
        their_table(&Table::decode(self).unwrap())
    }
}

fn their_table(table: &Table) -> FieldTable {
    let mut theirs = FieldTable::default();
    for (key, value) in table.iter() {
        theirs.insert(std::str::from_utf8(key).unwrap().into(), their_value(value));
    }
    theirs
}

fn their_value(value: &Value) -> AMQPValue {
    match value {
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::I8(value) => AMQPValue::ShortShortInt(*value),
        Value::U8(value) => AMQPValue::ShortShortUInt(*value),
        Value::I16(value) => AMQPValue::ShortInt(*value),
        Value::U16(value) => AMQPValue::ShortUInt(*value),
        Value::I32(value) => AMQPValue::LongInt(*value),
        Value::U32(value) => AMQPValue::LongUInt(*value),
        Value::I64(value) => AMQPValue::LongLongInt(*value),
        Value::F32(value) => AMQPValue::Float(*value),
        Value::F64(value) => AMQPValue::Double(*value),
        &Value::Decimal { scale, value } => AMQPValue::DecimalValue(DecimalValue { scale, value }),
        Value::LongStr(bytes) => AMQPValue::LongString(bytes.to_vec().into()),
        Value::Array(values) => {
            let values: Vec<AMQPValue> = values.iter().map(their_value).collect();
            AMQPValue::FieldArray(FieldArray::from(values))
        }
        Value::Timestamp(seconds) => AMQPValue::Timestamp(*seconds),
        Value::Table(table) => AMQPValue::FieldTable(their_table(table)),
        Value::Void => AMQPValue::Void,
        Value::Bytes(bytes) => AMQPValue::ByteArray(ByteArray::from(bytes.to_vec())),
    }
}

/// One line per method: its fields, which have the same names on both sides. Fields that the other side leaves
/// out, since nobody looks at them, are set to what it writes for them.
macro_rules! both {
    ($(
        $class:ident $module:ident $variant:ident $name:ident { $($field:ident),* }
        $(with { $($reserved:ident: $value:expr),* })?;
    )*) => {
        /// A method with its reserved fields set, and the same as the other side has it.
        fn both<'a>(method: &Method<'a>) -> (Method<'a>, AMQPClass) {
            match *method {
                $(Method::$variant(method) => {
                    // Methods without fields use nothing of it.
                    let _ = method;
                    #[allow(clippy::needless_update, reason = "not every method has reserved fields")]
                    let mine = ours::$module::$name {
                        $($field: method.$field,)*
                        $($($reserved: $value,)*)?
                        ..Default::default()
                    };
                    let other = theirs::$module::$name { $($field: method.$field.their()),* };
                    let other = theirs::$module::AMQPMethod::$name(other);
                    (Method::$variant(mine), AMQPClass::$class(other))
                })*
            }
        }
    };
}

both! {
    Connection connection ConnectionStart Start {
        version_major, version_minor, server_properties, mechanisms, locales
    };
    Connection connection ConnectionStartOk StartOk { client_properties, mechanism, response, locale };
    Connection connection ConnectionSecure Secure { challenge };
    Connection connection ConnectionSecureOk SecureOk { response };
    Connection connection ConnectionTune Tune { channel_max, frame_max, heartbeat };
    Connection connection ConnectionTuneOk TuneOk { channel_max, frame_max, heartbeat };
    Connection connection ConnectionOpen Open { virtual_host };
    Connection connection ConnectionOpenOk OpenOk {};
    Connection connection ConnectionClose Close { reply_code, reply_text, class_id, method_id };
    Connection connection ConnectionCloseOk CloseOk {};
    Connection connection ConnectionBlocked Blocked { reason };
    Connection connection ConnectionUnblocked Unblocked {};
    Connection connection ConnectionUpdateSecret UpdateSecret { new_secret, reason };
    Connection connection ConnectionUpdateSecretOk UpdateSecretOk {};
    Channel channel ChannelOpen Open {};
    Channel channel ChannelOpenOk OpenOk {};
    Channel channel ChannelFlow Flow { active };
    Channel channel ChannelFlowOk FlowOk { active };
    Channel channel ChannelClose Close { reply_code, reply_text, class_id, method_id };
    Channel channel ChannelCloseOk CloseOk {};
    Access access AccessRequest Request { realm, exclusive, passive, active, write, read };
    Access access AccessRequestOk RequestOk {} with { ticket: 1 };
    Exchange exchange ExchangeDeclare Declare {
        exchange, kind, passive, durable, auto_delete, internal, nowait, arguments
    };
    Exchange exchange ExchangeDeclareOk DeclareOk {};
    Exchange exchange ExchangeDelete Delete { exchange, if_unused, nowait };
    Exchange exchange ExchangeDeleteOk DeleteOk {};
    Exchange exchange ExchangeBind Bind { destination, source, routing_key, nowait, arguments };
    Exchange exchange ExchangeBindOk BindOk {};
    Exchange exchange ExchangeUnbind Unbind { destination, source, routing_key, nowait, arguments };
    Exchange exchange ExchangeUnbindOk UnbindOk {};
    Queue queue QueueDeclare Declare { queue, passive, durable, exclusive, auto_delete, nowait, arguments };
    Queue queue QueueDeclareOk DeclareOk { queue, message_count, consumer_count };
    Queue queue QueueBind Bind { queue, exchange, routing_key, nowait, arguments };
    Queue queue QueueBindOk BindOk {};
    Queue queue QueuePurge Purge { queue, nowait };
    Queue queue QueuePurgeOk PurgeOk { message_count };
    Queue queue QueueDelete Delete { queue, if_unused, if_empty, nowait };
    Queue queue QueueDeleteOk DeleteOk { message_count };
    Queue queue QueueUnbind Unbind { queue, exchange, routing_key, arguments };
    Queue queue QueueUnbindOk UnbindOk {};
    Basic basic BasicQos Qos { prefetch_count, global };
    Basic basic BasicQosOk QosOk {};
    Basic basic BasicConsume Consume { queue, consumer_tag, no_local, no_ack, exclusive, nowait, arguments };
    Basic basic BasicConsumeOk ConsumeOk { consumer_tag };
    Basic basic BasicCancel Cancel { consumer_tag, nowait };
    Basic basic BasicCancelOk CancelOk { consumer_tag };
    Basic basic BasicPublish Publish { exchange, routing_key, mandatory, immediate };
    Basic basic BasicReturn Return { reply_code, reply_text, exchange, routing_key };
    Basic basic BasicDeliver Deliver { consumer_tag, delivery_tag, redelivered, exchange, routing_key };
    Basic basic BasicGet Get { queue, no_ack };
    Basic basic BasicGetOk GetOk { delivery_tag, redelivered, exchange, routing_key, message_count };
    Basic basic BasicGetEmpty GetEmpty {};
    Basic basic BasicAck Ack { delivery_tag, multiple };
    Basic basic BasicReject Reject { delivery_tag, requeue };
    Basic basic BasicRecoverAsync RecoverAsync { requeue };
    Basic basic BasicRecover Recover { requeue };
    Basic basic BasicRecoverOk RecoverOk {};
    Basic basic BasicNack Nack { delivery_tag, multiple, requeue };
    Confirm confirm ConfirmSelect Select { nowait };
    Confirm confirm ConfirmSelectOk SelectOk {};
    Tx tx TxSelect Select {};
    Tx tx TxSelectOk SelectOk {};
    Tx tx TxCommit Commit {};
    Tx tx TxCommitOk CommitOk {};
    Tx tx TxRollback Rollback {};
    Tx tx TxRollbackOk RollbackOk {};
}

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

macro_rules! their_properties {
    ($properties:expr, $($field:ident $with:ident,)*) => {{
        let properties: Properties<'_> = $properties;
        let mut theirs = AMQPProperties::default();
        $(
            if let Some(value) = properties.$field {
                theirs = theirs.$with(value.their());
            }
        )*
        theirs
    }};
}

fn their_properties(properties: Properties<'_>) -> AMQPProperties {
    their_properties!(
        properties,
        content_type with_content_type,
        content_encoding with_content_encoding,
        headers with_headers,
        delivery_mode with_delivery_mode,
        priority with_priority,
        correlation_id with_correlation_id,
        reply_to with_reply_to,
        expiration with_expiration,
        message_id with_message_id,
        timestamp with_timestamp,
        kind with_type,
        user_id with_user_id,
        app_id with_app_id,
        cluster_id with_cluster_id,
    )
}

#[test]
fn every_set_of_properties() {
    for seed in 0..20 * SEEDS {
        let pool = Pool::new(seed);
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
