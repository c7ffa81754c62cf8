//! Whether a declaration makes sense, and whether what exists is the same, by the rules of the RabbitMQ face.

use amqp::arguments::{self, QueueType};
use amqp::routing::{ALTERNATE_EXCHANGE, ExchangeKind};
use amqp::stream_settings;
use amqp_wire::{RawTable, RawValue};
use cluster::{Exchange, NewQueue, Queue, Topic};
use console::{Declaration, Refusal};
use std::collections::BTreeMap;
use std::fmt::Display;

/// What is to be made.
pub(super) enum Wanted {
    /// A queue of the catalog.
    Queue(NewQueue),
    /// A topic.
    Stream,
}

pub(super) fn exchange(wanted: &Declaration) -> Result<Exchange, Refusal> {
    if ExchangeKind::of(&wanted.kind).is_none() {
        let reason = format!("unknown exchange type '{}'", wanted.kind);
        return Err(Refusal::Precondition(reason));
    }
    Ok(Exchange {
        vhost: wanted.vhost.as_str().into(),
        name: wanted.name.as_str().into(),
        kind: wanted.kind.as_str().into(),
        durable: wanted.durable,
        auto_delete: wanted.auto_delete,
        internal: wanted.internal,
        arguments: wanted.arguments.clone(),
    })
}

pub(super) fn queue(wanted: &Declaration) -> Result<Wanted, Refusal> {
    let (name, vhost) = (&wanted.name, &wanted.vhost);
    let invalid = |argument: &str, what: String| {
        let reason =
            format!("invalid arg '{argument}' for queue '{name}' in vhost '{vhost}'{what}");
        Refusal::Precondition(reason)
    };
    let table = RawTable::new(&wanted.arguments);
    let queue_type =
        QueueType::of(table).map_err(|(argument, why)| invalid(argument, format!(": {why}")))?;
    arguments::check(queue_type, table)
        .map_err(|(argument, wrong)| invalid(argument, wrong.to_string()))?;
    if queue_type != QueueType::Classic && (!wanted.durable || wanted.auto_delete) {
        let property = if wanted.durable {
            "auto-delete"
        } else {
            "non-durable"
        };
        let reason = format!("invalid property '{property}' for queue '{name}' in vhost '{vhost}'");
        return Err(Refusal::Precondition(reason));
    }
    if queue_type == QueueType::Stream {
        return Ok(Wanted::Stream);
    }
    let highest = table.get("x-max-priority").ok().flatten();
    let highest = highest.and_then(RawValue::as_integer).unwrap_or(0);
    Ok(Wanted::Queue(NewQueue {
        vhost: vhost.as_str().into(),
        name: name.as_str().into(),
        kind: queue_type.kind(),
        durable: wanted.durable,
        auto_delete: wanted.auto_delete,
        exclusive: None,
        levels: u16::try_from(highest + 1).unwrap_or(1),
        arguments: wanted.arguments.clone(),
    }))
}

/// The settings of the topic that a stream queue will be.
pub(super) fn stream_configs(wanted: &Declaration) -> BTreeMap<String, String> {
    stream_settings::of_new(RawTable::new(&wanted.arguments))
}

pub(super) fn same_exchange(wanted: &Exchange, known: &Exchange) -> Result<(), Refusal> {
    let of = format!("exchange '{}' in vhost '{}'", known.name, known.vhost);
    same(&of, "type", &wanted.kind, &known.kind)?;
    same(&of, "durable", wanted.durable, known.durable)?;
    same(&of, "auto_delete", wanted.auto_delete, known.auto_delete)?;
    same(&of, "internal", wanted.internal, known.internal)?;
    let (current, received) = (
        RawTable::new(&known.arguments),
        RawTable::new(&wanted.arguments),
    );
    match arguments::difference_in([ALTERNATE_EXCHANGE], current, received) {
        None => Ok(()),
        Some((name, received, current)) => Err(inequivalent(&of, name, received, current)),
    }
}

pub(super) fn same_queue(wanted: &NewQueue, known: &Queue) -> Result<(), Refusal> {
    let of = format!("queue '{}' in vhost '{}'", known.name, known.vhost);
    if known.exclusive.is_some() {
        let reason = format!("cannot obtain exclusive access to locked {of}");
        return Err(Refusal::Precondition(reason));
    }
    same(&of, "durable", wanted.durable, known.durable)?;
    same(&of, "auto_delete", wanted.auto_delete, known.auto_delete)?;
    let (current, received) = (
        RawTable::new(&known.arguments),
        RawTable::new(&wanted.arguments),
    );
    match arguments::difference(current, received) {
        None => Ok(()),
        Some((name, received, current)) => Err(inequivalent(&of, name, received, current)),
    }
}

/// A topic has no arguments: it is a stream, and settings that are wanted must be its own.
pub(super) fn same_stream(wanted: &Declaration, known: &Topic) -> Result<(), Refusal> {
    let of = format!("queue '{}' in vhost '{}'", wanted.name, wanted.vhost);
    same(&of, "durable", wanted.durable, true)?;
    same(&of, "auto_delete", wanted.auto_delete, false)?;
    let table = RawTable::new(&wanted.arguments);
    if QueueType::of(table) != Ok(QueueType::Stream) {
        return Err(inequivalent(&of, arguments::QUEUE_TYPE, "none", "'stream'"));
    }
    match stream_settings::difference(table, known) {
        None => Ok(()),
        Some((name, received, current)) => Err(inequivalent(&of, name, received, current)),
    }
}

fn same<T: PartialEq + Display>(of: &str, name: &str, wanted: T, known: T) -> Result<(), Refusal> {
    if wanted == known {
        return Ok(());
    }
    let (wanted, known) = (format!("'{wanted}'"), format!("'{known}'"));
    Err(inequivalent(of, name, wanted, known))
}

fn inequivalent(of: &str, name: &str, received: impl Display, current: impl Display) -> Refusal {
    let reason =
        format!("inequivalent arg '{name}' for {of}: received {received} but current is {current}");
    Refusal::Precondition(reason)
}
