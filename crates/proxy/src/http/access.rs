//! `allow` and `deny`: who may ask, by address.

use nginx_conf::{Context, Directive, Kind, Param, Spec};

use super::phases::Verdict;
use super::{HttpCx, Location, Request};
use crate::conf::contexts::{HTTP, LIMIT_EXCEPT, LOCATION, SERVER};
use crate::conf::{Apply, Done, List, Row, word};
use crate::net::Endpoint;
use crate::network::Network;

/// The rules of a location; the first that fits decides, and where none does everybody may.
pub(crate) type Conf = List<Rule>;

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    whose: Whose,
    allows: bool,
}

#[derive(Debug, Clone, Copy)]
enum Whose {
    All,
    Unix,
    Network(Network),
}

const CONTEXTS: &[Context] = &[HTTP, SERVER, LOCATION, LIMIT_EXCEPT];
const PARAMS: &[Param] = &[Param::required("address|network|unix:|all", Kind::Text)];

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
    let whose = match word(directive, 0)? {
        "all" => Whose::All,
        "unix:" => Whose::Unix,
        text => {
            let network = Network::read(text);
            Whose::Network(network.ok_or_else(|| format!("invalid parameter \"{text}\""))?)
        }
    };
    let rule = Rule { whose, allows };
    location.access.add(cx.cx.level(), rule);
    Ok(())
}

/// The first rule that fits.
pub(crate) fn run(request: &Request) -> Verdict {
    let fits = |rule: &&Rule| match (rule.whose, &request.client) {
        (Whose::All, _) | (Whose::Unix, Endpoint::Unix(_)) => true,
        (Whose::Network(network), Endpoint::Ip(address)) => network.contains(address.ip()),
        (Whose::Unix, Endpoint::Ip(_)) | (Whose::Network(_), Endpoint::Unix(_)) => false,
    };
    match request.location.access.iter().find(fits) {
        None => Verdict::Silent,
        Some(rule) if rule.allows => Verdict::Allows,
        Some(_) => Verdict::Denies(403),
    }
}
