//! The tables of the core directives, and the shapes that their rows have in common.

pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod head;
pub(crate) mod ignored;
pub(crate) mod response;

use std::time::Duration;

use nginx_conf::value::Unit;
use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use crate::conf::contexts::{LOCATIONS, SERVERS};
use crate::conf::{Apply, Done, Row, size, time, word};
use crate::http::{HttpCx, Location, ServerDraft};

const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];
const SIZE: &[Param] = &[Param::required("size", bytes())];
const TIME: &[Param] = &[Param::required("time", seconds())];
const NUMBER: &[Param] = &[Param::required("number", count())];
const TEXT: &[Param] = &[Param::required("value", Kind::Text)];

const fn bytes() -> Kind {
    Kind::Size {
        min: 0,
        max: i64::MAX,
    }
}

const fn seconds() -> Kind {
    Kind::Time {
        bare: Unit::Second,
        min_ms: 0,
        max_ms: i64::MAX,
    }
}

const fn count() -> Kind {
    Kind::Number {
        min: 0,
        max: i64::MAX,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        presence: Presence::Optional,
    }
}

type Set<T> = fn(&mut T, &Directive, &mut HttpCx<'_, '_>) -> Done;

const fn server(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    set: Set<ServerDraft>,
) -> Row {
    let spec = Spec::new(name, SERVERS, params, help).default(default);
    Row::new(spec, Apply::Server(set))
}

const fn location(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    set: Set<Location>,
) -> Row {
    let spec = Spec::new(name, LOCATIONS, params, help).default(default);
    Row::new(spec, Apply::Location(set))
}

fn put<T>(field: &mut T, value: Result<T, String>) -> Done {
    *field = value?;
    Ok(())
}

fn span(directive: &Directive) -> Result<Duration, String> {
    time(word(directive, 0)?)
}

fn len(directive: &Directive, index: usize) -> Result<usize, String> {
    let size = size(word(directive, index)?)?;
    usize::try_from(size).map_err(|_| "the size does not fit into memory".to_owned())
}
