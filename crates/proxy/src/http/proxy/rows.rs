//! The tables of `proxy_*`.

mod buffers;
mod fields;
mod rewrites;
mod servers;
mod tls;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::super::{Handler, HttpCx, Location};
use super::pass;
use crate::conf::contexts::{LIMIT_EXCEPT, LOCATION, LOCATION_IF, LOCATIONS};
use crate::conf::{Apply, Done, Row, word};

/// All of them.
pub(crate) const TABLES: [&[Row]; 6] = [
    PASS,
    fields::ROWS,
    rewrites::ROWS,
    servers::ROWS,
    buffers::ROWS,
    tls::ROWS,
];

type Take = fn(&mut Location, &Directive, &mut HttpCx<'_, '_>) -> Done;

const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];
const TEXT: &[Param] = &[Param::required("value", Kind::Text)];
const NAME: &[Param] = &[Param::required("field", Kind::Text)];
const TIME: &[Param] = &[Param::required("time", Kind::Text)];
const SIZE: &[Param] = &[Param::required("size", Kind::Text)];
const COUNT: &[Param] = &[Param::required("number", Kind::Text)];
const FILE: &[Param] = &[Param::required("file", Kind::Text)];

const fn optional(name: &'static str) -> Param {
    Param {
        name,
        kind: Kind::Text,
        presence: Presence::Optional,
    }
}

const fn repeated(name: &'static str) -> Param {
    Param {
        name,
        kind: Kind::Text,
        presence: Presence::Repeated,
    }
}

/// A directive of `http`, `server` and `location`.
const fn row(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    apply: Take,
) -> Row {
    let spec = Spec::new(name, LOCATIONS, params, help);
    let spec = if default.is_empty() {
        spec
    } else {
        spec.default(default)
    };
    Row::new(spec, Apply::Location(apply))
}

/// One that may stand several times in a block.
const fn list(
    name: &'static str,
    params: &'static [Param],
    help: &'static str,
    apply: Take,
) -> Row {
    let spec = Spec::new(name, LOCATIONS, params, help).repeatable();
    Row::new(spec, Apply::Location(apply))
}

const PASS_HELP: &str = "Passes requests on to a server or a group: `http://NAME` or `https://NAME`, with a port, with a URI that takes the place of the location's prefix, and with variables.";
const URL: &[Param] = &[Param::required("URL", Kind::Text)];

const PASS: &[Row] = &[
    Row::new(
        Spec::new("proxy_pass", &[LOCATION], URL, PASS_HELP),
        Apply::Location(|location, directive, cx| take_pass(location, directive, false, cx)),
    ),
    Row::new(
        Spec::new("proxy_pass", &[LOCATION_IF, LIMIT_EXCEPT], URL, PASS_HELP),
        Apply::Location(|location, directive, cx| take_pass(location, directive, true, cx)),
    ),
];

fn take_pass(
    location: &mut Location,
    directive: &Directive,
    is_inner: bool,
    cx: &mut HttpCx<'_, '_>,
) -> Done {
    word(directive, 0)?;
    let pass = pass::read(location, &directive.args[0], is_inner, cx)?;
    location.handler = Some(Handler::Proxy(pass.into()));
    Ok(())
}
