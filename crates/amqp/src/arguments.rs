//! The arguments of queue declarations: which there are, for which type of queue, what they may be, and
//! when two declarations mean the same.

use amqp_wire::{RawTable, RawValue};
use cluster::QueueKind;
use std::fmt::Write;

/// The argument that says which type a queue is of.
pub const QUEUE_TYPE: &str = "x-queue-type";
pub(crate) const DEAD_LETTER_EXCHANGE: &str = "x-dead-letter-exchange";
pub(crate) const MAX_PRIORITY: &str = "x-max-priority";
pub(crate) const MAX_AGE: &str = "x-max-age";
pub(crate) const MAX_LENGTH_BYTES: &str = "x-max-length-bytes";
pub(crate) const SEGMENT_BYTES: &str = "x-stream-max-segment-size-bytes";
/// The longest time that RabbitMQ takes, in milliseconds: ten years.
const TIME_MS_MAX: i64 = 315_360_000_000;
/// The highest priority.
const PRIORITY_MAX: i64 = 255;

/// The types of queues that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueType {
    /// The default.
    Classic,
    /// With a delivery limit.
    Quorum,
    /// A topic.
    Stream,
}

impl QueueType {
    /// The type that the arguments of a declaration ask for.
    ///
    /// # Errors
    /// The argument's name and what RabbitMQ says of it, where there is no such type.
    pub fn of(arguments: RawTable<'_>) -> Result<Self, (&'static str, String)> {
        match arguments.get(QUEUE_TYPE) {
            Ok(Some(RawValue::LongStr(b"classic"))) | Ok(None) | Err(_) => Ok(Self::Classic),
            Ok(Some(RawValue::LongStr(b"quorum"))) => Ok(Self::Quorum),
            Ok(Some(RawValue::LongStr(b"stream"))) => Ok(Self::Stream),
            Ok(Some(RawValue::LongStr(other))) => {
                let other = String::from_utf8_lossy(other);
                Err((QUEUE_TYPE, format!("\"unsupported queue type '{other}'\"")))
            }
            Ok(Some(value)) => Err((QUEUE_TYPE, unacceptable(value))),
        }
    }

    /// What clients of RabbitMQ know its implementation by.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Self::Classic => "rabbit_classic_queue",
            Self::Quorum => "rabbit_quorum_queue",
            Self::Stream => "rabbit_stream_queue",
        }
    }

    /// How the catalog calls it; a stream queue is a topic there.
    #[must_use]
    pub fn kind(self) -> QueueKind {
        match self {
            Self::Quorum => QueueKind::Quorum,
            Self::Classic | Self::Stream => QueueKind::Classic,
        }
    }
}

/// What is wrong with a value; nothing where it is `Ok`.
type Verdict = Result<(), String>;

