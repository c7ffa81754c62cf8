//! `limit_conn` of the HTTP face: how many requests there are at once for each value of a key.

use std::sync::Arc;

use nginx_conf::{Kind, Param, Spec};

use super::var::Builtin;
use super::{Flow, Request, Var};
use crate::conf::contexts::{HTTP, LOCATIONS};
use crate::conf::{Apply, List, Row, Severity, flag, word};
use crate::limit_conn::{Held, LIMIT, Limit, Taken, ZONE, Zone};

/// The lowest and the highest status that a refusal may have.
pub(super) const STATUSES: std::ops::RangeInclusive<u16> = 400..=599;

/// Values of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    limits: List<Limit<Var>>,
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

/// What is known of one request.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// `$limit_conn_status`
    status: Option<&'static str>,
    held: Vec<Held>,
}

impl State {
    /// Counts the request no more.
    pub(crate) fn release(&mut self) {
        self.held.clear();
    }

    /// Forgets everything, for the next request.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.status = None;
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "limit_conn_zone",
            &[HTTP],
            ZONE,
            "Names a zone that counts requests by a key. All workers share it; the size says how many values of the key there can be, one in 64 bytes.",
        )
        .repeatable(),
        Apply::Http(|draft, directive, cx| {
            let zone = Zone::read(directive, &mut cx.registry)?;
            if zone.is_in(&draft.conn_zones) {
                return Err(format!("duplicate zone \"{}\"", zone.name));
            }
            draft.conn_zones.push(Arc::new(zone));
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_conn",
            LOCATIONS,
            LIMIT,
            "How many requests there may be at once for one value of the zone's key; more are refused.",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| {
            let limit = Limit::read(directive, &cx.draft.conn_zones)?;
            let level = cx.cx.level();
            let limits = &mut location.limit_conn.limits;
            let same = |other: &Limit<Var>| Arc::ptr_eq(&other.zone, &limit.zone);
            if limits.is_of(level) && limits.iter().any(same) {
                return Err("is duplicate".to_owned());
            }
            limits.add(level, limit);
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_conn_dry_run",
            LOCATIONS,
            &[Param::required("on|off", Kind::Flag)],
            "Whether requests over a limit are told in the log only.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.limit_conn.dry_run = flag(directive)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_conn_status",
            LOCATIONS,
            &[Param::required("code", Kind::Text)],
            "What requests over a limit are answered with.",
        )
        .default("503"),
        Apply::Location(|location, directive, _| {
            location.limit_conn.status = status(word(directive, 0)?)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_conn_log_level",
            LOCATIONS,
            LEVEL,
            "How severe it is that a request is refused.",
        )
        .default("error"),
        Apply::Location(|location, directive, _| {
            location.limit_conn.level = level(word(directive, 0)?)?;
            Ok(())
        }),
    ),
];

/// What a level is chosen from.
pub(super) const LEVEL: &[Param] = &[Param::required(
    "info|notice|warn|error",
    Kind::Choice(&["info", "notice", "warn", "error"]),
)];

pub(super) fn level(text: &str) -> Result<Severity, String> {
    Severity::named(text).ok_or_else(|| format!("invalid value \"{text}\""))
}

pub(super) fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| STATUSES.contains(status));
    status.ok_or_else(|| format!("value \"{text}\" must be between 400 and 599"))
}

/// The table of variables.
pub(crate) static VARS: &[Builtin] = &[Builtin {
    name: "limit_conn_status",
    get: |request, out| {
        let status = request.limit_conn.status;
        out.extend_from_slice(status.unwrap_or_default().as_bytes());
        status.is_some()
    },
}];

/// Counts the request, once; it is refused where it is one too many.
pub(crate) fn run(request: &mut Request) -> Flow {
    if request.location.limit_conn.limits.is_empty() || request.limit_conn.status.is_some() {
        return Flow::Next;
    }
    let location = request.location.clone();
    let conf = &location.limit_conn;
    for limit in conf.limits.iter() {
        match limit.take(request) {
            Taken::Uncounted => {}
            Taken::TooLong => request.error(
                Severity::Error,
                format_args!(
                    "the value of the \"{}\" key is more than 255 bytes",
                    limit.zone.name
                ),
            ),
            Taken::Held(one) => {
                request.limit_conn.status = Some("PASSED");
                request.limit_conn.held.push(one);
            }
            Taken::Refused => {
                request.limit_conn.held.clear();
                request.error(
                    conf.level,
                    format_args!(
                        "limiting connections{} by zone \"{}\"",
                        if conf.dry_run { ", dry run," } else { "" },
                        limit.zone.name
                    ),
                );
                if conf.dry_run {
                    request.limit_conn.status = Some("REJECTED_DRY_RUN");
                    return Flow::Next;
                }
                request.limit_conn.status = Some("REJECTED");
                return Flow::Respond(conf.status);
            }
        }
    }
    Flow::Next
}
