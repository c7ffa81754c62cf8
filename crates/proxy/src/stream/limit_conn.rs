//! `limit_conn` of the TCP face.

use std::sync::Arc;

use nginx_conf::{Kind, Param, Spec};

use super::{Session, Var, status};
use crate::conf::contexts::{STREAM, STREAMS};
use crate::conf::{Apply, List, Row, Severity, flag};
use crate::limit_conn::{Held, LIMIT, Limit, Taken, ZONE, Zone};

/// The limits of a server.
pub(crate) type Limits = List<Limit<Var>>;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "limit_conn_zone",
            &[STREAM],
            ZONE,
            "Names a zone that counts connections by a key. All workers share it; the size says how many values of the key there can be, one in 64 bytes.",
        )
        .repeatable(),
        Apply::Stream(|draft, directive, cx| {
            let zone = Zone::read(directive, &mut cx.registry)?;
            if zone.is_in(&draft.zones) {
                return Err(format!("duplicate zone \"{}\"", zone.name));
            }
            draft.zones.push(Arc::new(zone));
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_conn",
            STREAMS,
            LIMIT,
            "How many sessions there may be at once for one value of the zone's key; more are closed.",
        )
        .repeatable(),
        Apply::StreamServer(|server, directive, cx| {
            let limit = Limit::read(directive, &cx.draft.zones)?;
            let level = cx.cx.level();
            let same = |other: &Limit<Var>| Arc::ptr_eq(&other.zone, &limit.zone);
            if server.limits.is_of(level) && server.limits.iter().any(same) {
                return Err("is duplicate".to_owned());
            }
            server.limits.add(level, limit);
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "limit_conn_dry_run",
            STREAMS,
            &[Param::required("on|off", Kind::Flag)],
            "Whether sessions over a limit are told in the log only.",
        )
        .default("off"),
        Apply::StreamServer(|server, directive, _| {
            server.limits_dry_run = flag(directive)?;
            Ok(())
        }),
    ),
];

/// Counts the session; `Err` is the status where it is one too many.
pub(super) fn run(session: &Session, held: &mut Vec<Held>) -> Result<(), u16> {
    let dry = session.server.limits_dry_run;
    for limit in session.server.limits.iter() {
        match limit.take(session) {
            Taken::Uncounted => {}
            Taken::TooLong => session.error(
                Severity::Error,
                format_args!(
                    "the value of the key of zone \"{}\" is more than 255 bytes",
                    limit.zone.name
                ),
            ),
            Taken::Held(one) => {
                session.limit_status.set(Some("PASSED"));
                held.push(one);
            }
            Taken::Refused => {
                held.clear();
                session.error(
                    Severity::Error,
                    format_args!(
                        "limiting connections{} by zone \"{}\"",
                        if dry { ", dry run," } else { "" },
                        limit.zone.name
                    ),
                );
                if dry {
                    session.limit_status.set(Some("REJECTED_DRY_RUN"));
                    return Ok(());
                }
                session.limit_status.set(Some("REJECTED"));
                return Err(status::UNAVAILABLE);
            }
        }
    }
    Ok(())
}
