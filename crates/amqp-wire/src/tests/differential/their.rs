//! Our values as `amq-protocol` has them.

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{self as theirs, AMQPClass};
use amq_protocol::types::{
    AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable, LongString, ShortString,
};

use crate::field::Timestamp;
use crate::method::Method;
use crate::methods as ours;
use crate::properties::Properties;
use crate::short_str::{ShortBytes, ShortStr};
use crate::table::{RawTable, Table, Value};

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
        pub(super) fn both<'a>(method: &Method<'a>) -> (Method<'a>, AMQPClass) {
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

/// The same properties.
pub(super) fn their_properties(properties: Properties<'_>) -> AMQPProperties {
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
