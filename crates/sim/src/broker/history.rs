//! What a message's headers say of its deaths.

use amqp_wire::{RawProperties, Table, Value};
use bytes::Bytes;

/// Deaths in one queue for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) count: u64,
}

/// All deaths of a message, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) deaths: Vec<Death>,
    /// Where it died first.
    pub(crate) first_queue: String,
}

impl History {
    /// Reads headers; an error says what is wrong with them.
    pub(crate) fn read(properties: &Bytes) -> Result<Self, String> {
        let decoded = RawProperties::new(properties).decode();
        let decoded = decoded.map_err(|error| format!("properties: {error}"))?;
        let Some(headers) = decoded.headers else {
            return Ok(Self::default());
        };
        let headers = Table::decode(headers).map_err(|error| format!("headers: {error}"))?;
        let Some(Value::Array(deaths)) = headers.get("x-death") else {
            return Ok(Self::default());
        };
        let deaths: Option<Vec<_>> = deaths.iter().map(death).collect();
        let deaths = deaths.ok_or("an entry of x-death lacks something")?;
        let newest = deaths.first().ok_or("x-death is empty")?;
        let last = |name| text(&headers, name).unwrap_or_default();
        if (newest.queue.clone(), newest.reason.clone())
            != (last("x-last-death-queue"), last("x-last-death-reason"))
        {
            return Err(format!("x-last-death-* is not {newest:?}"));
        }
        if decoded.expiration.is_some() {
            return Err("a dead letter would expire again".to_owned());
        }
        let first_queue = text(&headers, "x-first-death-queue").ok_or("no x-first-death-queue")?;
        Ok(Self {
            deaths,
            first_queue,
        })
    }

    /// How often the message died.
    pub(crate) fn generation(&self) -> u64 {
        self.deaths.iter().map(|death| death.count).sum()
    }

    /// How often it died in a queue for a reason.
    fn count(&self, of: &Death) -> u64 {
        let same = |death: &&Death| death.queue == of.queue && death.reason == of.reason;
        self.deaths.iter().find(same).map_or(0, |death| death.count)
    }

    /// Whether this is what `earlier` becomes by further deaths.
    pub(crate) fn follows(&self, earlier: &Self) -> bool {
        earlier
            .deaths
            .iter()
            .all(|death| self.count(death) >= death.count)
    }

    /// Whether a message that dies now in `queue`, not rejected, would go round by coming to `target`.
    pub(crate) fn goes_round(&self, queue: &str, target: &str) -> bool {
        if queue == target {
            return true;
        }
        let Some(last) = self.deaths.iter().position(|death| death.queue == target) else {
            return false;
        };
        self.deaths[..=last]
            .iter()
            .all(|death| death.reason != "rejected")
    }

    /// The history after one more death.
    pub(crate) fn after(&self, queue: &str, reason: &str) -> Self {
        let mut deaths = self.deaths.clone();
        let is = |death: &Death| death.queue == queue && death.reason == reason;
        let mut death = match deaths.iter().position(is) {
            Some(at) => deaths.remove(at),
            None => Death {
                queue: queue.to_owned(),
                reason: reason.to_owned(),
                count: 0,
            },
        };
        death.count += 1;
        deaths.insert(0, death);
        Self {
            deaths,
            first_queue: self.first_queue.clone(),
        }
    }
}

fn text(table: &Table, name: &str) -> Option<String> {
    table.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn death(value: &Value) -> Option<Death> {
    let Value::Table(death) = value else {
        return None;
    };
    Some(Death {
        queue: text(death, "queue")?,
        reason: text(death, "reason")?,
        count: u64::try_from(death.get("count")?.as_integer()?).ok()?,
    })
}