/// One argument.
struct Argument {
    name: &'static str,
    types: &'static [QueueType],
    check: fn(RawValue<'_>) -> Verdict,
}

use QueueType::{Classic, Quorum, Stream};

const QUEUES: &[QueueType] = &[Classic, Quorum];
const ALL: &[QueueType] = &[Classic, Quorum, Stream];

const ARGUMENTS: &[Argument] = &[
    argument("x-expires", QUEUES, expires),
    argument("x-message-ttl", QUEUES, time),
    argument(DEAD_LETTER_EXCHANGE, QUEUES, text),
    argument("x-dead-letter-routing-key", QUEUES, text),
    argument("x-dead-letter-strategy", &[Quorum], strategy),
    argument("x-max-length", QUEUES, count),
    argument(MAX_LENGTH_BYTES, ALL, count),
    argument("x-max-in-memory-length", QUEUES, count),
    argument("x-max-in-memory-bytes", QUEUES, count),
    argument(MAX_PRIORITY, &[Classic], priority),
    argument("x-overflow", QUEUES, overflow),
    argument("x-queue-mode", &[Classic], mode),
    argument("x-queue-version", &[Classic], version),
    argument("x-single-active-consumer", QUEUES, flag),
    argument("x-delivery-limit", &[Quorum], integer),
    argument("x-quorum-initial-group-size", &[Quorum], count),
    argument("x-queue-leader-locator", &[Quorum, Stream], text),
    argument("x-initial-cluster-size", &[Stream], count),
    argument(MAX_AGE, &[Stream], age),
    argument(SEGMENT_BYTES, &[Stream], count),
    argument(QUEUE_TYPE, ALL, text),
];

const fn argument(
    name: &'static str,
    types: &'static [QueueType],
    check: fn(RawValue<'_>) -> Verdict,
) -> Argument {
    Argument { name, types, check }
}

/// Checks the arguments of a declaration. Those that nobody knows are the client's own.
///
/// # Errors
/// The name of the first that is wrong, and what RabbitMQ says of it.
pub fn check(queue_type: QueueType, arguments: RawTable<'_>) -> Result<(), (&'static str, Wrong)> {
    for argument in ARGUMENTS {
        let Ok(Some(value)) = arguments.get(argument.name) else {
            continue;
        };
        if !argument.types.contains(&queue_type) {
            return Err((argument.name, Wrong::Type(queue_type)));
        }
        (argument.check)(value).map_err(|why| (argument.name, Wrong::Value(why)))?;
    }
    let has = |name| matches!(arguments.get(name), Ok(Some(_)));
    if has("x-dead-letter-routing-key") && !has(DEAD_LETTER_EXCHANGE) {
        let why = "routing_key_but_no_dlx_defined".to_owned();
        return Err(("x-dead-letter-routing-key", Wrong::Value(why)));
    }
    Ok(())
}

/// What is wrong with an argument.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is none for this type of queue.
    Type(QueueType),
    /// It may not be this.
    Value(String),
}

/// As the end of a sentence that names argument and queue.
impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Type(queue_type) => write!(f, " of queue type {}", queue_type.module()),
            Self::Value(why) => write!(f, ": {why}"),
        }
    }
}

/// The first argument that two declarations of a queue differ in, and both values as RabbitMQ prints
/// them: received, current.
#[must_use]
pub fn difference(
    current: RawTable<'_>,
    received: RawTable<'_>,
) -> Option<(&'static str, String, String)> {
    let names = ARGUMENTS.iter().map(|argument| argument.name);
    difference_in(names, current, received)
}

/// The same, in these arguments.
#[must_use]
pub fn difference_in(
    names: impl IntoIterator<Item = &'static str>,
    current: RawTable<'_>,
    received: RawTable<'_>,
) -> Option<(&'static str, String, String)> {
    names.into_iter().find_map(|name| {
        let (current, received) = (find(current, name), find(received, name));
        if same(name, current, received) {
            return None;
        }
        Some((name, shown(received), shown(current)))
    })
}

#[derive(Clone, Copy)]
struct Shown<'a>(RawValue<'a>);

fn find<'a>(table: RawTable<'a>, name: &str) -> Option<Shown<'a>> {
    table.get(name).ok().flatten().map(Shown)
}

fn same(name: &str, left: Option<Shown<'_>>, right: Option<Shown<'_>>) -> bool {
    match (left, right) {
        (None, None) => true,
        // Integers are compared by value, whatever their width.
        (Some(Shown(left)), Some(Shown(right))) => match (left.as_integer(), right.as_integer()) {
            (Some(left), Some(right)) => left == right,
            _ => left == right,
        },
        (Some(Shown(one)), None) | (None, Some(Shown(one))) => {
            name == QUEUE_TYPE && one == RawValue::LongStr(b"classic")
        }
    }
}

fn shown(value: Option<Shown<'_>>) -> String {
    let Some(Shown(value)) = value else {
        return "none".to_owned();
    };
    let mut text = "the value '".to_owned();
    // Writing to a string does not fail.
    let _ = match value {
        RawValue::LongStr(bytes) => write!(text, "{}", String::from_utf8_lossy(bytes)),
        RawValue::Bool(value) => write!(text, "{value}"),
        other => match other.as_integer() {
            Some(number) => write!(text, "{number}"),
            None => write!(text, "{other:?}"),
        },
    };
    let _ = write!(text, "' of type '{}'", type_name(value));
    text
}

