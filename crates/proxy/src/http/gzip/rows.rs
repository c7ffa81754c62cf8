//! The table of `gzip`, and its variable.

use std::io::Write;
use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::Proxied;
use crate::conf::contexts::{LOCATIONS, LOCATIONS_IF};
use crate::conf::{Apply, Done, Row, flag, number, size, word};
use crate::http::var::Builtin;
use crate::http::{HttpCx, Location};
use crate::script::Regex;

const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];

const fn words(name: &'static str) -> Param {
    Param {
        name,
        kind: Kind::Text,
        presence: Presence::Repeated,
    }
}

const TYPES: &[Param] = &[words("type|*")];
const CASES: &[Param] = &[words(
    "off|expired|no-cache|no-store|private|no_last_modified|no_etag|auth|any",
)];
const AGENTS: &[Param] = &[words("regex|msie6")];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "gzip",
            LOCATIONS_IF,
            FLAG,
            "Compresses responses for clients that accept that.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.gzip.enabled = flag(directive)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "gzip_types",
            LOCATIONS,
            TYPES,
            "The types that are compressed, beside `text/html`; `*` for all.",
        )
        .default("text/html"),
        Apply::Location(types),
    ),
    Row::new(
        Spec::new(
            "gzip_comp_level",
            LOCATIONS,
            &[Param::required("level", Kind::Number { min: 1, max: 9 })],
            "How much time is taken for a smaller response, 1 to 9.",
        )
        .default("1"),
        Apply::Location(|location, directive, _| {
            let level = number(word(directive, 0)?)?;
            location.gzip.level = u32::try_from(level).unwrap_or(1);
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "gzip_min_length",
            LOCATIONS,
            &[Param::required("size", Kind::Text)],
            "Shorter responses go out as they are.",
        )
        .default("20"),
        Apply::Location(|location, directive, _| {
            location.gzip.len_min = size(word(directive, 0)?)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "gzip_vary",
            LOCATIONS,
            FLAG,
            "Adds `Vary: Accept-Encoding` to what may be compressed.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.gzip.vary = flag(directive)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "gzip_http_version",
            LOCATIONS,
            &[Param::required("1.0|1.1", Kind::Choice(&["1.0", "1.1"]))],
            "The version from which clients get compressed responses.",
        )
        .default("1.1"),
        Apply::Location(|location, directive, _| {
            location.gzip.since_http10 = word(directive, 0)? == "1.0";
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "gzip_proxied",
            LOCATIONS,
            CASES,
            "What is compressed for clients that come through a proxy (`Via`).",
        )
        .default("off"),
        Apply::Location(proxied),
    ),
    Row::new(
        Spec::new(
            "gzip_disable",
            LOCATIONS,
            AGENTS,
            "Clients (`User-Agent`) that get nothing compressed.",
        )
        .repeatable(),
        Apply::Location(disable),
    ),
];

fn types(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    let conf = &mut location.gzip;
    conf.types.claim(level);
    conf.any_type = false;
    for word in &directive.args {
        if word.text == "*" {
            conf.any_type = true;
        } else {
            conf.types.add(level, word.text.as_bytes().into());
        }
    }
    Ok(())
}

fn proxied(location: &mut Location, directive: &Directive, _: &mut HttpCx<'_, '_>) -> Done {
    let mut proxied = Proxied::default();
    for word in &directive.args {
        let case = match word.text.as_str() {
            "off" if directive.args.len() == 1 => continue,
            "any" => &mut proxied.any,
            "expired" => &mut proxied.expired,
            "no-cache" => &mut proxied.no_cache,
            "no-store" => &mut proxied.no_store,
            "private" => &mut proxied.private,
            "no_last_modified" => &mut proxied.no_last_modified,
            "no_etag" => &mut proxied.no_etag,
            "auth" => &mut proxied.auth,
            other => return Err(format!("invalid value \"{other}\"")),
        };
        *case = true;
    }
    location.gzip.proxied = proxied;
    Ok(())
}

fn disable(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    if !location.gzip.disable.is_of(level) {
        location.gzip.disable_msie6 = false;
        location.gzip.disable.claim(level);
    }
    for word in &directive.args {
        if word.text == "msie6" {
            location.gzip.disable_msie6 = true;
            continue;
        }
        cx.registry.stand_at(&word.place);
        let regex = Regex::new(&word.text, true, &mut cx.registry);
        let regex = regex.map_err(|error| error.to_string())?;
        location.gzip.disable.add(level, Arc::new(regex));
    }
    Ok(())
}

/// The table of variables.
pub(crate) static VARS: &[Builtin] = &[Builtin {
    name: "gzip_ratio",
    get: |request, out| {
        let Some(ratio) = request.response.gzip_ratio else {
            return false;
        };
        // Writing to a vector does not fail.
        let _ = write!(out, "{}.{:02}", ratio / 100, ratio % 100);
        true
    },
}];
