//! `add_header`, `add_trailer`, `expires`.

use std::io::Write;
use std::sync::Arc;

use nginx_conf::value::{self, Unit};
use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::{HttpCx, Location, Request, Template, gzip};
use crate::conf::contexts::LOCATIONS_IF;
use crate::conf::{Apply, Done, List, Row, word};
use crate::net::clock;

/// What a location adds to its responses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    fields: List<Arc<Added>>,
    trailers: List<Arc<Added>>,
    expires: Option<Arc<Expires>>,
}

#[derive(Debug)]
struct Added {
    name: Box<[u8]>,
    value: Template,
    /// Whatever the status is.
    always: bool,
}

#[derive(Debug)]
enum Expires {
    Off,
    /// As of now, or of the time of the last change.
    Span {
        ms: i64,
        of_change: bool,
    },
    /// So long after midnight (UTC).
    Daily(i64),
    Epoch,
    Max,
    /// What it says is read for each request.
    Variable(Template, bool),
}

const ADDED: &[Param] = &[
    Param::required("name", Kind::Text),
    Param::required("value", Kind::Text),
    Param {
        name: "always",
        kind: Kind::Choice(&["always"]),
        presence: Presence::Optional,
    },
];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "add_header",
            LOCATIONS_IF,
            ADDED,
            "Adds a field to responses with the status 200, 201, 204, 206, 301, 302, 303, 304, 307 or 308; with `always` to all. A level with one of its own inherits none.",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| {
            let added = added(directive, cx)?;
            location.headers.fields.add(cx.cx.level(), added);
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "add_trailer",
            LOCATIONS_IF,
            ADDED,
            "Adds a field after the body of such responses, where they are chunked.",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| {
            let added = added(directive, cx)?;
            location.headers.trailers.add(cx.cx.level(), added);
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "expires",
            LOCATIONS_IF,
            &[
                Param::required("modified|time|epoch|max|off", Kind::Text),
                Param {
                    name: "time",
                    kind: Kind::Text,
                    presence: Presence::Optional,
                },
            ],
            "Tells caches for how long such responses hold, by `Expires` and `Cache-Control`: a time from now, `modified` and a time from the last change, `@` and a time of day, `epoch` (never), `max` (ten years).",
        )
        .default("off"),
        Apply::Location(expires),
    ),
];

