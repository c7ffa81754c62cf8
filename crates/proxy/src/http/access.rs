//! `allow` and `deny`: who may ask, by address.

use nginx_conf::{Context, Directive, Spec};

use super::phases::Verdict;
use super::{HttpCx, Location, Request};
use crate::access::{self, PARAMS, Rule};
use crate::conf::contexts::{HTTP, LIMIT_EXCEPT, LOCATION, SERVER};
use crate::conf::{Apply, Done, List, Row};

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

/// The first rule that fits.
pub(crate) fn run(request: &Request) -> Verdict {
    match access::decision(&request.location.access, &request.client) {
        None => Verdict::Silent,
        Some(true) => Verdict::Allows,
        Some(false) => Verdict::Denies(403),
    }
}
