//! `log_format`, `access_log` and `error_log` of the HTTP face.

use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::{HttpCx, Location, Request, Template, Var};
use crate::conf::contexts::{HTTP, LIMIT_EXCEPT, LOCATION, LOCATION_IF, LOCATIONS, SERVER};
use crate::conf::{Apply, Done, List, LogTarget, Row, error_log, word};
use crate::log::{AccessLog, Escape, Format, Limits, Target, Words};
use crate::script::Part;

/// The access logs of a location.
pub(crate) type Conf = List<AccessLog<Var>>;

const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
const COMBINED_NAME: &str = "combined";

const MORE: Param = Param {
    name: "parameter",
    kind: Kind::Text,
    presence: Presence::Rest,
};
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
            &[Param::required("name", Kind::Text), MORE],
            "A format for access logs: `escape=default`, `escape=json` or `escape=none`, then text with variables. `combined` is there already.",
        )
        .repeatable(),
        Apply::Http(|draft, directive, cx| {
            let format = read_format(directive, cx)?;
            if draft.log_formats.iter().any(|known| known.name == format.name) {
                return Err(format!("duplicate \"log_format\" name \"{}\"", format.name));
            }
            draft.log_formats.push(Arc::new(format));
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "access_log",
            &[HTTP, SERVER, LOCATION, LOCATION_IF, LIMIT_EXCEPT],
            &[
                Param::required("path", Kind::Text),
                REST,
                REST,
                REST,
                REST,
                REST,
            ],
            "Where requests are logged: a file (variables are allowed), `kafka:TOPIC` or `off`; then the name of a format, `buffer=SIZE`, `flush=TIME`, `if=CONDITION`.",
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

fn read_format(directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Result<Format<Var>, String> {
    let name = word(directive, 0)?.into();
    let mut escape = Escape::Default;
    let mut parts: Vec<Part<Var>> = Vec::new();
    for (index, word) in directive.args.iter().enumerate().skip(1) {
        if let (1, Some(value)) = (index, word.text.strip_prefix("escape=")) {
            escape = match value {
                "default" => Escape::Default,
                "json" => Escape::Json,
                "none" => Escape::None,
                other => return Err(format!("unknown log format escaping \"{other}\"")),
            };
            continue;
        }
        parts.extend(cx.template(word)?.parts().iter().cloned());
    }
    let template = Template::of(parts);
    Ok(Format {
        name,
        escape,
        template,
    })
}

fn access_log(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let path = directive.args.first().ok_or("expected a file")?;
    let level = cx.cx.level();
    if path.text == "off" {
        location.access_log.claim(level);
        return Ok(());
    }
    let words = Words::read(directive)?;
    let name = words.format.unwrap_or(COMBINED_NAME);
    let known = cx.draft.log_formats.iter().find(|f| &*f.name == name);
    let format = known
        .cloned()
        .ok_or_else(|| format!("unknown log format \"{name}\""))?;
    let condition = words.condition.map(|word| cx.template(&word)).transpose()?;
    let target = if let Some(topic) = path.text.strip_prefix("kafka:") {
        Target::Topic(topic.into())
    } else if path.text.starts_with("syslog:") {
        return Err("syslog is not supported yet".to_owned());
    } else {
        let template = cx.template(path)?;
        if template.as_literal().is_some() {
            let file = match path.text.as_str() {
                "/dev/stderr" => LogTarget::Stderr,
                name => LogTarget::File(cx.cx.paths.at_prefix(name)),
            };
            Target::File(cx.cx.logs.file(file))
        } else {
            Target::Path(template)
        }
    };
    location.access_log.add(
        level,
        AccessLog {
            target,
            format,
            limits: words.limits,
            condition,
        },
    );
    Ok(())
}

/// Logs a request that has ended.
pub(crate) fn run(request: &mut Request) {
    let mut scratch = std::mem::take(&mut request.scratch);
    let request_ref = &*request;
    for log in request_ref.location.access_log.iter() {
        if !log.wants(request_ref, &mut scratch) {
            continue;
        }
        match &log.target {
            Target::File(file) => {
                let writer = &request_ref.worker.logs;
                writer.line(file, log.limits, |out| log.format.render(request_ref, out));
            }
            Target::Topic(topic) => {
                scratch.clear();
                log.format.render(request_ref, &mut scratch);
                let line = scratch.strip_suffix(b"\n").unwrap_or(&scratch);
                request_ref.worker.shared.outlet.append(topic, line);
            }
            Target::Path(path) => to_path(request_ref, log, path, &mut scratch),
        }
    }
    request.scratch = scratch;
}

/// Appends the line to a file that is opened for it.
fn to_path(request: &Request, log: &AccessLog<Var>, path: &Template, scratch: &mut Vec<u8>) {
    use std::io::Write;
    use std::os::unix::ffi::OsStrExt;
    let name = path.to_bytes(request);
    let name = std::path::Path::new(std::ffi::OsStr::from_bytes(&name));
    let full = request.config.prefix.join(name);
    scratch.clear();
    log.format.render(request, scratch);
    let opened = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&full);
    if let Err(error) = opened.and_then(|mut file| file.write_all(scratch)) {
        request.error(
            crate::conf::Severity::Crit,
            format_args!("open() \"{}\" failed ({error})", full.display()),
        );
    }
}
