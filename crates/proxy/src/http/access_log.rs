//! `log_format`, `access_log` and `error_log` of the HTTP face.

use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::{HttpCx, Location, Request, Var};
use crate::conf::contexts::{HTTP, LIMIT_EXCEPT, LOCATION, LOCATION_IF, LOCATIONS, SERVER};
use crate::conf::{Apply, Done, List, LogTarget, Row, Severity, error_log};
use crate::log::{AccessLog, Escape, Format, Limits, Target, Ways, rows};

/// The access logs of a location.
pub(crate) type Conf = List<AccessLog<Var>>;

const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
const COMBINED_NAME: &str = "combined";

const REST: Param = Param {
    name: "parameter",
    kind: Kind::Text,
    presence: Presence::Optional,
};

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "log_format",
            &[HTTP],
            rows::FORMAT,
            "A format for access logs: `escape=default`, `escape=json` or `escape=none`, then text with variables. `combined` is there already.",
        )
        .repeatable(),
        Apply::Http(|draft, directive, cx| {
            rows::add_format(&mut draft.log_formats, directive, &mut cx.registry)
        }),
    ),
    Row::new(
        Spec::new(
            "access_log",
            &[HTTP, SERVER, LOCATION, LOCATION_IF, LIMIT_EXCEPT],
            rows::LOG,
            "Where requests are logged: a file (variables are allowed), `kafka:TOPIC` or `off`; then the name of a format, `buffer=SIZE`, `gzip[=LEVEL]`, `flush=TIME`, `if=CONDITION`.",
        )
        .repeatable(),
        Apply::Location(access_log),
    ),
    Row::new(
        Spec::new(
            "error_log",
            LOCATIONS,
            &[Param::required("file", Kind::Text), REST],
            "Where errors of requests go: a file or `stderr`, and the slightest that are written.",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| {
            let log = error_log::read(directive, cx.cx)?;
            let level = cx.cx.level();
            let before = if location.errors_level == level {
                std::mem::take(&mut location.errors)
            } else {
                crate::log::Errors::default()
            };
            location.errors_level = level;
            location.errors = before.with(log.level, cx.cx.logs.file(log.target));
            Ok(())
        }),
    ),
    Row::inert(Spec::ignored(
        "open_log_file_cache",
        LOCATIONS,
        "files with variables in their names are opened for each line",
    )),
];

/// Sets what holds without any directive: the format `combined`, and nginx's own access log where its prefix is in use.
pub(crate) fn begin(location: &mut Location, cx: &mut HttpCx<'_, '_>) {
    // The format is ours, so it is well formed.
    let template = cx.registry.template(COMBINED).unwrap_or_default();
    let format = Arc::new(Format {
        name: COMBINED_NAME.into(),
        escape: Escape::Default,
        template,
    });
    cx.draft.log_formats.push(format.clone());
    if cx.cx.paths.has_logs() {
        let path = cx.cx.paths.at_prefix("logs/access.log");
        let target = Target::File(cx.cx.logs.file(LogTarget::File(path)));
        location.access_log.add(
            crate::conf::Level::default(),
            AccessLog {
                target,
                format,
                limits: Limits::default(),
                condition: None,
            },
        );
    }
}

fn access_log(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let formats = &cx.draft.log_formats;
    let log = rows::read_log(
        directive,
        formats,
        Some(COMBINED_NAME),
        &mut cx.registry,
        cx.cx,
    )?;
    let level = cx.cx.level();
    match log {
        None => location.access_log.claim(level),
        Some(log) => location.access_log.add(level, log),
    }
    Ok(())
}

/// Logs a request that has ended.
pub(crate) fn run(request: &mut Request) {
    let mut scratch = std::mem::take(&mut request.scratch);
    let request_ref = &*request;
    let worker = &request_ref.worker;
    let ways = Ways {
        writer: &worker.logs,
        outlet: &*worker.shared.outlet,
        prefix: &request_ref.config.prefix,
    };
    for log in request_ref.location.access_log.iter() {
        if let Err((path, error)) = log.write(request_ref, &ways, &mut scratch) {
            request_ref.error(
                Severity::Crit,
                format_args!("open() \"{}\" failed ({error})", path.display()),
            );
        }
    }
    request.scratch = scratch;
}
