//! A dead message as it goes on: what its headers gain, which keys it is routed by, and whether it goes round
//! in a circle.
//!
//! As RabbitMQ: `x-death` has one entry for each queue and reason, the newest first; the expiration moves into
//! it, so that the message does not expire again.

use super::queue::Reason;
use super::settings::DeadLetterTo;
use crate::message::Parts;
use crate::routing::routing_keys;
use amqp_wire::{Properties, RawProperties, RawTable, Table, Value};
use base::Timestamp;
use bytes::Bytes;

const DEATHS: &str = "x-death";
/// Entries of `x-death`. A message that dies in more queues loses the oldest, so that its headers stay within a
/// frame.
const DEATHS_MAX: usize = 64;

/// A message that is published again.
#[derive(Debug)]
pub(crate) struct Letter {
    /// The keys that it is routed by, the first of which it bears.
    pub(crate) keys: Vec<String>,
    /// Its properties.
    pub(crate) properties: Bytes,
    /// Its headers.
    pub(crate) headers: Bytes,
    /// Its priority.
    pub(crate) priority: u8,
    deaths: Vec<Value>,
    reason: Reason,
}

/// The message with `parts` as it leaves `queue`, where it died.
pub(crate) fn letter(
    parts: &Parts,
    queue: &str,
    reason: Reason,
    to: &DeadLetterTo,
    now: Timestamp,
) -> Letter {
    let old = RawProperties::new(&parts.properties)
        .decode()
        .unwrap_or_default();
    let mut headers = old
        .headers
        .and_then(|headers| Table::decode(headers).ok())
        .unwrap_or_default();
    while headers.remove("BCC").is_some() {}
    let routing_key = String::from_utf8_lossy(&parts.routing_key).into_owned();
    let own_keys = own_keys(&routing_key, &headers);
    let exchange = Value::LongStr(parts.exchange.clone());
    let deaths = record(
        &mut headers,
        (queue, reason),
        (
            &exchange,
            &own_keys,
            old.expiration.map(|ttl| ttl.as_bytes()),
        ),
        now,
    );
    let keys = match &to.routing_key {
        Some(key) => {
            headers.remove("CC");
            vec![key.to_string()]
        }
        None => own_keys,
    };
    let encoded = headers.to_bytes().unwrap_or_default();
    let properties = Properties {
        headers: Some(RawTable::new(&encoded)),
        expiration: None,
        ..old
    };
    Letter {
        keys,
        priority: old.priority.unwrap_or(0),
        properties: properties
            .to_bytes()
            .unwrap_or_else(|_| parts.properties.clone()),
        headers: encoded,
        deaths,
        reason,
    }
}

impl Letter {
    /// Whether the message would come back to a queue that it has died in, and nobody has rejected it since:
    /// then it would go round for ever.
    pub(crate) fn goes_round(&self, queue: &str) -> bool {
        if self.reason == Reason::Rejected {
            return false;
        }
        let text = |death: &Value, name| match death {
            Value::Table(death) => match death.get(name) {
                Some(Value::LongStr(text)) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        let is_here = |death: &Value| text(death, "queue").is_some_and(|name| name == queue);
        let rejected = Reason::Rejected.name();
        let mut since = match self.deaths.iter().position(is_here) {
            Some(last) => self.deaths[..=last].iter(),
            // The deaths that went before are forgotten, and it may have been here.
            None if self.deaths.len() >= DEATHS_MAX => self.deaths.iter(),
            None => return false,
        };
        since.all(|death| text(death, "reason").is_none_or(|reason| reason != rejected))
    }
}

fn own_keys(routing_key: &str, headers: &Table) -> Vec<String> {
    let encoded = headers.to_bytes().unwrap_or_default();
    let keys = routing_keys(routing_key, Some(RawTable::new(&encoded)));
    let keys = keys.unwrap_or_else(|_| vec![routing_key]);
    keys.into_iter().map(str::to_owned).collect()
}

/// Writes a death into the headers; returns all deaths, the newest first.
fn record(
    headers: &mut Table,
    (queue, reason): (&str, Reason),
    (exchange, keys, expiration): (&Value, &[String], Option<&[u8]>),
    now: Timestamp,
) -> Vec<Value> {
    let mut deaths = match headers.remove(DEATHS) {
        Some(Value::Array(deaths)) => deaths,
        _ => Vec::new(),
    };
    let here = |death: &Value| {
        let Value::Table(death) = death else {
            return false;
        };
        let is =
            |name, text: &str| matches!(death.get(name), Some(Value::LongStr(is)) if is == text);
        is("queue", queue) && is("reason", reason.name())
    };
    let text = |text: &str| Value::LongStr(Bytes::copy_from_slice(text.as_bytes()));
    let death = match deaths.iter().position(here).map(|at| deaths.remove(at)) {
        Some(Value::Table(mut death)) => {
            let count = match death.get("count") {
                Some(Value::I64(count)) => count.saturating_add(1),
                _ => 2,
            };
            death.insert("count", Value::I64(count));
            death
        }
        _ => {
            let mut death = Table::new();
            death.insert("count", Value::I64(1));
            death.insert("reason", text(reason.name()));
            death.insert("queue", text(queue));
            let seconds = u64::try_from(now.0 / 1000).unwrap_or(0);
            death.insert("time", Value::Timestamp(seconds));
            death.insert("exchange", exchange.clone());
            let keys = keys.iter().map(|key| text(key)).collect();
            death.insert("routing-keys", Value::Array(keys));
            if let Some(expiration) = expiration {
                let expiration = Value::LongStr(Bytes::copy_from_slice(expiration));
                death.insert("original-expiration", expiration);
            }
            death
        }
    };
    deaths.insert(0, Value::Table(death));
    deaths.truncate(DEATHS_MAX);
    headers.insert(DEATHS, Value::Array(deaths.clone()));
    let first = headers.get("x-first-death-reason").is_none();
    for (which, set) in [("first", first), ("last", true)] {
        if set {
            headers.insert(&format!("x-{which}-death-reason"), text(reason.name()));
            headers.insert(&format!("x-{which}-death-queue"), text(queue));
            headers.insert(&format!("x-{which}-death-exchange"), exchange.clone());
        }
    }
    deaths
}

#[cfg(test)]
mod tests;
