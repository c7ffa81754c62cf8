//! The `upstream` block of the HTTP face: a table; what it says is read in [`crate::upstream`].

use nginx_conf::{Param, Spec};

use super::{HttpCx, UpstreamDraft};
use crate::conf::contexts::UPSTREAM;
use crate::conf::{Apply, Done, Row};
use crate::upstream::rows;

const HTTP_PORT: u16 = 80;

type Read = fn(&mut UpstreamDraft, &nginx_conf::Directive, &mut HttpCx<'_, '_>) -> Done;

const fn row(name: &'static str, params: &'static [Param], help: &'static str, apply: Read) -> Row {
    Row::new(
        Spec::new(name, &[UPSTREAM], params, help),
        Apply::Upstream(apply),
    )
}

const fn with_default(mut row: Row, default: &'static str) -> Row {
    row.spec = row.spec.default(default);
    row
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new("server", &[UPSTREAM], rows::ADDRESS, rows::SERVER_HELP).repeatable(),
        Apply::Upstream(|draft, directive, _| rows::server(draft, directive, Some(HTTP_PORT))),
    ),
    row(
        "zone",
        rows::ZONE,
        rows::ZONE_HELP,
        |draft, directive, _| rows::zone(draft, directive),
    ),
    row(
        "hash",
        rows::HASH,
        rows::HASH_HELP,
        |draft, directive, cx| rows::hash(draft, directive, &mut cx.registry),
    ),
    row(
        "ip_hash",
        &[],
        "Chooses by the client's address: the first three bytes of IPv4, or the whole of IPv6.",
        |draft, directive, _| rows::ip_hash(draft, directive),
    ),
    row(
        "least_conn",
        &[],
        rows::LEAST_HELP,
        |draft, directive, _| rows::least_conn(draft, directive),
    ),
    row(
        "random",
        rows::RANDOM,
        rows::RANDOM_HELP,
        |draft, directive, _| rows::random(draft, directive),
    ),
    with_default(
        row(
            "keepalive",
            rows::KEEPALIVE,
            "How many idle connections to its servers a worker keeps; `local` keeps those of each `proxy_pass` apart.",
            |draft, directive, _| rows::keepalive(draft, directive),
        ),
        "32 local",
    ),
    with_default(
        row(
            "keepalive_requests",
            rows::COUNT,
            "After how many requests a connection is closed.",
            |draft, directive, _| rows::keepalive_requests(draft, directive),
        ),
        "1000",
    ),
    with_default(
        row(
            "keepalive_time",
            rows::TIME,
            "After what time a connection is closed once it is idle.",
            |draft, directive, _| rows::keepalive_time(draft, directive),
        ),
        "1h",
    ),
    with_default(
        row(
            "keepalive_timeout",
            rows::TIME,
            "How long a connection may be idle.",
            |draft, directive, _| rows::keepalive_timeout(draft, directive),
        ),
        "60s",
    ),
    row(
        "resolver",
        rows::ADDRESSES,
        rows::RESOLVER_HELP,
        |draft, directive, _| rows::resolver(draft, directive),
    ),
    with_default(
        row(
            "resolver_timeout",
            rows::TIME,
            "How long a name may take.",
            |draft, directive, _| rows::resolver_timeout(draft, directive),
        ),
        "30s",
    ),
];
