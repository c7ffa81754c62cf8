//! Headers, keys and circles.

use super::{DEATHS_MAX, Letter, letter};
use crate::message::Parts;
use crate::queues::queue::Reason;
use crate::queues::settings::DeadLetterTo;
use amqp_wire::{Properties, RawProperties, RawTable, Table, Value};
use base::Timestamp;
use bytes::Bytes;

fn text(text: &str) -> Value {
    Value::LongStr(Bytes::copy_from_slice(text.as_bytes()))
}

fn parts(headers: &Table) -> Parts {
    let headers = headers.to_bytes().unwrap();
    let properties = Properties {
        headers: Some(RawTable::new(&headers)),
        delivery_mode: Some(2),
        ..Properties::default()
    };
    Parts {
        exchange: Bytes::from_static(b"orders"),
        routing_key: Bytes::from_static(b"key"),
        properties: properties.to_bytes().unwrap(),
        body: Bytes::from_static(b"body"),
    }
}

fn to(routing_key: Option<&str>) -> DeadLetterTo {
    DeadLetterTo {
        exchange: "dlx".into(),
        routing_key: routing_key.map(Into::into),
    }
}

/// The letter after dying in each of these queues, one after the other.
fn after(deaths: &[(&str, Reason)]) -> Letter {
    let mut headers = Table::new();
    let mut last = None;
    for (queue, reason) in deaths {
        let letter = letter(
            &parts(&headers),
            queue,
            *reason,
            &to(None),
            Timestamp(5_000),
        );
        headers = Table::decode(RawTable::new(&letter.headers)).unwrap();
        last = Some(letter);
    }
    last.expect("it died")
}

#[test]
fn keys_are_its_own_with_copies_or_the_queues() {
    let copies = |names: &[&str]| Value::Array(names.iter().map(|name| text(name)).collect());
    let mut headers = Table::new();
    headers.insert("CC", copies(&["a", "b"]));
    headers.insert("BCC", copies(&["secret"]));
    headers.insert("mine", Value::I32(7));
    for (key, keys, has_copies) in [
        (None, vec!["key", "a", "b"], true),
        (Some("other"), vec!["other"], false),
    ] {
        let letter = letter(
            &parts(&headers),
            "q",
            Reason::Rejected,
            &to(key),
            Timestamp(0),
        );
        assert_eq!(letter.keys, keys);
        let properties = RawProperties::new(&letter.properties).decode().unwrap();
        assert_eq!(properties.delivery_mode, Some(2));
        let headers = Table::decode(properties.headers.unwrap()).unwrap();
        assert_eq!(headers.get("CC").is_some(), has_copies);
        assert_eq!(headers.get("BCC"), None);
        assert_eq!(headers.get("mine"), Some(&Value::I32(7)));
    }
}

#[test]
fn the_newest_death_stands_first_and_the_first_one_is_remembered() {
    let letter = after(&[
        ("a", Reason::Expired),
        ("b", Reason::MaxLength),
        ("a", Reason::Expired),
        ("a", Reason::Rejected),
    ]);
    let headers = Table::decode(RawTable::new(&letter.headers)).unwrap();
    let Some(Value::Array(deaths)) = headers.get("x-death") else {
        panic!("{headers:?}");
    };
    let shown: Vec<_> = deaths
        .iter()
        .map(|death| match death {
            Value::Table(death) => {
                ["queue", "reason", "count", "time"].map(|name| death.get(name).cloned().unwrap())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let death = |queue, reason, count| {
        [
            text(queue),
            text(reason),
            Value::I64(count),
            Value::Timestamp(5),
        ]
    };
    assert_eq!(
        shown,
        [
            death("a", "rejected", 1),
            death("a", "expired", 2),
            death("b", "maxlen", 1)
        ]
    );
    for (name, value) in [
        ("x-first-death-queue", "a"),
        ("x-first-death-reason", "expired"),
        ("x-first-death-exchange", "orders"),
        ("x-last-death-queue", "a"),
        ("x-last-death-reason", "rejected"),
    ] {
        assert_eq!(headers.get(name), Some(&text(value)), "{name}");
    }
}

#[test]
fn a_circle_without_a_rejection_is_one() {
    use Reason::{DeliveryLimit, Expired, MaxLength, Rejected};
    for (deaths, queue, round) in [
        (vec![("a", Expired)], "a", true),
        (vec![("a", Expired)], "b", false),
        (vec![("a", Rejected)], "a", false),
        (vec![("a", Expired), ("b", MaxLength)], "a", true),
        (vec![("a", Rejected), ("b", Expired)], "a", false),
        (vec![("a", Expired), ("b", Rejected)], "a", false),
        (
            vec![("a", Expired), ("b", Rejected), ("c", Expired)],
            "a",
            false,
        ),
        (
            vec![("b", Rejected), ("a", Expired), ("c", DeliveryLimit)],
            "a",
            true,
        ),
    ] {
        assert_eq!(
            after(&deaths).goes_round(queue),
            round,
            "{deaths:?} to {queue}"
        );
    }
}

#[test]
fn the_history_is_bounded() {
    let names: Vec<_> = (0..DEATHS_MAX + 10)
        .map(|number| format!("q{number}"))
        .collect();
    let deaths: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), Reason::Rejected))
        .collect();
    assert_eq!(after(&deaths).deaths.len(), DEATHS_MAX);
}

#[test]
fn a_ring_that_is_longer_than_the_history_ends() {
    let names: Vec<_> = (0..DEATHS_MAX).map(|number| format!("q{number}")).collect();
    let full: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), Reason::MaxLength))
        .collect();
    assert!(!after(&full[1..]).goes_round("next"));
    assert!(after(&full).goes_round("next"));
    let mut rejected = full;
    rejected[7].1 = Reason::Rejected;
    assert!(!after(&rejected).goes_round("next"), "a consumer had it");
}

#[test]
fn properties_that_cannot_be_read_do_not_stop_a_letter() {
    let broken = Parts {
        properties: Bytes::from_static(b"\xff\xff\x03"),
        ..parts(&Table::new())
    };
    let letter = letter(&broken, "q", Reason::Expired, &to(None), Timestamp(0));
    assert_eq!(letter.keys, ["key"]);
}
