//! What holds for responses: redirects, types, rates, and who may have one.

use std::sync::Arc;

use nginx_conf::{Body, Directive, Kind, Param, Presence, Spec};

use super::{FLAG, Set, TEXT, location, put};
use crate::conf::contexts::{LOCATION, LOCATIONS, LOCATIONS_IF};
use crate::conf::{Apply, Row, flag, size, time, word};
use crate::http::core::{Satisfy, Tokens, Types};
use crate::http::{HttpCx, Location, Template};

/// The table.
pub(crate) static ROWS: &[Row] = &[
    location(
        "server_tokens",
        TEXT,
        "on",
        "Whether the version is told in `Server` and on error pages: on, off, or build, which is like on.",
        |location, directive, _| {
            location.core.tokens = match word(directive, 0)? {
                "on" | "build" => Tokens::On,
                "off" => Tokens::Off,
                other => return Err(format!("invalid parameter \"{other}\"")),
            };
            Ok(())
        },
    ),
    location(
        "absolute_redirect",
        FLAG,
        "on",
        "Redirects that we make carry scheme and host.",
        |location, directive, _| put(&mut location.core.absolute_redirect, flag(directive)),
    ),
    location(
        "server_name_in_redirect",
        FLAG,
        "off",
        "The host of such a redirect is the first `server_name` instead of the request's.",
        |location, directive, _| put(&mut location.core.server_name_in_redirect, flag(directive)),
    ),
    location(
        "port_in_redirect",
        FLAG,
        "on",
        "The port stands in such a redirect, where it is not the scheme's own.",
        |location, directive, _| put(&mut location.core.port_in_redirect, flag(directive)),
    ),
    location(
        "chunked_transfer_encoding",
        FLAG,
        "on",
        "Responses of unknown length are chunked; off: they end with the connection.",
        |location, directive, _| put(&mut location.core.chunked, flag(directive)),
    ),
    Row::new(
        Spec::new(
            "early_hints",
            LOCATIONS,
            &[Param {
                name: "condition",
                kind: Kind::Text,
                presence: Presence::Repeated,
            }],
            "Answers of status 103 are passed on where one of the conditions is neither empty nor `0`; without the directive they are not.",
        ),
        Apply::Location(|location, directive, cx| {
            let templates = directive.args.iter().map(|word| cx.template(word));
            location.core.early_hints = templates.collect::<Result<Vec<_>, _>>()?.into();
            Ok(())
        }),
    ),
    location(
        "etag",
        FLAG,
        "on",
        "Whether static files get an `ETag`.",
        |location, directive, _| put(&mut location.core.etag, flag(directive)),
    ),
    limit(
        "limit_rate",
        "How many bytes per second a client is sent in one response; 0 for no limit.",
        |location, directive, cx| {
            location.core.limit_rate = rate(directive, cx)?;
            Ok(())
        },
    ),
    limit(
        "limit_rate_after",
        "How many bytes of a response go out before `limit_rate` holds.",
        |location, directive, cx| {
            location.core.limit_rate_after = rate(directive, cx)?;
            Ok(())
        },
    ),
    location(
        "auth_delay",
        &[Param::required("time", Kind::Text)],
        "0s",
        "How long a 401 waits, so that passwords cannot be tried quickly.",
        |location, directive, _| {
            location.core.auth_delay = time(word(directive, 0)?)?;
            Ok(())
        },
    ),
    location(
        "satisfy",
        &[Param::required("mode", Kind::Choice(&["all", "any"]))],
        "all",
        "Whether all kinds of access control must agree, or one.",
        |location, directive, _| {
            location.core.satisfy = match word(directive, 0)? {
                "any" => Satisfy::Any,
                _ => Satisfy::All,
            };
            Ok(())
        },
    ),
    Row::new(
        Spec::new(
            "internal",
            &[LOCATION],
            &[],
            "The location is for redirects of ours only; to clients it is not there (404).",
        ),
        Apply::Location(|location, _, _| {
            location.core.internal = true;
            Ok(())
        }),
    ),
    location(
        "recursive_error_pages",
        FLAG,
        "off",
        "Whether an error of an error page has an error page.",
        |location, directive, _| put(&mut location.core.recursive_error_pages, flag(directive)),
    ),
    location(
        "log_not_found",
        FLAG,
        "on",
        "Whether files that are not there are told in the error log.",
        |location, directive, _| put(&mut location.core.log_not_found, flag(directive)),
    ),
    location(
        "log_subrequest",
        FLAG,
        "off",
        "Whether subrequests have a line in the access log.",
        |location, directive, _| put(&mut location.core.log_subrequest, flag(directive)),
    ),
    location(
        "default_type",
        TEXT,
        "text/plain",
        "The media type of what `types` does not know.",
        |location, directive, _| {
            location.core.default_type = word(directive, 0)?.as_bytes().into();
            Ok(())
        },
    ),
    Row::new(
        Spec::new(
            "types",
            LOCATIONS,
            &[],
            "Media types and the file name extensions that they belong to, a type a line.",
        )
        .body(Body::Opaque),
        Apply::Location(|location, directive, _| {
            let block = directive.block.as_deref().ok_or("expected a block")?;
            location.core.types = Arc::new(Types::read(block)?);
            Ok(())
        }),
    ),
];

const fn limit(name: &'static str, help: &'static str, set: Set<Location>) -> Row {
    let spec = Spec::new(name, LOCATIONS_IF, TEXT, help).default("0");
    Row::new(spec, Apply::Location(set))
}

fn rate(directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Result<Option<Template>, String> {
    let word = directive.args.first().ok_or("expected a rate")?;
    let template = cx.template(word)?;
    match template.as_literal() {
        Some(_) => Ok((size(&word.text)? > 0).then_some(template)),
        None => Ok(Some(template)),
    }
}
