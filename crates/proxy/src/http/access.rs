//! `allow` and `deny`: who may ask, by address.

use nginx_conf::{Context, Directive, Spec};

use super::{Flow, HttpCx, Location, Request};
use crate::access::{PARAMS, Rule, admits};
use crate::conf::contexts::{HTTP, LIMIT_EXCEPT, LOCATION, SERVER};
use crate::conf::{Apply, Done, List, Row, Severity};

/// The rules of a location; the first that fits decides, and where none does everybody may.
pub(crate) type Conf = List<Rule>;

const CONTEXTS: &[Context] = &[HTTP, SERVER, LOCATION, LIMIT_EXCEPT];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "allow",
            CONTEXTS,
            PARAMS,
            "Lets an address or network in. The first of `allow` and `deny` that fits decides.",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| add(location, directive, cx, true)),
    ),
    Row::new(
        Spec::new(
            "deny",
            CONTEXTS,
            PARAMS,
            "Keeps an address or network out (403).",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| add(location, directive, cx, false)),
    ),
];

fn add(
    location: &mut Location,
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
    allows: bool,
) -> Done {
    let rule = Rule::read(directive, allows)?;
    location.access.add(cx.cx.level(), rule);
    Ok(())
}

/// Whether there are rules at all.
pub(crate) fn is_asked(location: &Location) -> bool {
    !location.access.is_empty()
}

/// `Next` where the client may ask, 403 where not.
pub(crate) fn run(request: &Request) -> Flow {
    if admits(&request.location.access, &request.client) {
        return Flow::Next;
    }
    request.error(Severity::Error, format_args!("access forbidden by rule"));
    Flow::Respond(403)
}
