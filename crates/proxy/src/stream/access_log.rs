//! `log_format` and `access_log` of the TCP face.

use nginx_conf::{Directive, Spec};

use super::{Server, Session, StreamCx};
use crate::conf::contexts::{STREAM, STREAMS};
use crate::conf::{Apply, Done, Row, Severity};
use crate::log::{Ways, rows};

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "log_format",
            &[STREAM],
            rows::FORMAT,
            "A format for access logs: `escape=default`, `escape=json` or `escape=none`, then text with variables.",
        )
        .repeatable(),
        Apply::Stream(|draft, directive, cx| {
            rows::add_format(&mut draft.log_formats, directive, &mut cx.registry)
        }),
    ),
    Row::new(
        Spec::new(
            "access_log",
            STREAMS,
            rows::LOG,
            "Where sessions are logged: a file (variables are allowed), `kafka:TOPIC` or `off`; then the name of a format, `buffer=SIZE`, `gzip[=LEVEL]`, `flush=TIME`, `if=CONDITION`.",
        )
        .repeatable(),
        Apply::StreamServer(access_log),
    ),
];

fn access_log(server: &mut Server, directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Done {
    let formats = &cx.draft.log_formats;
    let log = rows::read_log(directive, formats, None, &mut cx.registry, cx.cx)?;
    let level = cx.cx.level();
    match log {
        None => server.access_log.claim(level),
        Some(log) => server.access_log.add(level, log),
    }
    Ok(())
}

/// Logs a session that has ended.
pub(super) fn run(session: &Session) {
    let worker = &session.worker;
    let ways = Ways {
        writer: &worker.logs,
        outlet: &*worker.shared.outlet,
        prefix: &session.config.prefix,
    };
    let mut scratch = Vec::new();
    for log in session.server.access_log.iter() {
        if let Err((path, error)) = log.write(session, &ways, &mut scratch) {
            session.error(
                Severity::Crit,
                format_args!("open() \"{}\" failed ({error})", path.display()),
            );
        }
    }
}
