use super::{QueueType, check, difference, interval_ms};
use amqp_wire::{RawTable, Table, Value};
use bytes::Bytes;

fn text(text: &'static str) -> Value {
    Value::LongStr(Bytes::from_static(text.as_bytes()))
}

fn table(entries: &[(&'static str, Value)]) -> Bytes {
    let mut table = Table::new();
    for (name, value) in entries {
        table.push(*name, value.clone());
    }
    table.to_bytes().expect("short")
}

/// What RabbitMQ 3.10 says of one argument of a classic queue, recorded from it.
fn judged(name: &'static str, value: Value, expected: Option<&str>) {
    let arguments = table(&[(name, value)]);
    let found = check(QueueType::Classic, RawTable::new(&arguments));
    let found = found.err().map(|(_, wrong)| wrong.to_string());
    assert_eq!(found.as_deref(), expected, "{name}");
}

#[test]
fn numbers_are_judged_as_by_rabbitmq() {
    let long = Value::I64(1 << 40);
    let too_large = ": {value_too_large,1099511627776}";
    let no_integer = ": \"expected integer, got longstr\"";
    let of_classic = " of queue type rabbit_classic_queue";
    for (name, value, expected) in [
        (
            "x-message-ttl",
            Value::I32(-1),
            Some(": {value_negative,-1}"),
        ),
        ("x-message-ttl", text("s"), Some(no_integer)),
        ("x-message-ttl", long.clone(), Some(too_large)),
        ("x-message-ttl", Value::I32(0), None),
        ("x-expires", Value::I32(0), Some(": {value_zero,0}")),
        ("x-expires", Value::I64(-5), Some(": {value_negative,-5}")),
        ("x-max-length", long, None),
        (
            "x-max-priority",
            Value::I32(256),
            Some(": {max_value_exceeded,256}"),
        ),
        ("x-max-priority", Value::I32(0), None),
        ("x-delivery-limit", Value::I32(5), Some(of_classic)),
        (
            "x-queue-version",
            Value::I32(3),
            Some(": \"unsupported queue version '3'\""),
        ),
        ("x-consumer-timeout", Value::I32(5), None),
    ] {
        judged(name, value, expected);
    }
}

#[test]
fn words_are_judged_as_by_rabbitmq() {
    let number = ": {unacceptable_type,signedint}";
    for (name, value, expected) in [
        ("x-overflow", text("foo"), Some(": invalid_overflow")),
        ("x-overflow", text("reject-publish"), None),
        ("x-overflow", Value::I32(5), Some(number)),
        (
            "x-queue-mode",
            text("foo"),
            Some(": \"unsupported queue mode 'foo'\""),
        ),
        (
            "x-single-active-consumer",
            text("a"),
            Some(": {unacceptable_type,longstr}"),
        ),
        (
            "x-dead-letter-routing-key",
            text("a"),
            Some(": routing_key_but_no_dlx_defined"),
        ),
        (
            "x-max-age",
            text("5m"),
            Some(" of queue type rabbit_classic_queue"),
        ),
        ("whatever", Value::Void, None),
    ] {
        judged(name, value, expected);
    }
    let typed = table(&[("x-queue-type", text("foo"))]);
    let (name, why) = QueueType::of(RawTable::new(&typed)).expect_err("unknown");
    assert_eq!(
        (name, &*why),
        ("x-queue-type", "\"unsupported queue type 'foo'\"")
    );
}

#[test]
fn declarations_are_compared_by_value() {
    let check = |current: &[_], received: &[_]| {
        let (current, received) = (table(current), table(received));
        difference(RawTable::new(&current), RawTable::new(&received)).map(
            |(name, received, current)| {
                format!("{name}: received {received} but current is {current}")
            },
        )
    };
    let ttl = |value| ("x-message-ttl", value);
    assert_eq!(check(&[ttl(Value::I32(5))], &[ttl(Value::I64(5))]), None);
    assert_eq!(
        check(&[], &[ttl(Value::I32(5))]).as_deref(),
        Some("x-message-ttl: received the value '5' of type 'signedint' but current is none")
    );
    assert_eq!(check(&[], &[("x-queue-type", text("classic"))]), None);
    assert_eq!(check(&[("foo", Value::I32(1))], &[]), None);
    assert_eq!(
        check(
            &[("x-overflow", text("drop-head"))],
            &[("x-overflow", text("reject-publish"))]
        )
        .as_deref(),
        Some(
            "x-overflow: received the value 'reject-publish' of type 'longstr' but current is the value 'drop-head' of type 'longstr'"
        )
    );
}

#[test]
fn intervals_have_a_number_and_a_unit() {
    for (text, ms) in [
        ("5s", Some(5000)),
        ("1h", Some(3_600_000)),
        ("2D", Some(172_800_000)),
        ("5x", None),
        ("s", None),
        ("", None),
        ("-1s", None),
        ("5é", None),
        ("99999999999999999Y", None),
    ] {
        assert_eq!(interval_ms(text), ms, "{text}");
    }
}
