//! `resolver`: who finds the addresses of names that come up while the server runs.

use nginx_conf::Spec;

use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Row};
use crate::upstream::{Resolving, rows};

/// The resolver of a location.
pub(crate) type Conf = Resolving;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "resolver",
            LOCATIONS,
            rows::ADDRESSES,
            "The name servers that are asked for names in `proxy_pass` with variables; `valid=` replaces their times, `ipv4=off` and `ipv6=off` leave a kind of address out.",
        ),
        Apply::Location(|location, directive, _| location.resolver.set(directive)),
    ),
    Row::new(
        Spec::new(
            "resolver_timeout",
            LOCATIONS,
            rows::TIME,
            "How long a name may take.",
        )
        .default("30s"),
        Apply::Location(|location, directive, _| location.resolver.set_timeout(directive)),
    ),
];