/// RabbitMQ's name of a value's type.
pub(crate) fn type_name(value: RawValue<'_>) -> &'static str {
    match value {
        RawValue::Bool(_) => "bool",
        RawValue::I8(_) => "byte",
        RawValue::U8(_) => "unsignedbyte",
        RawValue::I16(_) => "short",
        RawValue::U16(_) => "unsignedshort",
        RawValue::I32(_) => "signedint",
        RawValue::U32(_) => "unsignedint",
        RawValue::I64(_) => "long",
        RawValue::F32(_) => "float",
        RawValue::F64(_) => "double",
        RawValue::Decimal { .. } => "decimal",
        RawValue::LongStr(_) => "longstr",
        RawValue::Array(_) => "array",
        RawValue::Timestamp(_) => "timestamp",
        RawValue::Table(_) => "table",
        RawValue::Void => "void",
        RawValue::Bytes(_) => "binary",
    }
}

/// What RabbitMQ says where an integer should be.
pub(crate) fn expected_integer(value: RawValue<'_>) -> String {
    format!("\"expected integer, got {}\"", type_name(value))
}

/// Milliseconds of an interval like `5m`: a number and one of `Y`, `M`, `D`, `h`, `m`, `s`.
pub(crate) fn interval_ms(text: &str) -> Option<i64> {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let unit = text.chars().next_back()?;
    let unit_ms = match unit {
        'Y' => 365 * DAY_MS,
        'M' => 30 * DAY_MS,
        'D' => DAY_MS,
        'h' => 3600 * 1000,
        'm' => 60 * 1000,
        's' => 1000,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| digits.parse().ok())??;
    number.checked_mul(unit_ms)
}

fn unacceptable(value: RawValue<'_>) -> String {
    format!("{{unacceptable_type,{}}}", type_name(value))
}

fn number(value: RawValue<'_>) -> Result<i64, String> {
    value.as_integer().ok_or_else(|| expected_integer(value))
}

fn integer(value: RawValue<'_>) -> Verdict {
    number(value).map(drop)
}

fn count(value: RawValue<'_>) -> Verdict {
    match number(value)? {
        number if number < 0 => Err(format!("{{value_negative,{number}}}")),
        _ => Ok(()),
    }
}

fn time(value: RawValue<'_>) -> Verdict {
    count(value)?;
    match number(value)? {
        number if number > TIME_MS_MAX => Err(format!("{{value_too_large,{number}}}")),
        _ => Ok(()),
    }
}

fn expires(value: RawValue<'_>) -> Verdict {
    time(value)?;
    match number(value)? {
        0 => Err("{value_zero,0}".to_owned()),
        _ => Ok(()),
    }
}

fn priority(value: RawValue<'_>) -> Verdict {
    count(value)?;
    match number(value)? {
        number if number > PRIORITY_MAX => Err(format!("{{max_value_exceeded,{number}}}")),
        _ => Ok(()),
    }
}

fn version(value: RawValue<'_>) -> Verdict {
    match number(value)? {
        1 | 2 => Ok(()),
        number => Err(format!("\"unsupported queue version '{number}'\"")),
    }
}

fn text(value: RawValue<'_>) -> Verdict {
    value.as_str().map(drop).ok_or_else(|| unacceptable(value))
}

fn flag(value: RawValue<'_>) -> Verdict {
    value.as_bool().map(drop).ok_or_else(|| unacceptable(value))
}

fn one_of(value: RawValue<'_>, words: &[&str], otherwise: impl FnOnce(&str) -> String) -> Verdict {
    let word = value.as_str().ok_or_else(|| unacceptable(value))?;
    if words.contains(&word) {
        Ok(())
    } else {
        Err(otherwise(word))
    }
}

fn overflow(value: RawValue<'_>) -> Verdict {
    let words = ["drop-head", "reject-publish", "reject-publish-dlx"];
    one_of(value, &words, |_| "invalid_overflow".to_owned())
}

fn mode(value: RawValue<'_>) -> Verdict {
    one_of(value, &["default", "lazy"], |word| {
        format!("\"unsupported queue mode '{word}'\"")
    })
}

fn strategy(value: RawValue<'_>) -> Verdict {
    one_of(value, &["at-most-once", "at-least-once"], |_| {
        "invalid_dlx_strategy".to_owned()
    })
}

fn age(value: RawValue<'_>) -> Verdict {
    let word = value.as_str().ok_or_else(|| unacceptable(value))?;
    interval_ms(word)
        .map(drop)
        .ok_or_else(|| "invalid_max_age".to_owned())
}

#[cfg(test)]
mod tests;
