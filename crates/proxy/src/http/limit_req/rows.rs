//! The table of `limit_req`.

use std::sync::{Arc, OnceLock};

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::zone::REQUEST;
use super::{Limit, Zone};
use crate::conf::contexts::{HTTP, LOCATIONS};
use crate::conf::{Apply, Done, Row, flag, size, word};
use crate::http::limit_conn::{LEVEL, level, status};
use crate::http::{Draft, HttpCx, Location};

/// Eight pages, as in nginx.
const ZONE_LEN_MIN: u64 = 8 * 4096;
/// What one value of a key takes of a zone's size, as in nginx.
const ENTRY_LEN: u64 = 128;

const WORDS: &[Param] = &[
    Param::required("key", Kind::Text),
    Param {
        name: "zone=NAME:SIZE|rate=RATE",
        kind: Kind::Text,
        presence: Presence::Repeated,
    },
];
const LIMIT: &[Param] = &[Param {
    name: "zone=NAME|burst=NUMBER|nodelay|delay=NUMBER",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "limit_req_zone",
            &[HTTP],
            WORDS,
            "Names a zone that counts requests by a key, and their rate (`10r/s`, `30r/m`). All workers share it; the size says how many values of the key there can be, one in 128 bytes.",
        )
        .repeatable(),
        Apply::Http(zone),
    ),
    Row::new(
        Spec::new(
            "limit_req",
            LOCATIONS,
            LIMIT,
            "Delays requests that exceed the zone's rate, and refuses those that exceed it by more than `burst`; `nodelay` delays none, `delay=` only what exceeds it by more.",
        )
        .repeatable(),
        Apply::Location(limit),
    ),
    Row::new(
        Spec::new(
            "limit_req_dry_run",
            LOCATIONS,
            &[Param::required("on|off", Kind::Flag)],
            "Whether requests over a limit are told in the log only.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.limit_req.dry_run = flag(directive)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_req_status",
            LOCATIONS,
            &[Param::required("code", Kind::Text)],
            "What requests over a limit are answered with.",
        )
        .default("503"),
        Apply::Location(|location, directive, _| {
            location.limit_req.status = status(word(directive, 0)?)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_req_log_level",
            LOCATIONS,
            LEVEL,
            "How severe it is that a request is refused; that one is delayed is told one level below.",
        )
        .default("error"),
        Apply::Location(|location, directive, _| {
            location.limit_req.level = level(word(directive, 0)?)?;
            Ok(())
        }),
    ),
];

fn zone(draft: &mut Draft, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let (key, words) = directive.args.split_first().ok_or("expected a key")?;
    let mut named = None;
    let mut rate = REQUEST;
    for word in words {
        let text = word.text.as_str();
        if let Some(zone) = text.strip_prefix("zone=") {
            let invalid = || format!("invalid zone size \"{text}\"");
            let (name, bytes) = zone.rsplit_once(':').ok_or_else(invalid)?;
            let bytes = size(bytes).map_err(|_| invalid())?;
            if name.is_empty() {
                return Err(invalid());
            }
            if bytes < ZONE_LEN_MIN {
                return Err(format!("zone \"{text}\" is too small"));
            }
            named = Some((name, bytes));
        } else if let Some(text) = text.strip_prefix("rate=") {
            rate = read_rate(text).ok_or_else(|| format!("invalid rate \"rate={text}\""))?;
        } else {
            return Err(format!("invalid parameter \"{text}\""));
        }
    }
    let (name, bytes) = named.ok_or("must have \"zone\" parameter")?;
    if draft.req_zones.iter().any(|zone| &*zone.name == name) {
        return Err(format!("duplicate zone \"{name}\""));
    }
    draft.req_zones.push(Arc::new(Zone {
        name: name.into(),
        key: cx.template(key)?,
        written: key.text.as_str().into(),
        rate,
        values_max: usize::try_from(bytes / ENTRY_LEN).unwrap_or(usize::MAX),
        states: OnceLock::new(),
    }));
    Ok(())
}

/// Thousandths of a request a second.
fn read_rate(text: &str) -> Option<u64> {
    let (number, scale) = match (text.strip_suffix("r/s"), text.strip_suffix("r/m")) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 60),
        (None, None) => (text, 1),
    };
    let rate: u64 = number.parse().ok().filter(|rate| *rate > 0)?;
    rate.checked_mul(REQUEST).map(|rate| rate / scale)
}

fn limit(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let mut zone = None;
    let (mut burst, mut delay) = (0, 0);
    for word in &directive.args {
        let text = word.text.as_str();
        let count = |digits: &str, least: u64| {
            let count = digits.parse::<u64>().ok().filter(|count| *count >= least);
            let count = count.and_then(|count| count.checked_mul(REQUEST));
            count.ok_or_else(|| format!("invalid value \"{text}\""))
        };
        if let Some(name) = text.strip_prefix("zone=") {
            let found = cx.draft.req_zones.iter().find(|zone| &*zone.name == name);
            let found = found.ok_or_else(|| format!("unknown limit_req_zone \"{name}\""))?;
            zone = Some(found.clone());
        } else if let Some(digits) = text.strip_prefix("burst=") {
            burst = count(digits, 1)?;
        } else if let Some(digits) = text.strip_prefix("delay=") {
            delay = count(digits, 1)?;
        } else if text == "nodelay" {
            delay = u64::MAX;
        } else {
            return Err(format!("invalid parameter \"{text}\""));
        }
    }
    let zone = zone.ok_or("must have \"zone\" parameter")?;
    let level = cx.cx.level();
    let limits = &mut location.limit_req.limits;
    let same = |other: &Limit| Arc::ptr_eq(&other.zone, &zone);
    if limits.is_of(level) && limits.iter().any(same) {
        return Err("is duplicate".to_owned());
    }
    limits.add(level, Limit { zone, burst, delay });
    Ok(())
}
