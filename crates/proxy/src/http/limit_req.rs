//! `limit_req`: how many requests a second there are for each value of a key.
//!
//! The leaky bucket of nginx: what exceeds the rate is delayed, beyond `burst` it is refused. Delays are exact to the
//! millisecond, so they use the runtime's own timer.

mod rows;
mod zone;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::var::Builtin;
use super::{Abort, Client, Flow, Request, Template};
use crate::conf::{List, Severity};
use crate::net::clock;
use zone::States;

pub(crate) use rows::ROWS;

/// Values that are longer are not counted, as in nginx.
const KEY_LEN_MAX: usize = 65_535;

/// `limit_req_zone`
#[derive(Debug)]
pub(crate) struct Zone {
    name: Box<str>,
    key: Template,
    /// The key as it is written.
    written: Box<str>,
    /// Thousandths of a request a second.
    rate: u64,
    values_max: usize,
    states: OnceLock<Arc<States>>,
}

impl Zone {
    /// Counts on from where `older` was, where it counts the same; to be called before anything is counted.
    pub(crate) fn inherit(&self, older: &Self) {
        if self.name == older.name && self.written == older.written {
            // What is counted already stands.
            let _ = self
                .states
                .set(older.states.get_or_init(Arc::default).clone());
        }
    }
}

/// `limit_req`
#[derive(Debug, Clone)]
struct Limit {
    zone: Arc<Zone>,
    /// Thousandths of a request.
    burst: u64,
    /// The same; what exceeds the rate by no more than this is not delayed. The highest number for `nodelay`.
    delay: u64,
}

/// Values of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    limits: List<Limit>,
    dry_run: bool,
    status: u16,
    level: Severity,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            limits: List::default(),
            dry_run: false,
            status: 503,
            level: Severity::Error,
        }
    }
}

/// The table of variables.
pub(crate) static VARS: &[Builtin] = &[Builtin {
    name: "limit_req_status",
    get: |request, out| {
        let status = request.limit_req_status;
        out.extend_from_slice(status.unwrap_or_default().as_bytes());
        status.is_some()
    },
}];

/// What the limits say of a request.
enum Verdict<'l> {
    /// No key has a value.
    Silent,
    Passes,
    /// So many milliseconds.
    Waits(u64, u64, &'l Limit),
    Refused(u64, &'l Limit),
}

/// Counts the request, once; delays it or refuses it where there are too many.
pub(crate) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    if request.location.limit_req.limits.is_empty() || request.limit_req_status.is_some() {
        return Ok(Flow::Next);
    }
    let location = request.location.clone();
    let conf = &location.limit_req;
    let dry = if conf.dry_run { ", dry run" } else { "" };
    let (status, flow) = match ask(request, &conf.limits) {
        Verdict::Silent => return Ok(Flow::Next),
        Verdict::Passes => ("PASSED", Flow::Next),
        Verdict::Refused(excess, limit) => {
            tell(request, conf.level, "limiting requests", dry, excess, limit);
            ("REJECTED", Flow::Respond(conf.status))
        }
        Verdict::Waits(ms, excess, limit) => {
            let level = conf.level.milder();
            tell(request, level, "delaying request", dry, excess, limit);
            if conf.dry_run {
                request.limit_req_status = Some("DELAYED_DRY_RUN");
                return Ok(Flow::Next);
            }
            request.limit_req_status = Some("DELAYED");
            client.pause(request, Duration::from_millis(ms)).await?;
            return Ok(Flow::Next);
        }
    };
    if conf.dry_run && status == "REJECTED" {
        request.limit_req_status = Some("REJECTED_DRY_RUN");
        return Ok(Flow::Next);
    }
    request.limit_req_status = Some(status);
    Ok(flow)
}

fn tell(request: &Request, level: Severity, what: &str, dry: &str, excess: u64, limit: &Limit) {
    let (whole, part) = (excess / zone::REQUEST, excess % zone::REQUEST);
    let name = &limit.zone.name;
    request.error(
        level,
        format_args!("{what}{dry}, excess: {whole}.{part:03} by zone \"{name}\""),
    );
}

/// Asks all limits; a request that one of them refuses counts for none.
fn ask<'l>(request: &Request, limits: &'l [Limit]) -> Verdict<'l> {
    let now = clock::now();
    let keys: Vec<_> = limits
        .iter()
        .filter_map(|limit| key(request, limit))
        .collect();
    let mut worst: Option<(u64, u64, &Limit)> = None;
    let mut counted = |limit: &'l Limit, excess: u64| {
        let ms = excess.saturating_sub(limit.delay).saturating_mul(1000) / limit.zone.rate;
        if worst.is_none_or(|(known, ..)| ms > known) {
            worst = Some((ms, excess, limit));
        }
    };
    let Some(((last, last_key), others)) = keys.split_last() else {
        return Verdict::Silent;
    };
    for (limit, key) in others {
        let excess = limit.ask(key, now, |_| false);
        if excess > limit.burst {
            return Verdict::Refused(excess, limit);
        }
    }
    // The last one is asked and counted in one step, so that with one limit no worker comes between.
    let excess = last.ask(last_key, now, |excess| excess <= last.burst);
    if excess > last.burst {
        return Verdict::Refused(excess, last);
    }
    counted(last, excess);
    for (limit, key) in others {
        counted(limit, limit.ask(key, now, |_| true));
    }
    match worst {
        Some((ms, excess, limit)) if ms > 0 => Verdict::Waits(ms, excess, limit),
        _ => Verdict::Passes,
    }
}

/// The limit with the request's value of its key, where that is counted.
fn key<'l>(request: &Request, limit: &'l Limit) -> Option<(&'l Limit, Vec<u8>)> {
    let key = limit.zone.key.to_bytes(request);
    if key.len() > KEY_LEN_MAX {
        request.error(
            Severity::Error,
            format_args!(
                "the value of the key of zone \"{}\" is more than {KEY_LEN_MAX} bytes: {}",
                limit.zone.name,
                key.len()
            ),
        );
        return None;
    }
    (!key.is_empty()).then_some((limit, key))
}

impl Limit {
    fn ask(&self, key: &[u8], now: base::Monotonic, counts: impl FnOnce(u64) -> bool) -> u64 {
        let states = self.zone.states.get_or_init(Arc::default);
        states.ask(key, self.zone.rate, now, self.zone.values_max, counts)
    }
}