fn added(directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Result<Arc<Added>, String> {
    let name = word(directive, 0)?;
    let value = directive.args.get(1).ok_or("expected a value")?;
    Ok(Arc::new(Added {
        name: name.as_bytes().into(),
        value: cx.template(value)?,
        always: directive.args.len() > 2,
    }))
}

fn expires(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let (of_change, time) = match directive.args.as_slice() {
        [time] => (false, time),
        [first, time] if first.text == "modified" => (true, time),
        _ => return Err("expected a time, or modified and a time".to_owned()),
    };
    let template = cx.template(time)?;
    let rule = if template.as_literal().is_some() {
        let rule = Expires::read(&time.text, of_change);
        rule.ok_or_else(|| format!("invalid value \"{}\"", time.text))?
    } else {
        Expires::Variable(template, of_change)
    };
    location.headers.expires = Some(Arc::new(rule));
    Ok(())
}

impl Expires {
    fn read(text: &str, of_change: bool) -> Option<Self> {
        match text {
            "off" if !of_change => return Some(Self::Off),
            "epoch" if !of_change => return Some(Self::Epoch),
            "max" if !of_change => return Some(Self::Max),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@').filter(|_| !of_change) {
            let ms = value::time(time, Unit::Second)?;
            return (0..DAY_MS).contains(&ms).then_some(Self::Daily(ms));
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let ms = value::time(digits, Unit::Second)?.checked_mul(sign)?;
        Some(Self::Span { ms, of_change })
    }

    fn apply(&self, request: &mut Request) {
        let now = clock::wall().0.div_euclid(1000);
        let (at, age) = match self {
            Self::Off => return,
            Self::Epoch => return set(request, 1, b"no-cache"),
            Self::Max => return set(request, MAX_AT, b"max-age=315360000"),
            Self::Variable(template, of_change) => {
                let text = template.to_bytes(request);
                let text = std::str::from_utf8(&text).unwrap_or_default();
                return match Self::read(text, *of_change) {
                    Some(Self::Variable(..)) | None => {}
                    Some(rule) => rule.apply(request),
                };
            }
            Self::Daily(ms) => {
                let day = DAY_MS / 1000;
                let today = now - now.rem_euclid(day) + ms / 1000;
                let at = if today <= now { today + day } else { today };
                (at, at - now)
            }
            Self::Span { ms, of_change } => {
                let changed = request.response.last_modified.filter(|_| *of_change);
                let at = changed.unwrap_or(now).saturating_add(ms / 1000);
                (at, at - now)
            }
        };
        if age < 0 {
            return set(request, at, b"no-cache");
        }
        let mut control = Vec::with_capacity(24);
        // Writing to a vector does not fail.
        let _ = write!(control, "max-age={age}");
        set(request, at, &control);
    }
}

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Thu, 31 Dec 2037 23:55:55 GMT: the last whole minutes that 32-bit clients know.
const MAX_AT: i64 = 2_145_916_555;

fn set(request: &mut Request, at: i64, control: &[u8]) {
    let fields = &mut request.response.fields;
    fields.remove(b"expires");
    fields.push_with(b"Expires", |out| {
        http_wire::date::write_date(u64::try_from(at).unwrap_or(0), out);
    });
    fields.set(b"Cache-Control", control);
}

impl Conf {
    /// Whether `expires` may ask when the response was changed last.
    pub(crate) fn wants_time(&self) -> bool {
        self.expires.is_some()
    }
}

/// Adds what the location says to the response, before its head is rendered; once.
pub(crate) fn run_once(request: &mut Request) {
    if !std::mem::replace(&mut request.response.is_dressed, true) {
        run(request);
        gzip::decide(request);
    }
}

fn run(request: &mut Request) {
    let conf = &request.location.headers;
    if conf.fields.is_empty() && conf.expires.is_none() {
        return;
    }
    let location = request.location.clone();
    let conf = &location.headers;
    let is_usual = is_usual(request);
    if is_usual && let Some(expires) = &conf.expires {
        expires.apply(request);
    }
    let holds = |added: &&Arc<Added>| added.always || is_usual;
    for added in conf.fields.iter().filter(holds) {
        add(request, added);
    }
}

/// Statuses with which fields are added that are not for `always`.
fn is_usual(request: &Request) -> bool {
    matches!(
        request.response.status,
        200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
    )
}

/// Whether there will be trailers, which need a body in chunks.
pub(crate) fn owes_trailers(request: &Request) -> bool {
    let mut trailers = request.location.headers.trailers.iter();
    trailers.any(|added| added.always || is_usual(request))
}

/// Adds the trailers, once the body is gone.
pub(crate) fn add_trailers(request: &mut Request) {
    let location = request.location.clone();
    let is_usual = is_usual(request);
    for added in location.headers.trailers.iter() {
        let value = added.value.to_bytes(request);
        if !value.is_empty() && (added.always || is_usual) {
            request.response.trailers.push(&added.name, &value);
        }
    }
}

/// A field without a value is left out. `Last-Modified` and `ETag` take the place of ours, even so.
fn add(request: &mut Request, added: &Added) {
    let value = added.value.to_bytes(request);
    let response = &mut request.response;
    if added.name.eq_ignore_ascii_case(b"last-modified") {
        response.fields.remove(b"last-modified");
        let time = http_wire::date::parse_date(&value);
        response.last_modified = time.and_then(|time| i64::try_from(time).ok());
        if response.last_modified.is_some() {
            return;
        }
    } else if added.name.eq_ignore_ascii_case(b"etag") {
        response.fields.remove(b"etag");
    }
    if !value.is_empty() {
        response.fields.push(&added.name, &value);
    }
}

#[cfg(test)]
mod tests {
    use super::Expires;

    #[test]
    fn times_are_read() {
        let check = |text: &str, said: Option<&str>| {
            let got = Expires::read(text, false).map(|rule| format!("{rule:?}"));
            assert_eq!(got.as_deref(), said, "{text}");
        };
        check("off", Some("Off"));
        check("max", Some("Max"));
        check("1h", Some("Span { ms: 3600000, of_change: false }"));
        check("-1", Some("Span { ms: -1000, of_change: false }"));
        check("@15h30m", Some("Daily(55800000)"));
        check("@25h", None);
        check("soon", None);
    }
}
