//! Whether a declaration makes sense, and whether what exists is the same.

use amqp_wire::{RawTable, Table, Value};
use bytes::Bytes;
use cluster::{Exchange, NewQueue, Queue, QueueKind, Topic};
use console::{Declaration, Refusal};

const KINDS: [&str; 4] = ["direct", "fanout", "headers", "topic"];
/// Highest `x-max-priority`.
const PRIORITY_MAX: i64 = 255;

pub(super) fn exchange(wanted: &Declaration) -> Result<Exchange, Refusal> {
    if !KINDS.contains(&wanted.kind.as_str()) {
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

pub(super) fn queue(wanted: &Declaration) -> Result<NewQueue, Refusal> {
    let invalid = |name: &str, reason: &str| {
        let (queue, vhost) = (&wanted.name, &wanted.vhost);
        let reason =
            format!("invalid arg '{name}' for queue '{queue}' in vhost '{vhost}': {reason}");
        Refusal::Precondition(reason)
    };
    let arguments = table(&wanted.arguments);
    let kind = match arguments.get("x-queue-type") {
        None => QueueKind::Classic,
        Some(kind) => match kind.as_str() {
            Some("classic") => QueueKind::Classic,
            Some("quorum") if !wanted.durable => {
                return Err(invalid("x-queue-type", "a quorum queue is durable"));
            }
            Some("quorum") => QueueKind::Quorum,
            _ => return Err(invalid("x-queue-type", "expected classic or quorum")),
        },
    };
    let levels = match arguments.get("x-max-priority") {
        None => 1,
        Some(highest) => highest
            .as_integer()
            .filter(|highest| (0..=PRIORITY_MAX).contains(highest))
            .and_then(|highest| u16::try_from(highest + 1).ok())
            .ok_or_else(|| invalid("x-max-priority", "expected 0 to 255"))?,
    };
    Ok(NewQueue {
        vhost: wanted.vhost.as_str().into(),
        name: wanted.name.as_str().into(),
        kind,
        durable: wanted.durable,
        auto_delete: wanted.auto_delete,
        exclusive: None,
        levels,
        arguments: wanted.arguments.clone(),
    })
}

/// The arguments that declare a topic as the stream queue that it is: its age and its size, as RabbitMQ writes them.
pub(super) fn stream_arguments(topic: &Topic) -> Bytes {
    const SECOND_MS: i64 = 1000;
    let number = |config: &str| topic.configs.get(config)?.parse::<i64>().ok();
    let mut table = Table::from_iter([("x-queue-type", "stream")]);
    if let Some(ms) = number("retention.ms").filter(|ms| *ms >= SECOND_MS) {
        table.insert("x-max-age", format!("{}s", ms / SECOND_MS));
    }
    if let Some(bytes) = number("retention.bytes").filter(|bytes| *bytes >= 0) {
        table.insert("x-max-length-bytes", bytes);
    }
    // Names and values are short.
    table.to_bytes().unwrap_or_default()
}

pub(super) fn same_exchange(wanted: &Exchange, known: &Exchange) -> Result<(), Refusal> {
    let of = format!("exchange '{}' in vhost '{}'", known.name, known.vhost);
    same(&of, "type", &wanted.kind, &known.kind)?;
    same(&of, "durable", wanted.durable, known.durable)?;
    same(&of, "auto_delete", wanted.auto_delete, known.auto_delete)?;
    same(&of, "internal", wanted.internal, known.internal)?;
    same_arguments(&of, &table(&wanted.arguments), &table(&known.arguments))
}

pub(super) fn same_queue(wanted: &NewQueue, known: &Queue) -> Result<(), Refusal> {
    let of = format!("queue '{}' in vhost '{}'", known.name, known.vhost);
    if known.exclusive.is_some() {
        let reason = format!("cannot obtain exclusive access to locked {of}");
        return Err(Refusal::Access(reason));
    }
    same(&of, "durable", wanted.durable, known.durable)?;
    same(&of, "auto_delete", wanted.auto_delete, known.auto_delete)?;
    same(&of, "x-queue-type", wanted.kind.name(), known.kind.name())?;
    let (mut wanted, mut known) = (table(&wanted.arguments), table(&known.arguments));
    wanted.remove("x-queue-type");
    known.remove("x-queue-type");
    same_arguments(&of, &wanted, &known)
}

fn same<T: PartialEq + std::fmt::Display>(
    of: &str,
    name: &str,
    wanted: T,
    known: T,
) -> Result<(), Refusal> {
    if wanted == known {
        return Ok(());
    }
    let reason =
        format!("inequivalent arg '{name}' for {of}: received '{wanted}' but current is '{known}'");
    Err(Refusal::Precondition(reason))
}

/// Integers are the same by value, whatever their width.
fn same_arguments(of: &str, wanted: &Table, known: &Table) -> Result<(), Refusal> {
    for (name, _) in wanted.iter().chain(known.iter()) {
        let name = String::from_utf8_lossy(name);
        let (wanted, known) = (wanted.get(&name), known.get(&name));
        if !same_value(wanted, known) {
            same(of, &name, shown(wanted), shown(known))?;
        }
    }
    Ok(())
}

fn same_value(wanted: Option<&Value>, known: Option<&Value>) -> bool {
    let integers = wanted
        .zip(known)
        .and_then(|(wanted, known)| Some((wanted.as_integer()?, known.as_integer()?)));
    integers.map_or(wanted == known, |(wanted, known)| wanted == known)
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) => match (value.as_integer(), value.as_str()) {
            (Some(integer), _) => integer.to_string(),
            (_, Some(text)) => text.to_owned(),
            _ => format!("{value:?}"),
        },
    }
}

/// What does not decode was refused before it came here.
fn table(arguments: &Bytes) -> Table {
    Table::decode(RawTable::new(arguments)).unwrap_or_default()
}
